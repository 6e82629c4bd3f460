"""The replication report: numbers gathered from the results, typeset by Typst.

- ``records``     what was run and how it went, model by model
- ``time_taken``  what it took, on what and when
- ``findings``    the sentences of the summary
- ``numbers``     all that the text shows, as one JSON object
- ``typeset``     JSON and figures to PDF
"""
