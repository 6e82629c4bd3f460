# Values per data point -> tables, figures, the report.

TABLE = LAYOUT.table("{experiment}", "csv")
VERDICTS = LAYOUT.claims("csv")
SCHEMATIC = LAYOUT.figure("schematic", "csv")
GAPS = LAYOUT.figure("gaps-{experiment}", "csv")
TRAINING = LAYOUT.figure("training", "csv")
SAMPLES = LAYOUT.figure("samples", "csv")
POSTERIORS_FIGURE = LAYOUT.figure("posteriors", "csv")
CONVERGENCE_FIGURE = LAYOUT.figure("convergence", "csv")


rule make_table:
    input:
        reads(TABLE),
    output:
        csv=TABLE,
        markdown=shown(LAYOUT.table("{experiment}", "md"), "table", "Tables", title_of),
        latex=LAYOUT.table("{experiment}", "tex"),
    params:
        **flags(TABLE),
    log:
        log_of("make_table", "{experiment}"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Table of {wildcards.experiment}"
    shell:
        "inference-gaps make-table {params.job} {params.files} > {log:q} 2>&1"


rule judge_claims:
    input:
        reads(VERDICTS),
    output:
        csv=VERDICTS,
        markdown=shown(LAYOUT.claims("md"), "claims", "Tables", "Verdicts on the claims of the paper"),
    params:
        **flags(VERDICTS),
    log:
        log_of("judge_claims", "claims"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Verdicts on the claims of the paper"
    shell:
        "inference-gaps judge-claims {params.job} {params.files} > {log:q} 2>&1"


rule plot_schematic:
    input:
        reads(SCHEMATIC),
    output:
        **figure(SCHEMATIC, "schematic", "Gaps", "What the gaps are"),
    params:
        **flags(SCHEMATIC),
    log:
        log_of("plot_schematic", "schematic"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Schematic of the gaps"
    shell:
        "inference-gaps plot-schematic {params.job} {params.files} > {log:q} 2>&1"


rule plot_gaps:
    input:
        reads(GAPS),
    output:
        **figure(GAPS, "gaps", "Gaps", title_of),
    params:
        **flags(GAPS),
    log:
        log_of("plot_gaps", "{experiment}"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Figure of the gaps of {wildcards.experiment}"
    shell:
        "inference-gaps plot-gaps {params.job} {params.files} > {log:q} 2>&1"


rule plot_training:
    input:
        reads(TRAINING),
    output:
        **figure(TRAINING, "training", "Models", "Training curves"),
    params:
        **flags(TRAINING),
    log:
        log_of("plot_training", "training"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Figure of the training curves"
    shell:
        "inference-gaps plot-training {params.job} {params.files} > {log:q} 2>&1"


rule plot_samples:
    input:
        reads(SAMPLES),
    output:
        **figure(SAMPLES, "samples", "Models", "Samples and reconstructions"),
    params:
        **flags(SAMPLES),
    log:
        log_of("plot_samples", "samples"),
    threads: 1
    resources:
        mem_mb=2000,
    message:
        "Figure of samples and reconstructions"
    shell:
        "inference-gaps plot-samples {params.job} {params.files} > {log:q} 2>&1"


rule plot_convergence:
    input:
        reads(CONVERGENCE_FIGURE),
    output:
        **figure(CONVERGENCE_FIGURE, "convergence", "Estimators", "Convergence of the estimators"),
    params:
        **flags(CONVERGENCE_FIGURE),
    log:
        log_of("plot_convergence", "convergence"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Figure of the convergence of the estimators"
    shell:
        "inference-gaps plot-convergence {params.job} {params.files} > {log:q} 2>&1"


rule plot_posteriors:
    input:
        reads(POSTERIORS_FIGURE),
    output:
        **figure(POSTERIORS_FIGURE, "posteriors", "Posteriors", "Posteriors in two dimensions"),
    params:
        **flags(POSTERIORS_FIGURE),
    log:
        log_of("plot_posteriors", "posteriors"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Figure of posteriors in two dimensions"
    shell:
        "inference-gaps plot-posteriors {params.job} {params.files} > {log:q} 2>&1"


rule write_report:
    input:
        reads(LAYOUT.report),
    output:
        pdf=shown(LAYOUT.report, "replication", "Report", "Replication report"),
        numbers=LAYOUT.results / "report.json",
    params:
        **flags(LAYOUT.report),
    log:
        log_of("write_report", "replication"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Replication report"
    shell:
        "inference-gaps write-report {params.job} {params.files} > {log:q} 2>&1"


rule write_manifest:
    input:
        described,
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
