"""What the replication report covers."""

from inference_gaps.specs.base import Name, Spec
from inference_gaps.specs.figures import ComparedModelSpec
from inference_gaps.specs.table import TableSpec

__all__ = ["ReportSpec"]


class ReportSpec(Spec):
    """The tables and figures of one preset.

    ``tables`` are the specifications that the tables were made from; models, data and budgets are read from
    what they made. ``figures`` are names as in ``figures/<preset>/<name>.pdf``: ``gaps-<experiment>``,
    ``training``, ``samples``, ``convergence``. ``selfcheck``: whether there is a table of the self-check.
    ``claims``: whether there are verdicts on the claims of the paper. ``procedures``: models on which the authors'
    local optimisation was compared with ours.
    """

    preset: Name
    description: str
    tables: list[TableSpec]
    figures: list[Name] = []
    selfcheck: bool = False
    claims: bool = False
    procedures: list[ComparedModelSpec] = []
