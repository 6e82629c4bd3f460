# What proves the estimators: data simulated from each model, exact answers, bounds from both sides, convergence.

SIMULATED = LAYOUT.simulated("{model}", "{seed}")
BDMC = LAYOUT.bdmc("{model}", "{seed}", "{start}")
EXACT = LAYOUT.exact("{model}", "{seed}", "{split}")
PROCEDURES = LAYOUT.procedures("{model}", "{seed}", "{split}")
CONVERGENCE = LAYOUT.convergence("{model}", "{seed}", "{split}")
SELFCHECK_TABLE = LAYOUT.selfcheck("csv")


rule simulate_data:
    input:
        reads(SIMULATED),
    output:
        SIMULATED,
    params:
        **flags(SIMULATED),
    log:
        log_of("simulate_data", "{model}/seed-{seed}"),
    threads: SETTINGS.threads
    resources:
        **DEVICE,
        **needs(SIMULATED),
    message:
        "Simulate data from {wildcards.model}, seed {wildcards.seed}"
    shell:
        "inference-gaps simulate-data {params.job} {params.files} --threads {threads} --device {resources.device}"
        " > {log:q} 2>&1"


rule evaluate_bdmc:
    input:
        reads(BDMC),
    output:
        BDMC,
    params:
        **flags(BDMC),
    log:
        log_of("evaluate_bdmc", "{model}/seed-{seed}/{start}"),
    threads: SETTINGS.threads
    resources:
        **DEVICE,
        **needs(BDMC),
    message:
        "BDMC (from {wildcards.start}) of {wildcards.model}, seed {wildcards.seed}"
    shell:
        "inference-gaps evaluate-bdmc {params.job} {params.files} --threads {threads} --device {resources.device}"
        " > {log:q} 2>&1"


rule evaluate_exact:
    input:
        reads(EXACT),
    output:
        EXACT,
    params:
        **flags(EXACT),
    log:
        log_of("evaluate_exact", "{model}/seed-{seed}/{split}"),
    threads: SETTINGS.threads
    resources:
        **DEVICE,
        **needs(EXACT),
    message:
        "Exact answers of {wildcards.model}, seed {wildcards.seed}, {wildcards.split} points"
    shell:
        "inference-gaps evaluate-exact {params.job} {params.files} --threads {threads} --device {resources.device}"
        " > {log:q} 2>&1"


rule compare_local:
    input:
        reads(PROCEDURES),
    output:
        PROCEDURES,
    params:
        **flags(PROCEDURES),
    log:
        log_of("compare_local", "{model}/seed-{seed}/{split}"),
    threads: SETTINGS.threads
    resources:
        **DEVICE,
        **needs(PROCEDURES),
    message:
        "Local optimisation, the authors' and ours, {wildcards.model}, seed {wildcards.seed}, {wildcards.split} points"
    shell:
        "inference-gaps compare-local {params.job} {params.files} --threads {threads} --device {resources.device}"
        " > {log:q} 2>&1"


rule evaluate_convergence:
    input:
        reads(CONVERGENCE),
    output:
        CONVERGENCE,
    params:
        **flags(CONVERGENCE),
    log:
        log_of("evaluate_convergence", "{model}/seed-{seed}/{split}"),
    threads: SETTINGS.threads
    resources:
        **DEVICE,
        **needs(CONVERGENCE),
    message:
        "Estimators at growing cost on {wildcards.model}, seed {wildcards.seed}, {wildcards.split} points"
    shell:
        "inference-gaps evaluate-convergence {params.job} {params.files} --threads {threads} --device {resources.device}"
        " > {log:q} 2>&1"


rule make_selfcheck:
    input:
        reads(SELFCHECK_TABLE),
    output:
        csv=SELFCHECK_TABLE,
        markdown=shown(LAYOUT.selfcheck("md"), "selfcheck", "Estimators", "Estimates beside exact answers"),
    params:
        **flags(SELFCHECK_TABLE),
    log:
        log_of("make_selfcheck", "selfcheck"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Self-check of the estimators"
    shell:
        "inference-gaps make-selfcheck {params.job} {params.files} > {log:q} 2>&1"
