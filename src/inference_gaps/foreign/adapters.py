"""Descriptions of models of other packages; none of them is imported here.

Each returns a :class:`~inference_gaps.foreign.vae.Vae` of a model that is there already, without loading or
unpickling anything.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from inference_gaps.errors import UserError
from inference_gaps.foreign.likelihoods.continuous import Gaussian
from inference_gaps.foreign.likelihoods.discrete import Bernoulli
from inference_gaps.foreign.likelihoods.interface import Likelihood
from inference_gaps.foreign.priors import GaussianMixture
from inference_gaps.foreign.vae import Vae

__all__ = ["from_diffusers", "from_module", "from_pythae"]

# Of Pythae, those whose q(z|x) is the Gaussian of its encoder and whose prior is N(0, I).
_PYTHAE_GAUSSIAN = (
    "VAE",
    "BetaVAE",
    "IWAE",
    "MIWAE",
    "PIWAE",
    "CIWAE",
    "FactorVAE",
    "BetaTCVAE",
    "DisentangledBetaVAE",
)


def from_pythae(model: Any) -> Vae:
    """Describe a model of Pythae: its VAE, its variants of the objective, and its VAMP.

    Pythae's ``mse`` is a Gaussian with sigma = 1, whose constant D/2 log 2π its loss leaves out, and ``bce``
    a Bernoulli of probabilities. A beta other than 1 is a choice of the training; p(x, z) and q(z|x) are the same.

    Args:
        model: in evaluation mode.

    Raises:
        UserError: it is of another kind.
    """
    kind = type(model).__name__
    config = getattr(model, "model_config", None)
    if config is None or not hasattr(model, "encoder") or not hasattr(model, "decoder"):
        raise UserError(
            f"from_pythae takes a model of Pythae, not {kind}; for your own modules write gaps.Vae(...)."
        )
    if kind != "VAMP" and kind not in _PYTHAE_GAUSSIAN:
        raise UserError(
            f"from_pythae knows {', '.join((*_PYTHAE_GAUSSIAN, 'VAMP'))}, not {kind}; describe it by gaps.Vae with "
            f"sample_q for its q(z|x)."
        )
    loss = config.reconstruction_loss
    if loss not in ("mse", "bce"):
        raise UserError(f"The model has the reconstruction loss {loss!r}; from_pythae knows mse and bce.")
    likelihood: Likelihood = Gaussian(sigma=1.0) if loss == "mse" else Bernoulli(probabilities=True)

    def encode(x: Tensor) -> tuple[Tensor, Tensor]:
        output = model.encoder(x)
        return output["embedding"], output["log_covariance"]

    prior = None
    if kind == "VAMP":
        with torch.no_grad():
            pseudo = model.pseudo_inputs(model.idle_input.to(model.device))
            prior = GaussianMixture(*encode(pseudo.reshape(-1, *model.model_config.input_dim)))
    return Vae(
        encode=encode,
        decode=lambda z: model.decoder(z)["reconstruction"],
        latent_dim=model.latent_dim,
        likelihood=likelihood,
        prior=prior,
        modules=(model,),
    )


def from_diffusers(
    model: Any, likelihood: Any, latent_shape: Sequence[int] | None = None, prior: Any = None
) -> Vae:
    """Describe an ``AutoencoderKL`` of diffusers.

    It was trained for reconstructions, with a KL of next to no weight, and comes without a likelihood: what
    p(x|z) is has to be said, and the gaps are those of that model.

    Args:
        model: in evaluation mode.
        likelihood: p(x|z) given the decoded image, such as ``gaps.Gaussian(sigma=0.1)``.
        latent_shape: of one image, such as (4, 32, 32); by the size of its configuration where not given.
        prior: as of :class:`~inference_gaps.foreign.vae.Vae`.

    Raises:
        UserError: it is of another kind.
    """
    config = getattr(model, "config", None)
    if config is None or not hasattr(model, "encode") or not hasattr(config, "latent_channels"):
        raise UserError(
            f"from_diffusers takes an AutoencoderKL of diffusers, not {type(model).__name__}; for your own "
            f"modules write gaps.Vae(...)."
        )
    if latent_shape is None:
        halvings = len(config.block_out_channels) - 1
        side = config.sample_size >> halvings
        latent_shape = (config.latent_channels, side, side)

    def encode(x: Tensor) -> tuple[Tensor, Tensor]:
        q = model.encode(x).latent_dist
        return q.mean, q.logvar

    return Vae(
        encode=encode,
        decode=lambda z: model.decode(z).sample,
        latent_dim=tuple(latent_shape),
        likelihood=likelihood,
        prior=prior,
        modules=(model,),
    )


def from_module(
    module: nn.Module,
    latent_dim: int | Sequence[int],
    likelihood: Any,
    prior: Any = None,
    encoder: str = "encoder",
    decoder: str = "decoder",
    heads: tuple[str, str] | None = None,
) -> Vae:
    """Describe a module with an encoder and a decoder inside, as LightningModules mostly are.

    Args:
        module: in evaluation mode.
        latent_dim: as of :class:`~inference_gaps.foreign.vae.Vae`.
        likelihood: as of :class:`~inference_gaps.foreign.vae.Vae`.
        prior: as of :class:`~inference_gaps.foreign.vae.Vae`.
        encoder: name of what maps x to (mean, log variance), to both in one tensor, or to what ``heads`` read.
        decoder: name of what maps z to what the likelihood reads.
        heads: names of what maps the output of the encoder to the mean and to the log variance, such as
            ("fc_mu", "fc_var").

    Raises:
        UserError: the module has no parts of these names.
    """
    parts: dict[str, Callable[..., Any]] = {}
    for name in (encoder, decoder, *(heads or ())):
        part = getattr(module, name, None)
        if not callable(part):
            listed = ", ".join(name for name, _ in module.named_children())
            raise UserError(
                f"{type(module).__name__} has no {name}; its parts are {listed}. Name those that it has."
            )
        parts[name] = part

    def encode(x: Tensor) -> Any:
        output = parts[encoder](x)
        if heads:
            return parts[heads[0]](output), parts[heads[1]](output)
        return output.chunk(2, dim=1) if isinstance(output, Tensor) else output

    return Vae(encode, parts[decoder], latent_dim, likelihood, prior, modules=(module,))
