# Raw files -> prepared data sets.

DATA = LAYOUT.data("{dataset}-{binarisation}")


rule fetch_data:
    output:
        # Not the files themselves: Snakemake removes the outputs of an interrupted job, a download is resumed.
        touch("data/downloads/{folder}/.fetched-{dataset}"),
    params:
        spec=lambda wildcards: STUDY.configuration.datasets[wildcards.dataset].as_json(),
        folder=subpath(output[0], parent=True),
    log:
        log_of("fetch_data", "{folder}-{dataset}"),
    threads: 1
    resources:
        downloads=1,
    message:
        "Download {wildcards.dataset}"
    shell:
        "inference-gaps fetch-data --spec {params.spec:q} --output-folder {params.folder:q} > {log:q} 2>&1"


rule prepare_data:
    input:
        raw_files(DATA),
    output:
        DATA,
    params:
        **flags(DATA),
    log:
        log_of("prepare_data", "{dataset}-{binarisation}"),
    threads: 1
    resources:
        **needs(DATA),
    message:
        "Prepare {wildcards.dataset}, binarised by {wildcards.binarisation}"
    shell:
        "inference-gaps prepare-data {params.job} {params.files} > {log:q} 2>&1"
