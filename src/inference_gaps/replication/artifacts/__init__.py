"""Artifacts: where they lie, what made them, and whether they are still what was written.

Files:

- ``layout``        where each artifact of a preset lies
- ``atomic``        files that appear whole or not at all
- ``outputs``       the files of a job, which appear together with their record
- ``files``         writing and reading them
- ``tensor_files``  files of tensors with a description and a digest inside
- ``checks``        what an artifact holds, checked before a stage uses it
- ``store``         what is not asked for at present, kept by fingerprint
- ``finished_run``  where a notebook finds the results of a run

What made them:

- ``records``       what made the files of a job, kept beside them
- ``run_records``   when a job ran, how long and on what
- ``fingerprints``  one hash of all that decides what a job makes
- ``code``          the code of a job, as digests of its parts
- ``source_tree``   which modules decide results, and what of them a module reaches
- ``syntax``        a text of code that is the same under every Python
"""
