"""Which checkpoint of a training is taken."""

from inference_gaps.specs.base import Count, Spec

__all__ = ["CheckpointSpec"]


class CheckpointSpec(Spec):
    """The weights after ``epoch``, one of the ``checkpoints`` of the training."""

    epoch: Count
