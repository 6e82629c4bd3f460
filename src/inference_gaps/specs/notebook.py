"""Which notebook is run, on the results of which preset."""

from inference_gaps.specs.base import Name, Spec

__all__ = ["NotebookSpec"]


class NotebookSpec(Spec):
    """``notebooks/<name>.py``, hyphens for underscores."""

    notebook: Name
    preset: Name
