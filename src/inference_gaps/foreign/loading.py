"""Models from files of weights: those of this project, and plain perceptrons of anybody."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from inference_gaps.errors import UserError
from inference_gaps.foreign.likelihoods.continuous import Gaussian
from inference_gaps.foreign.likelihoods.discrete import Bernoulli
from inference_gaps.foreign.likelihoods.interface import Likelihood
from inference_gaps.foreign.vae import Vae
from inference_gaps.models.generator import BernoulliGenerator
from inference_gaps.models.linear_gaussian import LinearGaussianGenerator
from inference_gaps.models.vae import VAE, build_vae
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian
from inference_gaps.specs.train import TrainSpec

__all__ = ["describe", "load", "sha256_of"]

_KEPT = re.compile(r"epoch-([0-9]+)\.(.+)")
_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "elu": nn.ELU,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}
_LIKELIHOODS = ("bernoulli", "gaussian")


def sha256_of(path: Path | str) -> str:
    """Return the SHA-256 of a file."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load(path: Path | str, names: Mapping[str, Any] | None = None) -> Vae:
    """Load a model from a file of weights (safetensors, or a state_dict of PyTorch, never unpickled).

    Without ``names`` it is a trained model of this project, whose file says what it is. With them, two plain
    perceptrons::

        encoder: [enc.0, enc.2, enc.4]      # linear layers in their order; the last gives mean and log variance
        decoder: [dec.0, dec.2]
        activation: relu
        likelihood: bernoulli               # of logits; or gaussian, with sigma: 0.1

    Args:
        path: the file.
        names: of layers, as above; ``mean`` and ``log_variance`` name heads of an encoder that has them apart.

    Raises:
        UserError: the file is missing or damaged, or does not hold such a model.
    """
    tensors, record = _read(Path(path))
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise UserError(
                f"{path} holds numbers in {name} that are not finite; load an earlier checkpoint."
            )
    if names is not None:
        return _perceptrons(path, tensors, names)
    if record is None:
        raise UserError(
            f"{path} does not say what model it holds; name its layers (names=, --map), or describe the model by "
            f"gaps.Vae(...)."
        )
    return describe(_of_this_project(path, tensors, record))


def describe(model: VAE) -> Vae:
    """Describe a trained model of this project, in evaluation mode.

    Raises:
        UserError: its data have no likelihood that is known here.
    """
    generator = model.generator
    likelihood: Likelihood
    decode: Any
    if isinstance(generator, BernoulliGenerator):
        likelihood, decode = Bernoulli(), generator.logits
    elif isinstance(generator, LinearGaussianGenerator):
        likelihood, decode = Gaussian(sigma=generator.noise), generator.mean
    else:
        raise UserError(f"The likelihood of {type(generator).__name__} is not known here.")
    if isinstance(model.posterior.family, FullyFactorisedGaussian):

        def encode(x: Tensor) -> tuple[Tensor, Tensor]:
            parameters = model.posterior.parameters_for(x.flatten(1))
            return parameters["mean"], parameters["log_variance"]

        return Vae(encode, decode, model.latent_dim, likelihood, modules=(model,))

    def sample_q(x: Tensor, n: int) -> tuple[Tensor, Tensor]:
        rows = x.flatten(1)
        return model.family_at(rows).rsample_with_log_prob(model.posterior.parameters_for(rows), n)

    return Vae(
        decode=decode,
        latent_dim=model.latent_dim,
        likelihood=likelihood,
        modules=(model,),
        sample_q=sample_q,
        posterior=model.posterior,
    )


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any] | None]:
    if not path.is_file():
        raise UserError(f"{path} is not a file; name one with the weights of a model.")
    if path.suffix != ".safetensors":
        return _state_dict(path), None
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            record = (file.metadata() or {}).get("provenance")
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{path} is no readable safetensors file ({error}); save the weights again."
        ) from error
    try:
        return tensors, json.loads(record) if record else None
    except ValueError:
        return tensors, None


