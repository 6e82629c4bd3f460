"""Bugs in densities, their gradients, and the posterior families."""

from inference_gaps.bounds import local
from inference_gaps.models.generator import Generator, bernoulli_log_likelihood
from inference_gaps.models.mlp import MlpGenerator
from inference_gaps.posteriors.auxiliary_flow import AuxiliaryFlow
from inference_gaps.posteriors.coupling_flow import CouplingFlow
from inference_gaps.posteriors.full_gaussian import FullGaussian
from inference_gaps.posteriors.gaussian import (
    FullyFactorisedGaussian,
    normal_log_prob,
    reparameterise,
    standard_normal_log_prob,
)
from inference_gaps.posteriors.hamiltonian_flow import HamiltonianFlow
from tests.bounds import test_ais, test_local_families
from tests.models import test_models
from tests.mutants.mutant import Check, Mutant
from tests.posteriors import test_families, test_hamiltonian_flow, test_path_gradient

__all__ = ["DENSITIES"]

_CHANGE = Check(
    test_families.test_flow_log_density_is_the_change_of_variables, {"name": "af-local", "per_point": True}
)
_INVERSE = Check(test_families.test_joint_density_inverts_the_flow, {"name": "af-local"})
_REVERSE = Check(test_families.test_flow_subtracts_the_reverse_density_at_its_own_v, {"name": "af-amortized"})
_FFG = Check(test_families.test_ffg_density_is_that_of_torch_distributions)
_VALUES = Check(
    test_path_gradient.test_both_transforms_have_the_same_values, {"name": "af-local", "per_point": True}
)
_STICK_FFG = Check(
    test_path_gradient.test_the_path_gradient_vanishes_where_q_is_the_posterior, {"name": "ffg"}
)
_STICK_AF = Check(
    test_path_gradient.test_the_path_gradient_vanishes_where_q_is_the_posterior, {"name": "af-local"}
)
_BERNOULLI = Check(test_ais.test_whitened_potential_is_the_log_likelihood_for_the_prior)
_GRADIENT = Check(test_models.test_written_gradient_is_that_of_autograd)
_FOLDED = Check(test_models.test_written_gradient_is_that_of_autograd, fixtures={"generator": "folded"})

_CLOSED = Check(
    test_families.test_log_density_is_the_change_of_variables, {"name": "coupling-local", "per_point": True}
)
_CLOSED_INVERSE = Check(test_families.test_the_density_inverts_the_transform, {"name": "coupling-local"})
_HALVES = Check(
    test_families.test_both_halves_of_the_coupling_flow_are_transformed, {"name": "coupling-local"}
)
_STICK_CF = Check(
    test_path_gradient.test_the_path_gradient_vanishes_where_q_is_the_posterior, {"name": "coupling-local"}
)
_START_CF = Check(
    test_families.test_a_local_family_starts_as_exactly_the_gaussian, {"name": "coupling-local"}
)
_START_AF = Check(test_families.test_a_local_family_starts_as_exactly_the_gaussian, {"name": "af-local"})
_FULL = Check(test_families.test_full_gaussian_density_is_that_of_torch_distributions)
_FULL_INVERSE = Check(test_families.test_the_density_inverts_the_transform, {"name": "full-local"})
_STICK_FULL = Check(
    test_path_gradient.test_the_path_gradient_vanishes_where_q_is_the_posterior, {"name": "full-local"}
)
_MOMENTUM = Check(test_hamiltonian_flow.test_momentum_moves_along_the_gradient_and_keeps_its_norm)
_HESSIAN = Check(test_hamiltonian_flow.test_gradient_of_the_bound_is_that_of_the_flow_that_is_applied)
_SCORE_ALONE = Check(test_models.test_score_in_training_is_that_of_each_point_alone_and_leaves_no_trace)
_DESTRUCTIVE = Check(
    test_local_families.test_a_destructive_rate_leaves_no_point_below_the_gaussian, {"family": "coupling"}
)

_LINE = "\n            log_q = log_q - log_scale.sum(-1)"
_WRONG = "\n            log_q = log_q + log_scale.sum(-1)"

