"""The subcommands of ``inference-gaps``, one module each, of the same name (``-`` for ``_``).

Its docstring is its help page, and ``run(options)`` does what it says: it parses, loads, calls the library, writes.
The flags of a stage stand in :mod:`inference_gaps.replication.stages`; a command that is none declares its own in
``add_arguments(parser)``.
"""
