"""The study: every job of a preset, what it reads and makes, and the fingerprint of each.

- ``jobs``           one job: stage, specification, inputs, outputs, fingerprint
- ``raw_sources``    where the raw files of a data set come from
- ``model_jobs``     the jobs of one trained model: training, local optimisation, bounds
- ``rows``           the rows of a table: models, splits, epochs
- ``summary_jobs``   the jobs that gather many results: tables, figures, the report
- ``claim_terms``    which models decide each claim
- ``notebook_jobs``  the jobs that execute notebooks
- ``plan``           all of them, from the configuration
- ``amounts``        whether the data suffice for them
- ``work``           how many multiplications a job asks for
- ``rates``          how fast one thread does them
- ``cost``           what the jobs of a plan cost, before they run
- ``needs``          how many minutes and megabytes a cluster is asked for
- ``submitted``      which fingerprint each job on a cluster is held against
- ``command_line``   how each is called
- ``flags``          which study a command line is about

And what lies on disk of it:

- ``freshness``    in which fields an artifact differs from what its job makes
- ``settling``     what is set aside before a run, and what comes back
- ``explanation``  where an artifact comes from
- ``manifest``     the whole run as a Workflow Run RO-Crate
"""
