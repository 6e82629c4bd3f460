# What the rules share: from the wildcards of a rule to its job in the plan.


def job_of(pattern):
    """Return a function from wildcards to the job that makes the file ``pattern`` stands for."""
    return lambda wildcards: STUDY.jobs[str(pattern).format(**wildcards)]


def awaited(job, files):
    """Return files that a job reads, as Snakemake has to wait for them.

    What carries the planned fingerprint need not be made again, whatever the times of files say. What carries
    another is due: the mark is newer than it.
    """
    due = job.fingerprint in OUTDATED
    return {role: str(path) if due else ancient(str(path)) for role, path in {**files, "mark": MARK}.items()}


def described():
    """Return what the manifest describes, as Snakemake has to wait for it."""
    files = [*SELFCHECK, *TABLES, *FIGURES, *NOTEBOOKS, LAYOUT.report]
    due = OUTDATED or described_study(LAYOUT.manifest) != IDENTIFIER
    return [str(path) if due else ancient(str(path)) for path in files]


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


def flags(pattern):
    """Return the params of a rule: what its job is asked for, and which files it reads and makes, as flags."""
    job = job_of(pattern)
    return {
        "job": lambda wildcards: shlex.join(job_flags(job(wildcards))),
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
