# What proves the estimators: data simulated from each model, exact answers, bounds from both sides, convergence.

SIMULATED = LAYOUT.simulated("{model}", "{seed}")
BDMC = LAYOUT.bdmc("{model}", "{seed}", "{start}")
EXACT = LAYOUT.exact("{model}", "{seed}", "{split}")
PROCEDURES = LAYOUT.procedures("{model}", "{seed}", "{split}")
CONVERGENCE = LAYOUT.convergence("{model}", "{seed}", "{split}")
SELFCHECK_TABLE = LAYOUT.selfcheck("csv")


rule simulate_data:
    input:
        unpack(reads(SIMULATED)),
    output:
        SIMULATED,
    params:
        spec=spec(SIMULATED),
        fingerprint=fingerprint(SIMULATED),
    log:
        log_of("simulate_data", "{model}/seed-{seed}"),
    threads: SETTINGS.threads
    resources:
        device=SETTINGS.device,
        gpu=GPU,
        mem_mb=4000,
    message:
        "Simulate data from {wildcards.model}, seed {wildcards.seed}"
    shell:
        "inference-gaps simulate-data --spec {params.spec:q} --model {input.model:q}"
        " --output {output:q} --threads {threads} --device {resources.device}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule evaluate_bdmc:
    input:
        unpack(reads(BDMC)),
    output:
        BDMC,
    params:
        spec=spec(BDMC),
        fingerprint=fingerprint(BDMC),
        optional=lambda wildcards, input: flags(input, "start"),
    log:
        log_of("evaluate_bdmc", "{model}/seed-{seed}/{start}"),
    threads: SETTINGS.threads
    resources:
        device=SETTINGS.device,
        gpu=GPU,
        mem_mb=4000,
    message:
        "BDMC (from {wildcards.start}) of {wildcards.model}, seed {wildcards.seed}"
    shell:
        "inference-gaps evaluate-bdmc --spec {params.spec:q} --data {input.data:q} --model {input.model:q}"
        " {params.optional} --output {output:q} --threads {threads} --device {resources.device}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule evaluate_exact:
    input:
        unpack(reads(EXACT)),
    output:
        EXACT,
    params:
        spec=spec(EXACT),
        fingerprint=fingerprint(EXACT),
    log:
        log_of("evaluate_exact", "{model}/seed-{seed}/{split}"),
    threads: SETTINGS.threads
    resources:
        device=SETTINGS.device,
        gpu=GPU,
        mem_mb=4000,
    message:
        "Exact answers of {wildcards.model}, seed {wildcards.seed}, {wildcards.split} points"
    shell:
        "inference-gaps evaluate-exact --spec {params.spec:q} --data {input.data:q} --model {input.model:q}"
        " --output {output:q} --threads {threads} --device {resources.device}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule compare_local:
    input:
        unpack(reads(PROCEDURES)),
    output:
        PROCEDURES,
    params:
        spec=spec(PROCEDURES),
        fingerprint=fingerprint(PROCEDURES),
        optional=lambda wildcards, input: flags(input, "start"),
    log:
        log_of("compare_local", "{model}/seed-{seed}/{split}"),
    threads: SETTINGS.threads
    resources:
        device=SETTINGS.device,
        gpu=GPU,
        mem_mb=4000,
    message:
        "Local optimisation by the authors and here, {wildcards.model}, seed {wildcards.seed}, {wildcards.split} points"
    shell:
        "inference-gaps compare-local --spec {params.spec:q} --data {input.data:q} --model {input.model:q}"
        " {params.optional} --output {output:q} --threads {threads} --device {resources.device}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule evaluate_convergence:
    input:
        unpack(reads(CONVERGENCE)),
    output:
        CONVERGENCE,
    params:
        spec=spec(CONVERGENCE),
        fingerprint=fingerprint(CONVERGENCE),
        optional=lambda wildcards, input: flags(input, "start"),
    log:
        log_of("evaluate_convergence", "{model}/seed-{seed}/{split}"),
    threads: SETTINGS.threads
    resources:
        device=SETTINGS.device,
        gpu=GPU,
        mem_mb=4000,
    message:
        "Estimators at growing cost on {wildcards.model}, seed {wildcards.seed}, {wildcards.split} points"
    shell:
        "inference-gaps evaluate-convergence --spec {params.spec:q} --data {input.data:q} --model {input.model:q}"
        " {params.optional} --output {output:q} --threads {threads} --device {resources.device}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule make_selfcheck:
    input:
        reads_list(SELFCHECK_TABLE),
    output:
        csv=SELFCHECK_TABLE,
        markdown=shown(LAYOUT.selfcheck("md"), "selfcheck", "Estimators", "Estimates beside exact answers"),
    params:
        spec=spec(SELFCHECK_TABLE),
        fingerprint=fingerprint(SELFCHECK_TABLE),
        results=LAYOUT.results,
    log:
        log_of("make_selfcheck", "selfcheck"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Self-check of the estimators"
    shell:
        "inference-gaps make-selfcheck --spec {params.spec:q} --results {params.results:q}"
        " --csv {output.csv:q} --markdown {output.markdown:q}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"
