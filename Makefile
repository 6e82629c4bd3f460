# `make` sets up .venv and makes tables, figures and report; `make help` lists everything else.

GIVEN := PRESET DATA COPIES FRESH CORES PROFILE PYTHON
UNKNOWN := $(filter-out $(GIVEN) SHELL,$(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name))))
# Variables of a Makefile that calls this one are not for it.
$(if $(UNKNOWN),$(if $(filter 0,$(MAKELEVEL)),$(error There is no $(UNKNOWN) to give; there are $(GIVEN))))
$(foreach name,$(GIVEN),$(if $(filter environment,$(origin $(name))),$(if $(value $(name)),\
	$(info $(name)=$(value $(name)) is taken from the environment.))))
# Values reach programs in the environment, as they were typed: neither make nor the shell reads them.
$(foreach name,$(GIVEN),$(eval override $(name) := $$(value $(name))))
export $(GIVEN)
# Of another folder, it would lead to the code of that folder.
unexport PYTHONPATH PYTHONHOME

BIN := .venv/bin
STUDY := $${PRESET:+--preset="$$PRESET"} $${DATA:+--data-folder="$$DATA"} $${COPIES:+--copies="$$COPIES"}
SNAKEMAKE := $(BIN)/python -P scripts/run_snakemake.py $(STUDY) $${FRESH:+--fresh="$$FRESH"} --cores "$${CORES:-all}"

.PHONY: replicate cluster tables figures notebooks paper html data selfcheck test test-faults test-slurm test-packages check bench clean lock schemas environment help

replicate: environment
	@$(SNAKEMAKE)
	@$(BIN)/inference-gaps where $(STUDY)

cluster: environment
	@$(SNAKEMAKE) --cluster "$${PROFILE:-slurm}"
	@$(BIN)/inference-gaps where $(STUDY)

tables figures notebooks paper data: environment
	@$(SNAKEMAKE) $@

# Snakemake's own report on a run that is complete.
html: environment
	@$(SNAKEMAKE)
	@$(SNAKEMAKE) --page
	@$(BIN)/inference-gaps where $(STUDY)

selfcheck: environment
	@$(SNAKEMAKE) selfcheck
	@$(BIN)/inference-gaps show-selfcheck $(STUDY)

# Two processes, each with the tests of one file at a time: they share what is made once for a file.
test: environment
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test-faults: environment
	@$(BIN)/python -m pytest -m "faults or slow" -s

# In an environment of its own, beside the packages that other people's models come from.
test-packages: environment
	@$(BIN)/python -P scripts/test_packages.py

# As root, on a machine where Debian packages can be installed.
test-slurm: environment
	@$(BIN)/python -m pip -qq install --editable '.[slurm]'
	@$(BIN)/python -m pytest -m slurm -s tests/slurm

check: environment
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy
	@$(BIN)/inference-gaps check-config $(STUDY)
	@$(BIN)/python -m pytest tests/workflow/test_lint.py

bench: environment
	@$(BIN)/python -m benchmarks

clean: environment
	@$(BIN)/inference-gaps clean $(STUDY)

# After a change of the versions in pyproject.toml: install them, and pin all that they need. Packages that
# PyTorch brings along for a GPU are left to PyTorch, which has them on some machines only.
lock: environment
	@$(BIN)/python -m pip -qq install --upgrade --editable '.[replication,test]'
	@$(BIN)/python -m pip freeze --exclude-editable | sed 's/+.*//' | grep -Ev '^(nvidia|cuda|triton)' \
		> requirements.lock.new
	@mv requirements.lock.new requirements.lock

schemas: environment
	@$(BIN)/python -P -m inference_gaps.replication.config.schemas

help:
	@echo 'make                 everything: tables, figures and paper/replication-PRESET.pdf'
	@echo 'make cluster         the same, on a cluster with Slurm (docs/cluster.md)'
	@echo 'make tables          only the tables, in results/PRESET'
	@echo 'make figures         only the figures, in figures/PRESET'
	@echo 'make notebooks       only the notebooks, executed, in results/PRESET/notebooks'
	@echo 'make paper           only the report'
	@echo 'make data            only the data sets: downloaded and prepared'
	@echo 'make html            everything, and paper/workflow-PRESET.html: one page to browse, without a network'
	@echo 'make selfcheck       the estimators, compared with exact answers'
	@echo 'make test            the tests'
	@echo 'make test-faults     50 random kills of running jobs; results must be identical to the bit (some minutes)'
	@echo 'make test-packages   gaps.measure beside Pythae, diffusers and scikit-learn, in .venv-packages (some minutes, 2 GB)'
	@echo 'make test-slurm      runs on a Slurm of one node, which it starts; as root, on Debian (44 min)'
	@echo 'make check           style, types, configuration, workflow'
	@echo 'make bench           speed of training and of the bounds, compared with plain code'
	@echo 'make clean           remove results, figures and report of PRESET; downloads stay'
	@echo 'make environment     only .venv; every other target makes it first'
	@echo 'make lock            pin requirements.lock again, after a change of pyproject.toml'
	@echo 'make schemas         write workflow/schemas again, after a change of a specification'
	@echo
	@echo 'PRESET=quick         quick, laptop, weekend or full; default: the preset of config/config.yaml'
	@echo 'DATA=FOLDER          folder with mnist/, fashion-mnist/, ...; default: download'
	@echo 'COPIES={cifar10: cifar10}   in quotes; copies of data sets to use instead of those of the preset'
	@echo 'FRESH=yes            make all anew, published values included; what was there is set aside'
	@echo 'CORES=all            number of jobs at once'
	@echo 'PROFILE=slurm        folder of workflow/profiles, or your own: how make cluster runs jobs'
	@echo 'PYTHON=python3       Python 3.11 or newer, for .venv'

# Sets up what is not as it has to be: .venv belongs to one folder, one Python and requirements.lock.
environment:
	@if [ -z "$$PYTHON" ] && $(BIN)/python -I -c '' 2> /dev/null; then python=$(BIN)/python; \
	else python="$${PYTHON:-python3}"; fi; \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
		echo "Python 3.11 or newer is needed, and $$python is not; name one: make PYTHON=python3.12" >&2; exit 1; }; \
	"$$python" -I scripts/set_up.py
