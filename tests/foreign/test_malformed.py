"""Calls that cannot be meant: each ends in a sentence, none in a traceback from inside PyTorch."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from inference_gaps.errors import UserError
from inference_gaps.foreign.likelihoods.composed import Product
from inference_gaps.foreign.likelihoods.continuous import Gaussian
from inference_gaps.foreign.likelihoods.discrete import (
    Bernoulli,
    Categorical,
    DiscretisedLogistic,
    NegativeBinomial,
)
from inference_gaps.foreign.measure import measure
from inference_gaps.foreign.priors import GaussianMixture
from inference_gaps.foreign.vae import Vae
from tests.foreign.models import QUICK, Linear

MODEL = Linear()
X = MODEL.data(6)


def _vae(**changes: Any) -> Vae:
    return MODEL.vae(**changes)


def _measure(vae: Any = None, x: Any = X, **settings: Any) -> Any:
    return measure(vae or _vae(), x, progress=False, **{**QUICK, **settings})


CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "no encoder": (lambda: _vae(encode=None), "needs encode"),
    "an encoder that is no function": (lambda: _vae(encode=3), "cannot be called"),
    "no decoder": (lambda: _vae(decode=None, likelihood=None), "needs decode"),
    "a decoder that is no function": (lambda: _vae(decode="decoder"), "decode is str"),
    "no likelihood": (lambda: _vae(likelihood=None), "likelihood is missing"),
    "a likelihood by name": (lambda: _vae(likelihood="bernoulli"), "likelihood is 'bernoulli'"),
    "the class of a likelihood": (lambda: _vae(likelihood=Bernoulli), r"write Bernoulli\(\.\.\.\)"),
    "no latent dimensions": (lambda: _vae(latent_dim=0), "latent_dim is 0"),
    "latent dimensions in words": (lambda: _vae(latent_dim="16"), "latent_dim is '16'"),
    "a prior that is none": (lambda: _vae(prior=1.0), "prior is float"),
    "modules that are none": (lambda: _vae(modules=(3,)), "no torch.nn.Module"),
    "likelihood and joint": (lambda: _vae(decode=None, log_joint=lambda x, z: x), "leave out likelihood"),
    "rows of zero": (lambda: _vae(rows=0), "rows is 0"),
    "a Gaussian without sigma": (lambda: Gaussian(), "either sigma"),
    "a negative sigma": (lambda: Gaussian(sigma=-0.1), "not a positive number"),
    "a sigma in words": (lambda: Gaussian(sigma="one"), "sigma is 'one'"),  # type: ignore[arg-type]
    "a sigma of another size": (lambda: _measure(_vae(likelihood=Gaussian(sigma=torch.ones(5)))), r"shape \(5,\)"),
    "no predicted sigma": (lambda: _measure(_vae(likelihood=Gaussian(predicted="sigma"))), "the pair"),
    "one level": (lambda: DiscretisedLogistic(levels=1), "at least 2"),
    "a product of classes": (lambda: Product(Gaussian), "pairs of a likelihood"),  # type: ignore[arg-type]
    "a product of too few": (lambda: _measure(_vae(likelihood=Product((Gaussian(sigma=1.0), 3)))), "3 columns"),
    "a mixture of two shapes": (lambda: GaussianMixture(torch.zeros(2, 3), torch.zeros(3)), "both are"),
    "a model that is no Vae": (lambda: _measure(MODEL), "takes a gaps.Vae"),
    "x as a list": (lambda: _measure(x=[[1.0, 2.0]]), "x is list"),
    "x of objects": (lambda: _measure(x=np.array([[None]])), "array of object"),
    "x of one point": (lambda: _measure(x=X[:1]), "at least two"),
    "x without rows": (lambda: _measure(x=X[0]), "first dimension counts"),
    "x with a hole": (lambda: _measure(x=X * torch.tensor([torch.nan] + 11 * [1.0])), "not finite at 6"),
    "x of another type": (lambda: _measure(x=X.double()), "x is float64"),
    "x of another width": (lambda: _measure(x=X[:, :5]), "failed on 6 data points"),
    "counts that are none": (lambda: _measure(_vae(likelihood=NegativeBinomial(1.0))), "takes counts"),
    "classes that are none": (lambda: _measure(_vae(likelihood=Categorical())), "numbers of classes"),
    "classes as one-hot vectors": (
        lambda: Categorical().log_prob(torch.zeros(2, 6), torch.zeros(2, 1, 6)),
        "1 element of 6 classes, but a data point of x has 6 elements",
    ),
    "a class that no logit is for": (
        lambda: Categorical().log_prob(torch.ones(2, 1), torch.zeros(2, 1, 1)), "class 1, .* logits of 1 class,",
    ),
    "levels that are none": (lambda: _measure(_vae(likelihood=DiscretisedLogistic(-1.0))), "levels"),
    "one tensor of q": (lambda: _measure(_vae(encode=MODEL.encoder)), r"one tensor of shape \(1, 8\)"),
    "q of another size": (lambda: _measure(_vae(latent_dim=3)), "latent_dim is 3"),
    "x of another shape": (
        lambda: _measure(_vae(decode=lambda z: MODEL.decoder(z)[:, :11])), r"x has shape \(12,\)",
    ),
    "a likelihood of the batch": (lambda: _measure(_vae(likelihood=lambda x, m: (x - m).sum())), "one number"),
    "a likelihood per pixel": (lambda: _measure(_vae(likelihood=lambda x, m: -((x - m) ** 2))), "one number"),
    "a prior per dimension": (
        lambda: _measure(_vae(prior=torch.distributions.Normal(torch.zeros(4), torch.ones(4)))), "Independent",
    ),
    "an error of its own": (lambda: _measure(_vae(decode=lambda z: 1 / 0)), "ZeroDivisionError"),
    "an unknown family": (lambda: _measure(local=("gaussian",)), "families of q"),
    "a family as a word": (lambda: _measure(local="ffg"), "a list of families"),
    "an unknown start": (lambda: _measure(ais=("posterior",)), "chains start from"),
    "an unknown effort": (lambda: _measure(effort="huge"), "effort is 'huge'"),
    "an unknown argument": (lambda: _measure(sample=3), "knows no argument sample"),
    "half a sample": (lambda: _measure(samples=0.5), "a whole number"),
    "one chain": (lambda: _measure(chains=1), "at least 2"),
    "an elbo of another size": (lambda: _measure(elbo=torch.zeros(3)), "elbo has the shape"),
    "a negative seed": (lambda: _measure(seed=-1), "seed is -1"),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_cannot_be_meant_ends_in_a_sentence(name: str) -> None:
    call, words = CALLS[name]
    with pytest.raises(UserError, match=words) as error:
        call()
    assert str(error.value).endswith(".")
    assert not re.search(r"\b1 (data points|points|places|rows|columns|elements)\b", str(error.value))


def test_samples_of_q_of_another_shape_are_refused() -> None:
    def flat(x: torch.Tensor, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(n, len(x), 4), torch.zeros(n, len(x))

    with pytest.raises(UserError, match=r"return z of shape \(6, 2, 4\)"):
        _measure(_vae(encode=None, sample_q=flat))


def test_a_lazy_module_is_no_reason_for_a_traceback() -> None:
    with pytest.raises(UserError, match="has not been initialised"):
        _measure(_vae(decode=nn.LazyLinear(12).eval()))
