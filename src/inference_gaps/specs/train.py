"""What a model is and how it is trained (paper section 5.1; both from the authors' Table-2 code)."""

import itertools
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from inference_gaps.specs.base import Count, GradientPrecision, Spec
from inference_gaps.specs.families import FAMILIES, Family

__all__ = [
    "ArchitectureSpec",
    "ConvArchitectureSpec",
    "Epochs",
    "FamilySpec",
    "LinearGaussianArchitectureSpec",
    "MlpArchitectureSpec",
    "PosteriorSpec",
    "TrainSpec",
    "generator_settings",
]

_Width = Annotated[int, Field(ge=1, le=8192)]


def _increasing(epochs: list[int]) -> list[int]:
    for one, other in itertools.pairwise(epochs):
        if other <= one:
            raise PydanticCustomError(
                "sentence",
                "names epoch {other} after epoch {one}; write each epoch once, in increasing order",
                {"one": one, "other": other},
            )
    return epochs


Epochs = Annotated[list[Count], AfterValidator(_increasing)]
"""Epochs, counted from 1, in their order."""


class MlpArchitectureSpec(Spec):
    """Multi-layer perceptrons: recognition network D -> ... -> 2d, generator d -> ... -> D."""

    kind: Literal["mlp"] = "mlp"
    latent_dim: Annotated[int, Field(ge=1, le=1024)] = 50
    encoder_hidden: list[_Width] = [200, 200]
    decoder_hidden: list[_Width] = [200, 200]
    activation: Literal["elu", "tanh", "relu"] = "elu"
    folded: Annotated[
        bool, Field(description="The generator reads z^2: its posterior has several modes.")
    ] = False


class ConvArchitectureSpec(Spec):
    """Three strided convolutions with batch normalisation and their mirror, for 3 x 32 x 32 images."""

    kind: Literal["conv"] = "conv"
    latent_dim: Annotated[int, Field(ge=1, le=1024)] = 50
    encoder_channels: _Width = 64
    decoder_channels: _Width = 64


class LinearGaussianArchitectureSpec(Spec):
    """A linear recognition network, and a linear generator with Gaussian noise whose exact bounds are known.

    ``precision``: smallest and largest eigenvalue of the precision of p(z|x).
    """

    kind: Literal["linear-gaussian"] = "linear-gaussian"
    latent_dim: Annotated[int, Field(ge=1, le=784)] = 2
    noise: Annotated[float, Field(gt=0)] = 0.1
    precision: Annotated[list[Annotated[float, Field(gt=1)]], Field(min_length=2, max_length=2)] = [2.0, 50.0]


ArchitectureSpec = Annotated[
    MlpArchitectureSpec | ConvArchitectureSpec | LinearGaussianArchitectureSpec, Field(discriminator="kind")
]


def generator_settings(architecture: ArchitectureSpec) -> dict[str, Any]:
    """Return the keys of an architecture that its generator depends on; models that agree in them may share it."""
    return {key: value for key, value in architecture.as_dict().items() if not key.startswith("encoder_")}


class FamilySpec(Spec):
    """A posterior family of :data:`inference_gaps.specs.families.FAMILIES`.

    ``flow_steps`` and ``flow_hidden`` (which is the family's own where it is not given) count for families with
    networks.
    """

    family: Family = "ffg"
    flow_steps: Annotated[int, Field(ge=1, le=64)] = 2
    flow_hidden: Annotated[
        int,
        Field(
            ge=1,
            le=8192,
            description="Where not given: "
            + ", ".join(f"{entry.hidden} for {entry.name}" for entry in FAMILIES.values())
            + ".",
        ),
    ] = 200

    @model_validator(mode="before")
    @classmethod
    def _own_width(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        family = given.get("family", "ffg")
        entry = FAMILIES.get(family) if isinstance(family, str) else None
        return {"flow_hidden": entry.hidden, **given} if entry else given


class PosteriorSpec(FamilySpec):
    """The family of q(z|x)."""


class TrainSpec(Spec):
    """A training run. Defaults are the paper's protocol on MNIST (authors' Table-2 code).

    ``warm_up_of``: what the weight of the warm-up multiplies: log q(z|x) alone, as in the authors' code, or the
    whole KL, log q(z|x) - log p(z).
    ``checkpoints``: epochs after which the weights are kept as well; the last epoch is not one of them.
    ``frozen_generator``: the generator is that of a trained model, and only the recognition network (with the
    networks of the family) is trained.
    ``gradient_precision``: of the products of linear layers behind the gradient; bounds are exact either way.
    """

    architecture: ArchitectureSpec = MlpArchitectureSpec()
    posterior: PosteriorSpec = PosteriorSpec()
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    epochs: Count = 3280
    batch_size: Count = 100
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1.0e-3
    schedule: Literal["iwae-stages", "geometric", "constant"] = "iwae-stages"
    adam_epsilon: Annotated[float, Field(gt=0, le=1)] = 1.0e-4
    warm_up_epochs: Annotated[int, Field(ge=0, lt=2**31)] = 400
    warm_up_of: Literal["entropy", "kl"] = "entropy"
    shuffle: bool = False
    validation_points: Annotated[int, Field(ge=0, lt=2**31)] = 1000
    checkpoints: Epochs = []
    frozen_generator: bool = False
    gradient_precision: GradientPrecision = "float32"

    @field_validator("checkpoints")
    @classmethod
    def _before_the_last_epoch(cls, checkpoints: list[int], info: ValidationInfo) -> list[int]:
        epochs = info.data.get("epochs")
        if checkpoints and epochs is not None and checkpoints[-1] >= epochs:
            raise PydanticCustomError(
                "sentence",
                "names epoch {epoch}, but the training has {epochs}; write epochs before the last one, which is "
                "kept anyway",
                {"epoch": checkpoints[-1], "epochs": epochs},
            )
        return checkpoints
