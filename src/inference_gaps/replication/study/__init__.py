"""The study: every job of a preset, what it reads and makes, and the fingerprint of each.

- ``jobs``     one job: command, specification, inputs, outputs, fingerprint
- ``sources``  where the raw files of a data set come from
- ``models``   the jobs of one trained model: training, local optimisation, bounds
- ``summary``  the jobs that gather many results: tables, figures, the report
- ``claims``   which models decide each claim
- ``plan``     all of them, from the configuration

And what lies on disk of it:

- ``differences``, ``freshness``  in which fields an artifact differs from what its job makes
- ``inspection``, ``explanation`` every artifact of a preset; where one comes from
- ``command_line``                how to make it by hand
- ``manifest``                    the whole run as a Workflow Run RO-Crate
"""
