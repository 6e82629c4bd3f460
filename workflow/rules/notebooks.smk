# Notebooks, executed on the results of the run.

NOTEBOOK = LAYOUT.results / "notebooks" / "{notebook}.html"


rule run_notebook:
    input:
        reads(NOTEBOOK),
    output:
        shown(NOTEBOOK, "notebook", "Notebooks", lambda wildcards: wildcards.notebook.replace("_", " ").capitalize()),
    wildcard_constraints:
        notebook="[^/]+",
    params:
        **flags(NOTEBOOK),
    log:
        log_of("run_notebook", "{notebook}"),
    threads: 1
    resources:
        **needs(NOTEBOOK),
    message:
        "Notebook {wildcards.notebook}"
    shell:
        "inference-gaps run-notebook {params.job} {params.files} > {log:q} 2>&1"