def _state_dict(path: Path) -> dict[str, Tensor]:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise UserError(
            f"{path} holds more than weights, or is damaged, and nothing is unpickled here; save the "
            f"weights alone, by safetensors.torch.save_file(net.state_dict(), 'net.safetensors')."
        ) from error
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise UserError(f"{path} holds no state_dict; save net.state_dict().")
    return found


def _of_this_project(path: Path | str, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> VAE:
    weights = {name: tensor for name, tensor in tensors.items() if not _KEPT.fullmatch(name)}
    try:
        training = record.get("training", record["spec"])
        spec = TrainSpec.model_validate_json(json.dumps(training))
        model = build_vae(spec.architecture, spec.posterior, record["data"]["shape"])
        model.load_state_dict(weights)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise UserError(
            f"{path} does not hold a model of this project ({type(error).__name__}: {reason}); name its layers, or "
            f"describe the model by gaps.Vae(...)."
        ) from error
    return model.eval().requires_grad_(False)


def _perceptrons(path: Path | str, tensors: Mapping[str, Tensor], names: Mapping[str, Any]) -> Vae:
    known = {
        "encoder",
        "decoder",
        "mean",
        "log_variance",
        "activation",
        "likelihood",
        "sigma",
        "probabilities",
    }
    unknown = [key for key in names if key not in known]
    if unknown:
        raise UserError(
            f"The map names {unknown[0]}, which is not known; it may name {', '.join(sorted(known))}."
        )
    for key in ("encoder", "decoder"):
        if not isinstance(names.get(key), list) or not names[key]:
            raise UserError(f"The map needs {key}: a list of the names of its linear layers, in their order.")
    activation = names.get("activation", "relu")
    if activation not in _ACTIVATIONS:
        raise UserError(f"The map has activation: {activation}; write one of {', '.join(_ACTIVATIONS)}.")
    kind = names.get("likelihood")
    if kind not in _LIKELIHOODS:
        raise UserError(f"The map has likelihood: {kind}; write bernoulli, or gaussian with sigma.")

    def stack(layers: list[str], act_last: bool) -> nn.Sequential:
        parts: list[nn.Module] = []
        for layer in layers:
            parts += [_linear(path, tensors, layer), _ACTIVATIONS[activation]()]
        return nn.Sequential(*(parts if act_last else parts[:-1]))

    decoder = stack(names["decoder"], act_last=False)
    heads = names.get("mean"), names.get("log_variance")
    if (heads[0] is None) != (heads[1] is None):
        raise UserError("The map names one of mean and log_variance; name both heads, or neither.")
    encoder = stack(names["encoder"], act_last=heads[0] is not None)
    first = next(layer for layer in decoder if isinstance(layer, nn.Linear))
    likelihood: Likelihood
    if kind == "bernoulli":
        likelihood = Bernoulli(probabilities=bool(names.get("probabilities", False)))
    else:
        likelihood = Gaussian(sigma=names.get("sigma"))
    modules: tuple[nn.Module, ...] = (encoder, decoder)
    if heads[0] is not None:
        mean, log_variance = _linear(path, tensors, str(heads[0])), _linear(path, tensors, str(heads[1]))
        modules = (*modules, mean, log_variance)

        def encode(x: Tensor) -> tuple[Tensor, ...]:
            hidden = encoder(x.flatten(1))
            return mean(hidden), log_variance(hidden)

    else:

        def encode(x: Tensor) -> tuple[Tensor, ...]:
            return encoder(x.flatten(1)).chunk(2, dim=1)

    for module in modules:
        module.eval().requires_grad_(False)
    return Vae(encode, decoder, first.in_features, likelihood, modules=modules)


def _linear(path: Path | str, tensors: Mapping[str, Tensor], name: str) -> nn.Linear:
    weight, bias = tensors.get(f"{name}.weight"), tensors.get(f"{name}.bias")
    if weight is None or weight.dim() != 2:
        layers = ", ".join(each.removesuffix(".weight") for each in tensors if each.endswith(".weight"))
        raise UserError(f"{path} has no linear layer {name}; its layers are {layers or 'none'}.")
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, dtype=weight.dtype)
    layer.load_state_dict({"weight": weight} | ({"bias": bias} if bias is not None else {}))
    return layer
