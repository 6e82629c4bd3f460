"""Schedules of a training run, as functions of the epoch.

References: Burda et al., *Importance Weighted Autoencoders*, 2015 (the 3^i stages); paper section 5.1 and the
authors' Table-2 code (warm-up of the entropy term).
"""

from inference_gaps.specs.train import TrainSpec

__all__ = ["entropy_weight", "learning_rate"]

_STAGES = 8
_TOTAL = sum(3**stage for stage in range(_STAGES))  # 3280 epochs


def learning_rate(spec: TrainSpec, epoch: int) -> float:
    """Return the rate of ``epoch`` (counted from 0); every schedule but ``constant`` falls tenfold in all.

    ``iwae-stages``: rate * 10^(-i/7) for 3^i epochs, i = 0..7; with another number of epochs than 3280 the
    stages keep their proportions. ``geometric``: the same factor from each epoch to the next.
    """
    if spec.schedule == "constant":
        return spec.learning_rate
    if spec.schedule == "geometric":
        return spec.learning_rate * 10 ** (-epoch / max(spec.epochs - 1, 1))
    position = epoch * _TOTAL / spec.epochs
    stage, passed = 0, 1
    while position >= passed:
        stage += 1
        passed += 3**stage
    return spec.learning_rate * 10 ** (-stage / (_STAGES - 1))


def entropy_weight(spec: TrainSpec, epoch: int) -> float:
    """Return the weight w of log q(z|x), or of the whole KL, in the objective at ``epoch``.

    It is (epoch + 1) / warm_up_epochs, at most 1.
    """
    if spec.warm_up_epochs == 0:
        return 1.0
    return min(1.0, (epoch + 1) / spec.warm_up_epochs)
