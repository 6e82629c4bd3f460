# Notebooks, executed on the results of the run.

NOTEBOOK = LAYOUT.results / "notebooks" / "{notebook}.html"


rule run_notebook:
    input:
        reads_list(NOTEBOOK),
    output:
        shown(NOTEBOOK, "notebook", "Notebooks", lambda wildcards: wildcards.notebook.replace("_", " ").capitalize()),
    wildcard_constraints:
        notebook="[A-Za-z0-9_-]+",
    params:
        spec=spec(NOTEBOOK),
        fingerprint=fingerprint(NOTEBOOK),
        results=LAYOUT.results,
        notebook=lambda wildcards: STUDY.jobs[str(NOTEBOOK).format(**wildcards)].inputs["notebook"],
    log:
        log_of("run_notebook", "{notebook}"),
    threads: 1
    resources:
        mem_mb=2000,
    message:
        "Notebook {wildcards.notebook}"
    shell:
        "inference-gaps run-notebook --spec {params.spec:q} --notebook {params.notebook:q} --results {params.results:q}"
        " --output {output:q}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"
