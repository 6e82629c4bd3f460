"""The replication report: numbers gathered from the results, typeset by Typst.

- :mod:`~inference_gaps.replication.report.records`: what was run and how it went, model by model
- :mod:`~inference_gaps.replication.report.time_taken`: what it took, on what and when
- :mod:`~inference_gaps.replication.report.findings`: the sentences of the summary
- :mod:`~inference_gaps.replication.report.numbers`: all that the text shows, as one JSON object
- :mod:`~inference_gaps.replication.report.typeset`: JSON and figures to PDF
"""
