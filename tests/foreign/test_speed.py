"""What a measurement costs on one core; in processor time, which other programs do not change."""

import itertools
import time
from collections.abc import Callable

import pytest
import torch

from inference_gaps.foreign.adapted import ForeignGenerator
from inference_gaps.foreign.likelihoods.discrete import Bernoulli
from inference_gaps.foreign.measure import measure
from inference_gaps.foreign.vae import Vae
from inference_gaps.models.mlp import MlpGenerator

pytestmark = pytest.mark.slow

LATENT, PIXELS = 50, 784


def _perceptron(*widths: int) -> torch.nn.Sequential:
    layers = [
        layer for pair in itertools.pairwise(widths) for layer in (torch.nn.Linear(*pair), torch.nn.Tanh())
    ]
    return torch.nn.Sequential(*layers[:-1]).eval()


def _fastest(work: Callable[[], object], times: int = 5) -> float:
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def test_the_gaps_of_a_perceptron_at_a_hundred_points_take_a_minute() -> None:
    torch.manual_seed(0)
    encoder, decoder = (
        _perceptron(PIXELS, 200, 200, 2 * LATENT),
        _perceptron(LATENT, 200, 200, PIXELS),
    )
    vae = Vae(lambda x: encoder(x).chunk(2, 1), decoder, LATENT, Bernoulli())
    x = torch.rand(100, PIXELS).round()
    taken = _fastest(lambda: measure(vae, x, progress=False), times=1)
    print(f"{taken:.1f} s of one core")
    assert taken < 60


def test_an_automatic_gradient_takes_at_most_half_as_long_again_as_the_written_one() -> None:
    written = MlpGenerator(LATENT, [200, 200], PIXELS, "tanh").requires_grad_(False)
    x, z = torch.rand(20, PIXELS).round(), torch.randn(20, 16, LATENT)
    automatic = ForeignGenerator(Vae(lambda x: (x, x), written.logits, LATENT, Bernoulli()), x.dtype, 320)
    first, second = (each.log_joint_gradient(x, z) for each in (written, automatic))
    torch.testing.assert_close(first[1], second[1], atol=1e-3, rtol=1e-3)
    ratio = _fastest(lambda: automatic.log_joint_gradient(x, z)) / _fastest(
        lambda: written.log_joint_gradient(x, z)
    )
    print(f"{ratio:.2f} times the written gradient")
    assert ratio < 1.5
