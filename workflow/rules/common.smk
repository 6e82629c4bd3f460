# What the rules share: from the wildcards of a rule to its job in the plan.


def job_of(pattern):
    """Return a function from wildcards to the job that makes the file ``pattern`` stands for."""

    def job(wildcards):
        path = Path(str(pattern).format(**wildcards))
        if path not in STUDY.jobs:
            sys.exit(f"snakemake: {not_submitted(path) if workflow.remote_exec else not_planned(path)}")
        return STUDY.jobs[path]

    return job


def not_planned(path):
    """Return what is to be said of a file that has the name of a result, but that no job of this preset makes."""
    return (
        f"preset {PRESET} does not make {path}; nothing was started. Write the name of a file that it makes, or have it "
        f"run this model, seed and experiment: seeds, experiments and `without` in config/presets/{PRESET}.yaml."
    )


def on_cluster():
    """Whether jobs run on other machines; Snakemake is done with the command line by the time that it matters."""
    return workflow.remote_exec or not workflow.local_exec


def device(wildcards):
    """Return where a job computes: on a cluster, on a GPU only where the configuration says so."""
    return "cpu" if SETTINGS.device == "auto" and on_cluster() else SETTINGS.device


def gpus(wildcards):
    """Return how many GPUs a job asks for; on the login node of a cluster, none is looked for."""
    found = SETTINGS.device == "auto" and not on_cluster() and shutil.which("nvidia-smi") is not None
    return int(found or SETTINGS.device == "cuda")


# The resources of a job that computes, beside its time and its memory.
DEVICE = {"device": device, "gpu": gpus}


@functools.cache
def all_needs():
    """Return what each job asks a cluster for, by its fingerprint."""
    return needs_of_jobs(STUDY, gpu=SETTINGS.device == "cuda")


def needs(pattern):
    """Return the resources of a rule that say how long its job takes and in how much memory."""
    job = job_of(pattern)

    def minutes(wildcards):
        asked = all_needs()[job(wildcards).fingerprint].minutes
        return min(asked, 60 * (SETTINGS.longest_job_hours or asked))

    # One that was ended for its memory gets half as much more each time.
    def megabytes(wildcards, attempt):
        return all_needs()[job(wildcards).fingerprint].megabytes * (attempt + 1) // 2

    return {"runtime": minutes, "mem_mb": megabytes}


@functools.cache
def settled():
    """Let what lies on disk agree with the plan, once and before Snakemake looks at it; in a dry run, only look.

    Snakemake is done with the command line by the time that it asks for the first input.
    """
    dag, may_move = workflow.dag, not workflow.dryrun and workflow.is_main_process
    forced = {os.path.normpath(path) for path in dag.forcefiles}

    def again(job):
        names = {rule.name for rule in dag.forcerules}
        return STAGES[job.stage].rule in names or any(str(path) in forced for path in job.outputs.values())

    try:
        if may_move:
            check_cores()
            wait_for_others()
        found = settle(STUDY, again, fresh=FRESH, move=may_move, targets=asked_for(dag))
        bounded = Store(LAYOUT).bound(SETTINGS.store_gigabytes * 1e9, found.aside.values()) if may_move and found.aside else ""
    except UserError as error:
        sys.exit(f"snakemake: {error}")
    if workflow.dryrun:
        # What would have been set aside is shown as due.
        dag.forcefiles.update(map(str, found.due))
    elif may_move:
        if not workflow.local_exec:
            os.environ[PLAN] = str(write_plan(STUDY.jobs, Path(".snakemake/plans")))
        print(*filter(None, (str(found), bounded)), sep="\n", end="\n" * bool(found.aside or found.back), file=sys.stderr)
    return found


def asked_for(dag):
    """Return the files that are asked for, by their own names or by that of a target or of a rule."""
    files = {Path(file) for file in dag.targetfiles}
    for each in dag.targetrules:
        files.update(TARGETS.get(each.name) or map(Path, each.output))
    return files | set(RESULTS) if LAYOUT.manifest in files else files


def check_cores():
    """On a cluster, Snakemake would give a job fewer threads than it is to have, and say nothing."""
    if not workflow.local_exec and SETTINGS.threads > workflow.cores:
        raise UserError(
            f"threads is {SETTINGS.threads} in config/config.yaml, but a job may ask for {workflow.cores} of the cores "
            f"of a machine; use make cluster, or give --cores {SETTINGS.threads}."
        )


def wait_for_others():
    """Wait for what a run that was killed left in the queue of a cluster."""
    try:
        wait_for_queue(Path())
    except UserError:
        # Without it, only what runs on a cluster cannot begin.
        if not workflow.local_exec:
            raise


class _Unforced(set):
    """Files that are to be made again: none, although a job on another machine is told that its own are."""

    def update(self, *files):
        pass


