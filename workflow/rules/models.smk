# Prepared data -> trained models -> q* and bounds, one value per data point.

WEIGHTS = LAYOUT.weights("{model}", "{seed}")
METRICS = LAYOUT.metrics("{model}", "{seed}")
CHECKPOINT = LAYOUT.weights("{model}", at_epoch("{seed}", "{epoch}"))
POSTERIORS = LAYOUT.posteriors("{model}", "{seed}", "{split}")
SAMPLES_OF = LAYOUT.samples("{model}", "{seed}")
UNITS = LAYOUT.units("{model}", "{seed}", "{split}")
LOCAL = LAYOUT.local("{model}", "{seed}", "{split}", "{family}")
IWAE = LAYOUT.iwae("{model}", "{seed}", "{split}", "{posterior}")
AIS = LAYOUT.ais("{model}", "{seed}", "{split}", "{start}")


rule train:
    input:
        unpack(reads(WEIGHTS)),
    output:
        model=WEIGHTS,
        metrics=METRICS,
    wildcard_constraints:
        seed="[0-9]+",
    params:
        spec=spec(WEIGHTS),
        fingerprint=fingerprint(WEIGHTS),
        optional=lambda wildcards, input: flags(input, "generator"),
    log:
        log_of("train", "{model}/seed-{seed}"),
    # Sound, as the fingerprint among the parameters covers code and packages.
    cache: CACHED
    threads: SETTINGS.threads
    resources:
        device=SETTINGS.device,
        gpu=GPU,
        mem_mb=4000,
    message:
        "Train {wildcards.model}, seed {wildcards.seed}"
    shell:
        "inference-gaps train --spec {params.spec:q} --data {input.data:q} {params.optional} --output {output.model:q}"
        " --metrics {output.metrics:q} --threads {threads} --device {resources.device}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule take_checkpoint:
    input:
        unpack(reads(CHECKPOINT)),
    output:
        CHECKPOINT,
    wildcard_constraints:
        seed="[0-9]+",
    params:
        spec=spec(CHECKPOINT),
        fingerprint=fingerprint(CHECKPOINT),
    log:
        log_of("take_checkpoint", "{model}/seed-{seed}/epoch-{epoch}"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Take {wildcards.model}, seed {wildcards.seed}, as it was after epoch {wildcards.epoch}"
    shell:
        "inference-gaps take-checkpoint --spec {params.spec:q} --model {input.model:q} --output {output:q}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule optimise_local:
    input:
        unpack(reads(LOCAL)),
    output:
        local=LOCAL,
        residuals=LAYOUT.residuals("{model}", "{seed}", "{split}", "{family}"),
    params:
        spec=spec(LOCAL),
        fingerprint=fingerprint(LOCAL),
        optional=lambda wildcards, input: flags(input, "start"),
    log:
        log_of("optimise_local", "{model}/seed-{seed}/{split}-{family}"),
    threads: SETTINGS.threads
    resources:
        device=SETTINGS.device,
        gpu=GPU,
        mem_mb=4000,
    message:
        "Optimise q* ({wildcards.family}) of {wildcards.model}, seed {wildcards.seed}, {wildcards.split} points"
    shell:
        "inference-gaps optimise-local --spec {params.spec:q} --data {input.data:q} --model {input.model:q}"
        " {params.optional} --output {output.local:q} --residuals {output.residuals:q}"
        " --threads {threads} --device {resources.device}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule evaluate_iwae:
    input:
        unpack(reads(IWAE)),
    output:
        IWAE,
    params:
        spec=spec(IWAE),
        fingerprint=fingerprint(IWAE),
        optional=lambda wildcards, input: flags(input, "posterior"),
    log:
        log_of("evaluate_iwae", "{model}/seed-{seed}/{split}-{posterior}"),
    threads: SETTINGS.threads
    resources:
        device=SETTINGS.device,
        gpu=GPU,
        mem_mb=4000,
    message:
        "ELBO and IWAE ({wildcards.posterior} q) of {wildcards.model}, seed {wildcards.seed}, {wildcards.split} points"
    shell:
        "inference-gaps evaluate-iwae --spec {params.spec:q} --data {input.data:q} --model {input.model:q}"
        " {params.optional} --output {output:q} --threads {threads} --device {resources.device}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule evaluate_ais:
    input:
        unpack(reads(AIS)),
    output:
        AIS,
    params:
        spec=spec(AIS),
        fingerprint=fingerprint(AIS),
        optional=lambda wildcards, input: flags(input, "start"),
    log:
        log_of("evaluate_ais", "{model}/seed-{seed}/{split}-{start}"),
    threads: SETTINGS.threads
    resources:
        device=SETTINGS.device,
        gpu=GPU,
        mem_mb=4000,
    message:
        "AIS (from {wildcards.start}) of {wildcards.model}, seed {wildcards.seed}, {wildcards.split} points"
    shell:
        "inference-gaps evaluate-ais --spec {params.spec:q} --data {input.data:q} --model {input.model:q}"
        " {params.optional} --output {output:q} --threads {threads} --device {resources.device}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule evaluate_units:
    input:
        unpack(reads(UNITS)),
    output:
        UNITS,
    params:
        spec=spec(UNITS),
        fingerprint=fingerprint(UNITS),
    log:
        log_of("evaluate_units", "{model}/seed-{seed}/{split}"),
    threads: SETTINGS.threads
    resources:
        device=SETTINGS.device,
        gpu=GPU,
        mem_mb=4000,
    message:
        "Latent units of {wildcards.model}, seed {wildcards.seed}, on {wildcards.split} images"
    shell:
        "inference-gaps evaluate-units --spec {params.spec:q} --data {input.data:q} --model {input.model:q}"
        " --output {output:q} --threads {threads} --device {resources.device}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule evaluate_samples:
    input:
        unpack(reads(SAMPLES_OF)),
    output:
        SAMPLES_OF,
    params:
        spec=spec(SAMPLES_OF),
        fingerprint=fingerprint(SAMPLES_OF),
    log:
        log_of("evaluate_samples", "{model}/seed-{seed}"),
    threads: SETTINGS.threads
    resources:
        device=SETTINGS.device,
        gpu=GPU,
        mem_mb=4000,
    message:
        "Samples of {wildcards.model}, seed {wildcards.seed}"
    shell:
        "inference-gaps evaluate-samples --spec {params.spec:q} --data {input.data:q} --model {input.model:q}"
        " --output {output:q} --threads {threads} --device {resources.device}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"


rule evaluate_posteriors:
    input:
        unpack(reads(POSTERIORS)),
    output:
        POSTERIORS,
    params:
        spec=spec(POSTERIORS),
        fingerprint=fingerprint(POSTERIORS),
        local=lambda wildcards, input: flags(input, *(f"local_{entry.key}" for entry in FAMILIES.values())),
    log:
        log_of("evaluate_posteriors", "{model}/seed-{seed}/{split}"),
    threads: SETTINGS.threads
    resources:
        device=SETTINGS.device,
        gpu=GPU,
        mem_mb=4000,
    message:
        "Posteriors of {wildcards.model}, seed {wildcards.seed}, over the plane of z"
    shell:
        "inference-gaps evaluate-posteriors --spec {params.spec:q} --data {input.data:q} --model {input.model:q}"
        " {params.local} --output {output:q} --threads {threads} --device {resources.device}"
        " --fingerprint {params.fingerprint} > {log:q} 2>&1"
