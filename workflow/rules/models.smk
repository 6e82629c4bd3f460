# Prepared data -> trained models -> q* and bounds, one value per data point.

WEIGHTS = LAYOUT.weights("{model}", "{seed}")
CHECKPOINT = LAYOUT.weights("{model}", at_epoch("{seed}", "{epoch}"))
POSTERIORS = LAYOUT.posteriors("{model}", "{seed}", "{split}")
SAMPLES_OF = LAYOUT.samples("{model}", "{seed}")
UNITS = LAYOUT.units("{model}", "{seed}", "{split}")
LOCAL = LAYOUT.local("{model}", "{seed}", "{split}", "{family}")
IWAE = LAYOUT.iwae("{model}", "{seed}", "{split}", "{posterior}")
AIS = LAYOUT.ais("{model}", "{seed}", "{split}", "{start}")


rule train:
    input:
        unpack(reads_by_role(WEIGHTS)),
    output:
        model=WEIGHTS,
        metrics=LAYOUT.metrics("{model}", "{seed}"),
        # Kept and restored with them: without it, nobody knows what made them.
        record=record_file(WEIGHTS),
    wildcard_constraints:
        seed="[0-9]+",
    params:
        job=flags(WEIGHTS)["job"],
        generator=lambda wildcards, input: f"--generator {shlex.quote(input.generator)}" if "generator" in input.keys() else "",
    log:
        log_of("train", "{model}/seed-{seed}"),
    # Sound, as the fingerprint among the parameters covers code and packages; of use to other presets, as no path
    # of this one is among them.
    cache: CACHED
    threads: SETTINGS.threads
    resources:
        **DEVICE,
        **needs(WEIGHTS),
    message:
        "Train {wildcards.model}, seed {wildcards.seed}"
    shell:
        "inference-gaps train {params.job} --data {input.data:q} {params.generator} --output {output.model:q}"
        " --metrics {output.metrics:q} --threads {threads} --device {resources.device} > {log:q} 2>&1"


rule take_checkpoint:
    input:
        reads(CHECKPOINT),
    output:
        CHECKPOINT,
    wildcard_constraints:
        seed="[0-9]+",
    params:
        **flags(CHECKPOINT),
    log:
        log_of("take_checkpoint", "{model}/seed-{seed}/epoch-{epoch}"),
    threads: 1
    resources:
        mem_mb=1000,
    message:
        "Checkpoint of {wildcards.model}, seed {wildcards.seed}, epoch {wildcards.epoch}"
    shell:
        "inference-gaps take-checkpoint {params.job} {params.files} > {log:q} 2>&1"


rule optimise_local:
    input:
        reads(LOCAL),
    output:
        local=LOCAL,
        residuals=LAYOUT.residuals("{model}", "{seed}", "{split}", "{family}"),
    params:
        **flags(LOCAL),
    log:
        log_of("optimise_local", "{model}/seed-{seed}/{split}-{family}"),
    threads: SETTINGS.threads
    resources:
        **DEVICE,
        **needs(LOCAL),
    message:
        "Optimise q* ({wildcards.family}) of {wildcards.model}, seed {wildcards.seed}, {wildcards.split} points"
    shell:
        "inference-gaps optimise-local {params.job} {params.files} --threads {threads} --device {resources.device}"
        " > {log:q} 2>&1"


rule evaluate_iwae:
    input:
        reads(IWAE),
    output:
        IWAE,
    params:
        **flags(IWAE),
    log:
        log_of("evaluate_iwae", "{model}/seed-{seed}/{split}-{posterior}"),
    threads: SETTINGS.threads
    resources:
        **DEVICE,
        **needs(IWAE),
    message:
        "ELBO and IWAE ({wildcards.posterior} q) of {wildcards.model}, seed {wildcards.seed}, {wildcards.split} points"
    shell:
        "inference-gaps evaluate-iwae {params.job} {params.files} --threads {threads} --device {resources.device}"
        " > {log:q} 2>&1"


rule evaluate_ais:
    input:
        reads(AIS),
    output:
        AIS,
    params:
        **flags(AIS),
    log:
        log_of("evaluate_ais", "{model}/seed-{seed}/{split}-{start}"),
    threads: SETTINGS.threads
    resources:
        **DEVICE,
        **needs(AIS),
    message:
        "AIS (from {wildcards.start}) of {wildcards.model}, seed {wildcards.seed}, {wildcards.split} points"
    shell:
        "inference-gaps evaluate-ais {params.job} {params.files} --threads {threads} --device {resources.device}"
        " > {log:q} 2>&1"


rule evaluate_units:
    input:
        reads(UNITS),
    output:
        UNITS,
    params:
        **flags(UNITS),
    log:
        log_of("evaluate_units", "{model}/seed-{seed}/{split}"),
    threads: SETTINGS.threads
    resources:
        **DEVICE,
        **needs(UNITS),
    message:
        "Latent units of {wildcards.model}, seed {wildcards.seed}, on {wildcards.split} images"
    shell:
        "inference-gaps evaluate-units {params.job} {params.files} --threads {threads} --device {resources.device}"
        " > {log:q} 2>&1"


rule evaluate_samples:
    input:
        reads(SAMPLES_OF),
    output:
        SAMPLES_OF,
    params:
        **flags(SAMPLES_OF),
    log:
        log_of("evaluate_samples", "{model}/seed-{seed}"),
    threads: SETTINGS.threads
    resources:
        **DEVICE,
        **needs(SAMPLES_OF),
    message:
        "Samples of {wildcards.model}, seed {wildcards.seed}"
    shell:
        "inference-gaps evaluate-samples {params.job} {params.files} --threads {threads} --device {resources.device}"
        " > {log:q} 2>&1"


rule evaluate_posteriors:
    input:
        reads(POSTERIORS),
    output:
        POSTERIORS,
    params:
        **flags(POSTERIORS),
    log:
        log_of("evaluate_posteriors", "{model}/seed-{seed}/{split}"),
    threads: SETTINGS.threads
    resources:
        **DEVICE,
        **needs(POSTERIORS),
    message:
        "Posteriors of {wildcards.model}, seed {wildcards.seed}, over the plane of z"
    shell:
        "inference-gaps evaluate-posteriors {params.job} {params.files} --threads {threads} --device {resources.device}"
        " > {log:q} 2>&1"
