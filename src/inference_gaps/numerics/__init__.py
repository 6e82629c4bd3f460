"""Numbers on a machine: where they are computed, how exactly, and how a long computation goes on after a stop.

- ``device``         device, threads, random streams
- ``low_precision``  products in bfloat16 where they cannot bias a result
- ``checkpoint``     loops that can be taken up where an earlier process left them
- ``progress``       how such a loop says how far it is
"""
