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
- ``cost``           what they cost, before they run
- ``command_line``   how each is called

And what lies on disk of it:

- ``freshness``      in which fields an artifact differs from what its job makes
- ``explanation``    where an artifact comes from
- ``manifest``       the whole run as a Workflow Run RO-Crate
"""
