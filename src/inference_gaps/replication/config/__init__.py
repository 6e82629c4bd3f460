"""What may be asked for, and the sentences that answer a wrong question.

- ``yaml_files``  reads YAML; syntax errors and duplicate keys become sentences
- ``sections``    the parts of specifications that a preset may set
- ``files``       the shape of each configuration file
- ``datasets``    the data sets, by name
- ``sentences``   one sentence for each problem that validation finds
- ``checks``      what only several files together can tell
- ``training_checks``, ``claim_checks``  the same for trainings, and for claims
- ``loading``     all files and the overrides of a command line -> :class:`loading.Configuration`
- ``resolution``  spec defaults < preset < data set < protocol < model -> the specification of a stage
- ``deviations``  the numbered deviations from the paper
- ``schemas``     JSON schemas for editors, generated from ``files``
"""
