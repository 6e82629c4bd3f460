# Values per data point -> tables, figures, the report.

TABLE = LAYOUT.table("{experiment}", "csv")
VERDICTS = LAYOUT.claims("csv")
SCHEMATIC = LAYOUT.figure("schematic", "csv")
GAPS = LAYOUT.figure("gaps-{experiment}", "csv")
TRAINING = LAYOUT.figure("training", "csv")
SAMPLES = LAYOUT.figure("samples", "csv")
POSTERIORS_FIGURE = LAYOUT.figure("posteriors", "csv")
CONVERGENCE_FIGURE = LAYOUT.figure("convergence", "csv")
PAPER = TOP / "paper"
PUBLISHED = PAPER / "published.csv"


rule make_table:
    input:
        reads_list(TABLE),
    output:
        csv=TABLE,
        markdown=shown(LAYOUT.table("{experiment}", "md"), "table", "Tables", title_of),
        latex=LAYOUT.table("{experiment}", "tex"),
    params:
        spec=spec(TABLE),
        fingerprint=fingerprint(TABLE),
        results=LAYOUT.results,
        published=PUBLISHED,
        optional=f"--selfcheck {shlex.quote(str(LAYOUT.selfcheck('csv')))}" if SELFCHECK else "",
    log:
        log_of("make_table", "{experiment}"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Table of {wildcards.experiment}"
    shell:
        "inference-gaps make-table --spec {params.spec:q} --results {params.results:q} --published {params.published:q}"
        " {params.optional} --csv {output.csv:q} --markdown {output.markdown:q} --latex {output.latex:q}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule judge_claims:
    input:
        reads_list(VERDICTS),
    output:
        csv=VERDICTS,
        markdown=shown(LAYOUT.claims("md"), "claims", "Tables", "Verdicts on the claims of the paper"),
    params:
        spec=spec(VERDICTS),
        fingerprint=fingerprint(VERDICTS),
        results=LAYOUT.results,
        published=PUBLISHED,
        optional=f"--selfcheck {shlex.quote(str(LAYOUT.selfcheck('csv')))}" if SELFCHECK else "",
    log:
        log_of("judge_claims", "claims"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Verdicts on the claims of the paper"
    shell:
        "inference-gaps judge-claims --spec {params.spec:q} --results {params.results:q} --published {params.published:q}"
        " {params.optional} --csv {output.csv:q} --markdown {output.markdown:q}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule plot_schematic:
    input:
        reads_list(SCHEMATIC),
    output:
        **figure(SCHEMATIC, "schematic", "Gaps", "What the gaps are"),
    params:
        spec=spec(SCHEMATIC),
        fingerprint=fingerprint(SCHEMATIC),
        table=lambda wildcards: next(str(path) for path in STUDY.jobs[SCHEMATIC].inputs.values()),
        prefix=subpath(output.csv, strip_suffix=".csv"),
    log:
        log_of("plot_schematic", "schematic"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Schematic of the gaps"
    shell:
        "inference-gaps plot-schematic --spec {params.spec:q} --table {params.table:q}"
        " --output-prefix {params.prefix:q}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule plot_gaps:
    input:
        reads_list(GAPS),
    output:
        **figure(GAPS, "gaps", "Gaps", title_of),
    params:
        spec=spec(GAPS),
        fingerprint=fingerprint(GAPS),
        table=str(LAYOUT.table("{experiment}", "csv")),
        prefix=subpath(output.csv, strip_suffix=".csv"),
        published=PUBLISHED,
    log:
        log_of("plot_gaps", "{experiment}"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Figure of the gaps of {wildcards.experiment}"
    shell:
        "inference-gaps plot-gaps --spec {params.spec:q} --table {params.table:q} --published {params.published:q}"
        " --output-prefix {params.prefix:q}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule plot_training:
    input:
        reads_list(TRAINING),
    output:
        **figure(TRAINING, "training", "Models", "Training curves"),
    params:
        spec=spec(TRAINING),
        fingerprint=fingerprint(TRAINING),
        prefix=subpath(output.csv, strip_suffix=".csv"),
        results=LAYOUT.results,
    log:
        log_of("plot_training", "training"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Figure of the training curves"
    shell:
        "inference-gaps plot-training --spec {params.spec:q} --results {params.results:q}"
        " --output-prefix {params.prefix:q}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule plot_samples:
    input:
        reads_list(SAMPLES),
    output:
        **figure(SAMPLES, "samples", "Models", "Samples and reconstructions"),
    params:
        spec=spec(SAMPLES),
        fingerprint=fingerprint(SAMPLES),
        prefix=subpath(output.csv, strip_suffix=".csv"),
        results=LAYOUT.results,
    log:
        log_of("plot_samples", "samples"),
    threads: 1
    resources:
        mem_mb=2000,
    message:
        "Figure of samples and reconstructions"
    shell:
        "inference-gaps plot-samples --spec {params.spec:q} --results {params.results:q}"
        " --output-prefix {params.prefix:q}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule plot_convergence:
    input:
        reads_list(CONVERGENCE_FIGURE),
    output:
        **figure(CONVERGENCE_FIGURE, "convergence", "Estimators", "Convergence of the estimators"),
    params:
        spec=spec(CONVERGENCE_FIGURE),
        fingerprint=fingerprint(CONVERGENCE_FIGURE),
        prefix=subpath(output.csv, strip_suffix=".csv"),
        results=LAYOUT.results,
    log:
        log_of("plot_convergence", "convergence"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Figure of the convergence of the estimators"
    shell:
        "inference-gaps plot-convergence --spec {params.spec:q} --results {params.results:q}"
        " --output-prefix {params.prefix:q}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule plot_posteriors:
    input:
        reads_list(POSTERIORS_FIGURE),
    output:
        **figure(POSTERIORS_FIGURE, "posteriors", "Posteriors", "Posteriors in two dimensions"),
    params:
        spec=spec(POSTERIORS_FIGURE),
        fingerprint=fingerprint(POSTERIORS_FIGURE),
        prefix=subpath(output.csv, strip_suffix=".csv"),
        results=LAYOUT.results,
    log:
        log_of("plot_posteriors", "posteriors"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Figure of posteriors in two dimensions"
    shell:
        "inference-gaps plot-posteriors --spec {params.spec:q} --results {params.results:q}"
        " --output-prefix {params.prefix:q}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule write_report:
    input:
        reads_list(LAYOUT.report),
    output:
        pdf=shown(LAYOUT.report, "replication", "Report", "Replication report"),
        numbers=LAYOUT.results / "report.json",
    params:
        spec=spec(LAYOUT.report),
        fingerprint=fingerprint(LAYOUT.report),
        results=LAYOUT.results,
        figures=TRAINING.parent,
        paper=PAPER,
    log:
        log_of("write_report", "replication"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Replication report"
    shell:
        "inference-gaps write-report --spec {params.spec:q} --results {params.results:q} --figures {params.figures:q}"
        " --paper {params.paper:q} --output {output.pdf:q}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule write_manifest:
    input:
        described(),
    output:
        LAYOUT.manifest,
    params:
        identifier=IDENTIFIER,
        experiments=STUDY.configuration.chosen_experiments,
        study=flags_for(SETTINGS),
    log:
        log_of("write_manifest", "manifest"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Manifest of the run"
    shell:
        "inference-gaps write-manifest {params.study:q} --experiments {params.experiments:q}"
        " --output {output:q} > {log:q} 2>&1"
