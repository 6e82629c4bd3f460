# `make` sets up .venv and makes tables, figures and report; `make help` lists everything else.

PYTHON ?= python3
CORES ?= all
PRESET ?=
DATA ?=
COPIES ?=

BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
STUDY := $(if $(PRESET),--preset="$(PRESET)") $(if $(DATA),--data-folder="$(DATA)") $(if $(COPIES),--copies='$(COPIES)')
SNAKEMAKE := $(BIN)/python scripts/run_snakemake.py $(STUDY) --cores $(CORES)

.PHONY: replicate tables figures notebooks paper html data selfcheck test test-faults check bench clean lock schemas help

replicate: $(READY)
	@$(SNAKEMAKE)
	@$(BIN)/inference-gaps where $(STUDY)

tables figures notebooks paper data: $(READY)
	@$(SNAKEMAKE) $@

# Snakemake's own report on a run that is complete.
html: $(READY)
	@$(SNAKEMAKE)
	@$(SNAKEMAKE) --page
	@$(BIN)/inference-gaps where $(STUDY)

selfcheck: $(READY)
	@$(SNAKEMAKE) selfcheck
	@$(BIN)/inference-gaps show-selfcheck $(STUDY)

test: $(READY)
	@$(BIN)/python -m pytest

test-faults: $(READY)
	@$(BIN)/python -m pytest -m "faults or slow" -s

check: $(READY)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy
	@$(BIN)/inference-gaps check-config $(STUDY)
	@$(BIN)/python -m pytest tests/workflow/test_lint.py

bench: $(READY)
	@$(BIN)/python -m benchmarks

clean: $(READY)
	@$(BIN)/inference-gaps clean $(STUDY)

# After a change of the versions in pyproject.toml: install them, and pin all that they need. Packages that
# PyTorch brings along for a GPU are left to PyTorch, which has them on some machines only.
lock: $(READY)
	@$(PIP) install --upgrade --editable '.[test]'
	@$(BIN)/python -m pip freeze --exclude-editable | sed 's/+.*//' | grep -Ev '^(nvidia|cuda|triton)' \
		> requirements.lock.new
	@mv requirements.lock.new requirements.lock
	@touch $(READY)

schemas: $(READY)
	@$(BIN)/python -m inference_gaps.replication.config.schemas

help:
	@echo 'make                 tables, figures and paper/replication-PRESET.pdf'
	@echo 'make tables          tables only, in results/PRESET'
	@echo 'make figures         figures only, in figures/PRESET'
	@echo 'make notebooks       the notebooks, executed, in results/PRESET/notebooks'
	@echo 'make paper           the report'
	@echo 'make html            everything, and to browse it paper/workflow-PRESET.html, one page that needs no network'
	@echo 'make data            download and prepare the data sets only'
	@echo 'make selfcheck       the estimators against models whose answers are known'
	@echo 'make test            the tests'
	@echo 'make test-faults     50 random kills of running jobs; results must be the same to the bit (some minutes)'
	@echo 'make check           style, types, configuration, workflow'
	@echo 'make bench           how fast training and the bounds are here'
	@echo 'make clean           remove results, figures and report of PRESET; downloads stay'
	@echo 'make lock            pin requirements.lock anew, after a change of pyproject.toml'
	@echo 'make schemas         write workflow/schemas anew, after a change of a specification'
	@echo
	@echo 'PRESET=quick         quick, laptop or full; default: the preset of config/config.yaml'
	@echo 'DATA=FOLDER          folder with mnist/, fashion-mnist/, ...; default: download'
	@echo 'COPIES={cifar10: cifar10}   quoted; another copy of a data set than the preset has'
	@echo 'CORES=all            how many jobs at once'
	@echo 'PYTHON=python3       the Python (3.11 or newer) that .venv is made with'

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
		echo 'Python 3.11 or newer is needed, and $(PYTHON) is not; name one: make PYTHON=python3.12' >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo '$(PYTHON) cannot make an environment; install its venv module (on Debian: apt install python3-venv).' >&2; \
		exit 1; }
	@echo 'Installing the packages of requirements.lock into .venv; the first time this takes some minutes.'
	@# PyTorch first: alone, pip takes the build that fits the machine (for a GPU or not).
	@$(PIP) install "$$(grep '^torch==' requirements.lock)"
	@$(PIP) install --requirement requirements.lock
	@$(PIP) install --no-deps --editable .
	@touch $@
