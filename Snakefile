"""From raw images to the replication report, one subcommand of `inference-gaps` per rule.

The plan (which models, which bounds, with which specification) is made by inference_gaps.replication.study from config/;
the rules only hand each job its files and its specification. Whatever is not the planned one is set aside before
Snakemake looks at files (workflow/rules/common.smk); a job then runs if an output of it is missing.
"""

include: "workflow/rules/study.smk"
include: "workflow/rules/common.smk"


report: "workflow/report/workflow.rst"


# Under Snakemake's limit of a hundred jobs a second, each job that ends adds a look for further jobs once a second
# until the end of the run: hours of hundreds of jobs would spend a tenth of the processor on it. Cores limit the
# jobs here, and `jobs` of the profile on a cluster.
onstart:
    listen()
    workflow.scheduler.job_rate_limiter = None


onsuccess:
    finish()


# What a user asks for by name; the first is what plain `snakemake` makes.
rule all:
    input:
        wanted("all"),


rule data:
    input:
        wanted("data"),
    message:
        "The data are in results/{PRESET}/data"


rule tables:
    input:
        wanted("tables"),
    message:
        "The tables are in results/{PRESET}"


rule selfcheck:
    input:
        wanted("selfcheck"),
    message:
        "The self-check is {input}"


rule figures:
    input:
        wanted("figures"),
    message:
        "The figures are in figures/{PRESET}"


rule paper:
    input:
        wanted("paper"),
    message:
        "The report is {input[0]}"


rule notebooks:
    input:
        wanted("notebooks"),
    message:
        "The notebooks are in results/{PRESET}/notebooks"


# On a cluster, what needs the network or hardly any time runs where Snakemake runs.
localrules:
    all,
    data,
    selfcheck,
    tables,
    figures,
    notebooks,
    paper,
    fetch_data,
    take_checkpoint,
    make_selfcheck,
    make_table,
    judge_claims,
    plot_schematic,
    plot_gaps,
    plot_training,
    plot_samples,
    plot_posteriors,
    plot_convergence,
    write_report,
    write_manifest,


include: "workflow/rules/data.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/estimators.smk"
include: "workflow/rules/summary.smk"
include: "workflow/rules/notebooks.smk"

UNRULED = {job.stage for job in STUDY.jobs} - {rule.name.replace("_", "-") for rule in workflow.rules}
if UNRULED:
    sys.exit(f"snakemake: workflow/rules has no rule for {', '.join(sorted(UNRULED))}; add one of the same name, with _ for -.")
