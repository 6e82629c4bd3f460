"""Each mistake that gives a silent wrong number ends in a sentence that names it, or in a flag beside the
number."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from inference_gaps.errors import UserError
from inference_gaps.foreign.likelihoods.continuous import Gaussian
from inference_gaps.foreign.likelihoods.discrete import Bernoulli
from inference_gaps.foreign.measure import measure
from inference_gaps.foreign.result import Result
from inference_gaps.foreign.vae import Vae
from tests.foreign.models import QUICK, Digits, Linear


def _measured(vae: Vae, x: Tensor, **settings: object) -> Result:
    return measure(vae, x, progress=False, **{**QUICK, **settings})  # type: ignore[arg-type]


def _warned(result: Result, words: str) -> None:
    assert any(words in sentence for sentence in result.warnings()), result.warnings()


def _shifted(
    model: Linear, mean: float, log_variance: float = 0.0
) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    return lambda x: (model.encode(x)[0] + mean, model.encode(x)[1] + log_variance)


def _numbers(module: nn.Module) -> list[Tensor]:
    return [tensor.clone() for tensor in module.state_dict().values()]


def test_training_mode_is_refused_and_no_running_statistics_are_touched() -> None:
    model = Digits()
    before = _numbers(model)
    with pytest.raises(UserError, match=r"is in training mode.*digits\.eval\(\)"):
        _measured(model.vae(), model.data(8))
    assert all(torch.equal(one, other) for one, other in zip(before, _numbers(model)))
    assert all(part.training for part in model.modules())


def test_modules_are_found_behind_functions_that_do_not_name_them() -> None:
    model = Digits()
    vae = Vae(lambda x: model.encoder(x).chunk(2, 1), lambda z: model.decoder(z), 2, Bernoulli())
    with pytest.raises(UserError, match="is in training mode"):
        _measured(vae, model.data(8))


def test_a_measurement_leaves_modules_as_they_were() -> None:
    model = Digits().eval()
    model.decoder[0].weight.requires_grad_(False)
    before, flags = _numbers(model), [parameter.requires_grad for parameter in model.parameters()]
    random = torch.get_rng_state()
    result = _measured(model.vae(), model.data(8))
    assert all(torch.equal(one, other) for one, other in zip(before, _numbers(model)))
    assert flags == [parameter.requires_grad for parameter in model.parameters()]
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(random, torch.get_rng_state())
    assert any(check.name == "unchanged" and check.level == "passed" for check in result.checks)


def test_statistics_that_a_pass_overwrites_are_put_back() -> None:
    model = Digits().eval()
    before = _numbers(model)

    def encode(x: Tensor) -> tuple[Tensor, Tensor]:
        model.encoder.train()
        try:
            model.encoder(torch.cat([x, 1 - x]))
        finally:
            model.encoder.eval()
        return model.encode(x)

    with pytest.raises(UserError, match=r"changed|returns other values"):
        _measured(model.vae(encode=encode), model.data(8))
    assert all(torch.equal(one, other) for one, other in zip(before, _numbers(model)))


def test_dropout_outside_of_any_module_is_refused() -> None:
    model = Linear()
    noisy = {"decode": lambda z: nn.functional.dropout(model.decoder(z), 0.5, training=True)}
    with pytest.raises(
        UserError, match="decode returns other values when it is called again with the same z"
    ):
        _measured(model.vae(**noisy), model.data(8))


def test_an_encoder_that_sees_other_rows_is_refused() -> None:
    model = Linear()
    with pytest.raises(UserError, match="encode returns another value for a row alone"):
        _measured(model.vae(encode=lambda x: model.encode(x - x.mean(0))), model.data(8))


def test_a_prior_of_the_model_that_is_not_given_is_noticed() -> None:
    model = Linear()
    model.prior_means = nn.Parameter(torch.zeros(3, 4))
    _warned(
        _measured(model.vae(modules=(model,)), model.data(8)),
        "weights named Linear.prior_means, but prior=None",
    )


def test_samples_far_from_the_prior_are_noticed() -> None:
    model = Linear()
    vae = model.vae(
        encode=lambda x: (model.encode(x)[0] + 6, model.encode(x)[1]), decode=lambda z: model.decoder(z - 6)
    )
    _warned(_measured(vae, model.data(40)), "check whether the prior is N(0, I)")


def test_a_wrong_sigma_is_noticed_both_ways() -> None:
    model = Linear()
    for sigma, size in ((0.05, "1"), (3.0, "0.1")):
        result = _measured(model.vae(likelihood=Gaussian(sigma=sigma)), model.data(40))
        _warned(result, f"Errors of reconstruction are {size}")


def test_a_likelihood_that_is_averaged_is_noticed() -> None:
    model = Linear(latent_dim=2, dimension=200)

    def averaged(x: Tensor, mean: Tensor) -> Tensor:
        return torch.distributions.Normal(mean, model.sigma).log_prob(x).mean(1)

    result = _measured(model.vae(likelihood=averaged), model.data(40))
    _warned(result, "times narrower than q*")


def test_a_standard_deviation_in_place_of_a_log_variance_is_noticed() -> None:
    model = Linear()

    def encode(x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = model.encode(x)
        return mean, (0.5 * log_variance).exp()

    result = _measured(model.vae(encode=encode), model.data(40))
    _warned(result, "All log variances are positive")
    _warned(result, "times wider than q*")


@pytest.mark.parametrize(("scale", "advice"), [(255.0, "divide x by 255"), (2.0, r"map x to \[0, 1\]")])
def test_pixels_out_of_range_are_refused(scale: float, advice: str) -> None:
    model = Digits().eval()
    x = model.data(8) * scale - (1 if scale == 2 else 0)
    with pytest.raises(UserError, match=f"but Bernoulli takes values from 0 to 1; {advice}"):
        _measured(model.vae(), x)


def test_a_weight_that_is_not_a_number_is_refused_by_name() -> None:
    model = Digits().eval()
    with torch.no_grad():
        model.decoder[4].bias[3] = torch.nan
    with pytest.raises(UserError, match=r"4\.bias holds 1 of 20 numbers that are not finite"):
        _measured(model.vae(), model.data(8))


@pytest.mark.parametrize(("size", "refused"), [(200.0, True), (-25.0, False)])
def test_an_extreme_log_variance_is_named(size: float, refused: bool) -> None:
    model = Linear()

    def encode(x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = model.encode(x)
        peak = (x[:, :1] == data[3, 0]).to(x.dtype)
        return mean, torch.cat(
            [log_variance[:, :2], log_variance[:, 2:3] * (1 - peak) + size * peak, log_variance[:, 3:]], 1
        )

    data = model.data(8)
    words = f"a log variance of {size:.4g} at data point 3, latent dimension 2"
    if refused:
        with pytest.raises(UserError, match=words):
            _measured(model.vae(encode=encode), data)
    else:
        _warned(_measured(model.vae(encode=encode), data), words)


def test_logits_and_probabilities_are_not_mistaken_for_each_other() -> None:
    model = Digits().eval()
    with pytest.raises(UserError, match=r"write Bernoulli\(probabilities=True\)"):
        _measured(model.vae(decode=lambda z: model.decoder(z).sigmoid()), model.data(8))
    with pytest.raises(UserError, match=r"are no probabilities; write Bernoulli\(\) for logits"):
        _measured(model.vae(likelihood=Bernoulli(probabilities=True)), model.data(8))


def test_a_decoder_without_a_gradient_is_refused() -> None:
    model = Linear()
    with pytest.raises(UserError, match="has no gradient with respect to z"):
        _measured(model.vae(decode=lambda z: model.decoder(z).detach()), model.data(8))


def test_collapse_is_said() -> None:
    model = Linear()
    vae = model.vae(
        encode=lambda x: (torch.zeros(len(x), 4), torch.zeros(len(x), 4) - 1e-3),
        decode=lambda z: model.decoder(0 * z),
    )
    _warned(_measured(vae, model.data(40)), "the posterior has collapsed to the prior")


def test_few_points_and_densities_are_noted() -> None:
    result = _measured(Linear().vae(), Linear().data(8))
    _warned(result, "8 data points are few")
    assert any("nats depend on the scale of x" in check.sentence for check in result.checks)


_HALF = 6 * math.log(2 * math.pi)


@pytest.mark.parametrize(
    ("theirs", "looks"),
    [
        (lambda elbo, kl: elbo, None),
        (lambda elbo, kl: elbo + _HALF, "the constant D/2 log 2π"),
        (lambda elbo, kl: -elbo, "the negative, a loss"),
        (lambda elbo, kl: (elbo + kl) / 12 - kl, "a mean over the D elements"),
        (lambda elbo, kl: elbo * 40, "a sum over data points"),
        (lambda elbo, kl: 2 * (elbo + kl + _HALF) - kl, "without their factor 1/2"),
    ],
    ids=["same", "constant", "sign", "mean", "sum", "half"],
)
def test_the_owners_elbo_is_compared_and_the_difference_is_named(
    theirs: Callable[[float, float], float], looks: str | None
) -> None:
    model = Linear(sigma=1.0)
    x = model.data(40)
    mean, log_variance = model.encode(x)
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean().item()
    given = theirs(model.elbo(x).mean().item(), kl)
    result = _measured(model.vae(), x, elbo=given)
    (check,) = (check for check in result.checks if check.name == "elbo")
    if looks is None:
        assert check.level == "passed"
    else:
        assert check.level == "warning"
        assert looks in check.sentence


def test_estimates_with_few_effective_weights_have_no_error_and_do_not_stand_for_log_p() -> None:
    """IWAE from a q that is far off: most of its weight is in one sample."""
    model = Linear()
    vae = model.vae(encode=_shifted(model, 1.0, -1.0))
    x = model.data(40)
    result = _measured(vae, x, samples=1000, distributions=60, chains=16)
    iwae, log_p = result.summary.loc["iwae_amortized"], result.summary.loc["log_p"]
    assert iwae["loose"]
    assert math.isnan(iwae["error"])
    assert iwae["mean"] < model.log_marginal(x).mean().item() - 0.5
    assert log_p["estimator"] != "iwae_amortized"
    assert abs(log_p["mean"] - model.log_marginal(x).mean().item()) < 4 * log_p["error"]
    assert result.points["iwae_amortized_standard_error"].isna().mean() > 0.5
    assert result.points["flags"].str.contains("iwae_amortized loose").mean() > 0.5
    assert "(loose)" in str(result)


def test_where_nothing_is_to_be_trusted_gaps_are_at_least_so_large() -> None:
    model = Linear()
    vae = model.vae(encode=_shifted(model, 1.0, -1.0))
    result = _measured(vae, model.data(40), ais=(), local=())
    assert result.summary.loc["log_p", "loose"]
    assert "at least" in str(result)
    assert math.isnan(result.summary.loc["inference_gap", "ci_high"])
    result.plot()