DENSITIES = [
    *(
        Mutant(
            f"log-determinant of {variable}, forward",
            f"The flow step of {variable} adds its log-determinant instead of subtracting it.",
            AuxiliaryFlow.push,
            f"{variable} = {variable} * log_scale.exp() + shift{_LINE}",
            f"{variable} = {variable} * log_scale.exp() + shift{_WRONG}",
            _CHANGE,
        )
        for variable in ("v", "z")
    ),
    *(
        Mutant(
            f"log-determinant of {variable}, inverse",
            f"The inverse flow step of {variable} adds its log-determinant instead of subtracting it.",
            AuxiliaryFlow.joint_log_prob,
            f"{variable} = ({variable} - shift) * torch.exp(-log_scale){_LINE}",
            f"{variable} = ({variable} - shift) * torch.exp(-log_scale){_WRONG}",
            _INVERSE,
        )
        for variable in ("v", "z")
    ),
    Mutant(
        "normal without its constant",
        "The log density of a Gaussian lacks d/2 log 2 pi.",
        normal_log_prob,
        "(squared + log_variance).sum(-1) + z.shape[-1] * _LOG_2PI",
        "(squared + log_variance).sum(-1)",
        _REVERSE,
    ),
    Mutant(
        "standard normal without its constant",
        "The log density of N(0, I) lacks d/2 log 2 pi.",
        standard_normal_log_prob,
        "z.square().sum(-1) + z.shape[-1] * _LOG_2PI",
        "z.square().sum(-1)",
        _FFG,
    ),
    Mutant(
        "variance for standard deviation, sample",
        "A sample is the mean plus the variance times the noise.",
        reparameterise,
        "torch.exp(0.5 * log_variance) * noise",
        "torch.exp(log_variance) * noise",
        _FFG,
    ),
    Mutant(
        "variance for standard deviation, log density",
        "The log density of a sample subtracts the log variance instead of the log standard deviation.",
        reparameterise,
        "- 0.5 * log_variance.sum(-1)",
        "- log_variance.sum(-1)",
        _FFG,
    ),
    Mutant(
        "standard deviation for variance",
        "A Gaussian's log density divides the squared distance by the standard deviation.",
        normal_log_prob,
        "torch.exp(-log_variance)",
        "torch.exp(-0.5 * log_variance)",
        _REVERSE,
    ),
    Mutant(
        "r at a sample of its own",
        "r(v|z) is evaluated at fresh noise instead of the v that the flow made.",
        AuxiliaryFlow.transform,
        "self._log_reverse(parameters, z, v)",
        "self._log_reverse(parameters, z, torch.randn_like(v))",
        _REVERSE,
    ),
    Mutant(
        "r added",
        "log r(v|z) is added to log q(z, v) instead of subtracted.",
        AuxiliaryFlow.transform,
        "log_q - self._log_reverse",
        "log_q + self._log_reverse",
        _REVERSE,
    ),
    Mutant(
        "r added on the path",
        "Local optimisation adds log r(v|z) instead of subtracting it.",
        AuxiliaryFlow.path_transform,
        "- self._log_reverse",
        "+ self._log_reverse",
        _VALUES,
    ),
    Mutant(
        "path gradient of the Gaussian keeps the score",
        "The parameters of log q are not detached.",
        FullyFactorisedGaussian.path_transform,
        "mean.detach(), log_variance.detach()",
        "mean, log_variance",
        _STICK_FFG,
    ),
    Mutant(
        "path gradient detaches the sample",
        "log q is differentiated by way of its parameters instead of the sample.",
        FullyFactorisedGaussian.path_transform,
        "normal_log_prob(z, mean.detach(), log_variance.detach())",
        "normal_log_prob(z.detach(), mean, log_variance)",
        _STICK_FFG,
    ),
    Mutant(
        "path gradient of the flow keeps the score",
        "The parameters of log q(z, v) are not detached.",
        AuxiliaryFlow.path_transform,
        "tensor.detach() for",
        "tensor for",
        _STICK_AF,
    ),
    *(
        Mutant(
            f"log-determinant of the {half} half, forward",
            f"The coupling step of the {half} half adds its log-determinant instead of subtracting it.",
            CouplingFlow.transform,
            f"{half} = {half} * log_scale.exp() + shift{_LINE}",
            f"{half} = {half} * log_scale.exp() + shift{_WRONG}",
            _CLOSED,
        )
        for half in ("second", "first")
    ),
    *(
        Mutant(
            f"log-determinant of the {half} half, inverse",
            f"The inverse coupling step of the {half} half adds its log-determinant instead of subtracting it.",
            CouplingFlow.log_prob,
            f"{half} = ({half} - shift) * torch.exp(-log_scale){_LINE}",
            f"{half} = ({half} - shift) * torch.exp(-log_scale){_WRONG}",
            _CLOSED_INVERSE,
        )
        for half in ("second", "first")
    ),
    Mutant(
        "halves that do not take turns",
        "The first half of z is never transformed: a density all right, but of a smaller family.",
        CouplingFlow.transform,
        f"first = first * log_scale.exp() + shift{_LINE}",
        "pass",
        _HALVES,
    ),
    Mutant(
        "inverse steps in forward order",
        "The inverse of the coupling flow undoes the first step first.",
        CouplingFlow.log_prob,
        "reversed(range(self.steps))",
        "range(self.steps)",
        _CLOSED_INVERSE,
    ),
    Mutant(
        "path gradient of the coupling flow keeps the score",
        "The parameters of log q are not detached.",
        CouplingFlow.path_transform,
        "tensor.detach() for",
        "tensor for",
        _STICK_CF,
    ),
    Mutant(
        "coupling flow starts contracted",
        "The base of the start does not undo what the steps contract.",
        CouplingFlow.from_gaussian,
        "log_variance - 2 * contraction",
        "log_variance - contraction",
        _START_CF,
    ),
    Mutant(
        "auxiliary flow starts contracted",
        "The density r(v|z) of the start is that of v before the steps.",
        AuxiliaryFlow.from_gaussian,
        "torch.full((points, d), 2 * contraction)",
        "torch.zeros(points, d)",
        _START_AF,
    ),
    Mutant(
        "log-determinant of the full Gaussian",
        "The log density of a sample adds the log standard deviations.",
        FullGaussian.transform,
        "- 0.5 * log_variance.sum(-1)",
        "+ 0.5 * log_variance.sum(-1)",
        _FULL,
    ),
    Mutant(
        "covariance transposed",
        "A sample is made with the transpose of I + N.",
        FullGaussian.transform,
        "self._unit_factor(parameters).mT",
        "self._unit_factor(parameters)",
        _FULL,
    ),
    Mutant(
        "full Gaussian inverted as if factorised",
        "The density at given z looks at the elements above the diagonal, which are zero.",
        FullGaussian.log_prob,
        "upper=False",
        "upper=True",
        _FULL_INVERSE,
    ),
    Mutant(
        "path gradient of the full Gaussian keeps the score",
        "The parameters of log q are not detached.",
        FullGaussian.path_transform,
        "tensor.detach() for",
        "tensor for",
        _STICK_FULL,
    ),
    Mutant(
        "momentum against the gradient",
        "The shift of v points to lower density.",
        HamiltonianFlow._kick,
        "return (self.scale * root).square()",
        "return -(self.scale * root).square()",
        _MOMENTUM,
    ),
    Mutant(
        "momentum of either sign",
        "The factor of the gradient is what a net says, positive or not, as in the authors' Table-2 code.",
        HamiltonianFlow._kick,
        "(self.scale * root).square()",
        "(self.scale * root)",
        _MOMENTUM,
    ),
    Mutant(
        "gradient without its sign",
        "The shift of v is made of absolute values of the gradient, as in the authors' other code.",
        HamiltonianFlow._kick,
        "self.score(z)",
        "self.score(z).abs()",
        _MOMENTUM,
    ),
    Mutant(
        "gradient of another norm",
        "The gradient is divided by the square root of its norm, as in the authors' Table-2 code.",
        HamiltonianFlow._kick,
        "self.score(z)",
        "self.score(z) / self.score(z).norm(dim=-1, keepdim=True).sqrt()",
        _MOMENTUM,
    ),
    Mutant(
        "gradient detached",
        "The gradient of the bound does not pass through the gradient of log p(x, z).",
        HamiltonianFlow._kick,
        "self.score(z)",
        "self.score(z.detach())",
        _HESSIAN,
    ),
    Mutant(
        "score in training mode",
        "Batch normalisation mixes the data points of a batch in the score, and counts the places it is asked at.",
        Generator.score,
        "self.eval()",
        "pass",
        _SCORE_ALONE,
    ),
    Mutant(
        "cycles judged by the inverse",
        "What is kept is judged by the density that the inverse of the flow gives, which rounding may ruin.",
        local.optimise,
        ".transform(some, reference[rows])",
        ".path_transform(some, reference[rows])",
        _DESTRUCTIVE,
    ),
    Mutant(
        "softplus of the wrong sign",
        "The Bernoulli log likelihood normalises with softplus(-l) instead of softplus(l).",
        bernoulli_log_likelihood,
        "functional.softplus(logits)",
        "functional.softplus(-logits)",
        _BERNOULLI,
    ),
    Mutant(
        "gradient without the prior",
        "The written gradient of log p(x, z) leaves out that of log p(z).",
        MlpGenerator.log_joint_gradient,
        "return value, self._unfolded(gradient, z) - z",
        "return value, self._unfolded(gradient, z)",
        _GRADIENT,
    ),
    Mutant(
        "wrong derivative of the activation",
        "The written gradient takes the derivative of the activation at another place.",
        MlpGenerator._likelihood_gradient,
        "derivative(output)",
        "derivative(-output)",
        _GRADIENT,
    ),
    Mutant(
        "gradient of a folded decoder without the chain rule",
        "The written gradient of a folded decoder is that with respect to its input, not to z.",
        MlpGenerator._unfolded,
        "gradient.mul_(2 * z)",
        "gradient",
        _FOLDED,
    ),
]