@functools.cache
def settled_here(path):
    """On another machine, let what lies on disk agree with what the job makes that makes ``path``.

    So it runs if an output of it is missing, as everywhere. Had it been submitted twice, it may be done by now.
    """
    workflow.dag.forcefiles = _Unforced()
    job = STUDY.jobs[path]
    try:
        settle_job(STUDY, job, submitted_fingerprint(job, SUBMITTED))
    except UserError as error:
        sys.exit(f"snakemake: {error}")


def executes():
    """Whether this Snakemake runs jobs, or says which ones it would run."""
    return workflow.execution_settings is not None and not workflow.touch


def awaited(job, files):
    """Return files that a job reads, as Snakemake has to wait for them: none if all that it makes is there.

    So a job runs because an output of it is missing, and for no other reason.
    """
    if not executes():
        return {role: str(path) for role, path in files.items()}
    if workflow.remote_exec:
        settled_here(next(iter(job.outputs.values())))
        return {role: str(path) for role, path in files.items()}
    if job.fingerprint in settled().fine:
        return {}
    return {role: str(path) for role, path in files.items() if is_shown(path)}


def is_shown(path):
    """Whether Snakemake is to know of a file: not of one that a real run would have, nor of one from the future."""
    if workflow.dryrun and path in settled().back:
        return False
    return path in STUDY.jobs or not path.exists() or path.stat().st_mtime <= time.time()


def wanted(target):
    """Return an input function: the files of a target."""
    return lambda wildcards: known(TARGETS[target])


def known(files):
    """Return those of the files that Snakemake is to know of."""
    return [str(path) for path in files if not executes() or is_shown(path)]


def described(wildcards):
    """Return what the manifest describes, as Snakemake has to wait for it: nothing if it describes this."""
    if executes() and not manifest_is_due():
        return []
    return known(RESULTS)


@functools.cache
def manifest_is_due():
    """Whether the manifest describes something else than what this run leaves; if so, it is removed."""
    found = settled()
    makers = [STUDY.jobs[path] for path in RESULTS]
    fits = described_study(LAYOUT.manifest) == IDENTIFIER and not found.aside and not found.back
    if fits and all(job.fingerprint in found.fine for job in makers):
        return False
    if workflow.dryrun:
        workflow.dag.forcefiles.add(str(LAYOUT.manifest))
    elif workflow.is_main_process and os.path.lexists(LAYOUT.manifest):
        if described_study(LAYOUT.manifest):
            LAYOUT.manifest.unlink()
        else:
            # No manifest of ours.
            Store(LAYOUT).put(LAYOUT.manifest, None)
    return True


def reads_by_role(pattern):
    """Return an input function: the files that the job reads, by role."""
    job = job_of(pattern)
    return lambda wildcards: awaited(job(wildcards), job(wildcards).inputs)


def reads(pattern):
    """Return an input function: the files that the job reads."""
    by_role = reads_by_role(pattern)
    return lambda wildcards: list(by_role(wildcards).values())


def raw_files(pattern):
    """Return an input function: the raw files of a data set, or the mark that they were downloaded."""
    job = job_of(pattern)

    def files(wildcards):
        found = dict(enumerate(STUDY.sources[wildcards.dataset].files))
        return list(awaited(job(wildcards), found).values())

    return files


def asked(job):
    """Return the flags that say what a job is asked for: on another machine, with the fingerprint it was submitted with."""
    try:
        made_by = submitted_fingerprint(job, SUBMITTED)
        return shlex.join(rule_flags(job, made_by, Path(".snakemake/specs")))
    except UserError as error:
        sys.exit(f"snakemake: {error}")


def flags(pattern):
    """Return the params of a rule: what its job is asked for, and which files it reads and makes, as flags."""
    job = job_of(pattern)
    return {
        "job": lambda wildcards: asked(job(wildcards)),
        "files": lambda wildcards: shlex.join(file_flags(job(wildcards), STUDY)),
    }


def log_of(rule, name):
    """Return where the jobs of a rule log."""
    return f"results/{PRESET}/logs/{rule}/{name}.log"


def title_of(wildcards):
    """Return the title of an experiment."""
    return STUDY.configuration.experiments.experiments[wildcards.experiment].title


def shown(path, caption, category, label):
    """Return a file that Snakemake's own report shows; ``label`` is a text, or makes one of the wildcards."""
    labels = (lambda wildcards: {"what": label(wildcards)}) if callable(label) else {"what": label}
    return report(path, caption=f"../report/{caption}.rst", category=category, labels=labels)


def figure(path, caption, category, label):
    """Return the three files of a figure by suffix; Snakemake's own report shows the picture."""
    picture = shown(path.with_suffix(".png"), caption, category, label)
    return {"pdf": path.with_suffix(".pdf"), "png": picture, "csv": path}


def finish():
    """Make sure that a run has made what it was asked for, whatever Snakemake says."""
    asked = [Path(path) for job in workflow.dag.targetjobs for path in (job.output or job.input)]
    problems = unfinished(STUDY, asked)
    if problems:
        sys.exit(f"snakemake: the run is not complete: {joined(problems)}. Run the same command again.")
    if LAYOUT.manifest in asked:
        Store(LAYOUT).end_fresh()
