"""Bugs in the training of models, and in what is kept of it."""

from inference_gaps.models import units
from inference_gaps.models.vae import VAE
from inference_gaps.numerics import low_precision
from inference_gaps.replication.config import resolution
from inference_gaps.replication.storage import trained_models as storage
from inference_gaps.replication.study.model_jobs import ModelJobs
from inference_gaps.training import loop
from tests.config import test_plan
from tests.models import test_models, test_units
from tests.mutants.mutant import Check, Mutant
from tests.resuming import test_same_bits
from tests.training import test_frozen_generator, test_low_precision_gradients, test_training

__all__ = ["TRAININGS"]

_KEPT = Check(test_training.test_checkpoints_are_the_weights_after_their_epochs)
_RESUMED = Check(test_same_bits.test_training, {"name": "mlp-ffg-shuffled", "steps": 5})
_TAKEN = Check(test_models.test_a_checkpoint_is_loaded_as_it_was_kept)
_ENTROPY, _KL = (
    Check(
        test_training.test_a_step_follows_the_objective_as_it_is_written,
        {"family": "ffg", "warm_up_of": warm_up_of},
    )
    for warm_up_of in ("entropy", "kl")
)
_FROZEN, _FROZEN_BATCHES = (
    Check(
        test_frozen_generator.test_a_frozen_generator_keeps_its_bits_while_the_rest_learns,
        {"kind": kind, "family": "ffg"},
    )
    for kind in ("mlp", "conv")
)
_SAME_SEED = Check(test_plan.test_a_generator_comes_from_the_training_of_the_same_seed)
_FORMULA = Check(test_units.test_a_gaussian_has_its_activity_by_a_formula)
_UNBIASED = Check(test_units.test_samples_give_the_activity_without_bias)
_PROTOCOL = Check(test_plan.test_a_protocol_stands_between_the_data_set_and_the_model)
_PLANNED = Check(test_plan.test_a_checkpoint_is_evaluated_as_a_model_of_its_own)
_SAME_BOUND = Check(
    test_low_precision_gradients.test_the_bound_is_the_same_to_the_bit_and_its_gradient_is_near,
    {"family": "ffg"},
)
_EXACT_SCORE = Check(test_low_precision_gradients.test_a_gradient_that_is_differentiated_itself_is_exact)

TRAININGS = [
    Mutant(
        "a pass forward in low precision",
        "Layers whose gradient is in bfloat16 round what they return, too.",
        low_precision._LowPrecisionGradient.forward,
        "nn.functional.linear(x, weight, bias)",
        "nn.functional.linear(x.bfloat16(), weight.bfloat16(), bias.bfloat16()).to(x.dtype)",
        _SAME_BOUND,
    ),
    Mutant(
        "gradients of weights too long",
        "The gradient of the weights in bfloat16 is twice what it should be.",
        low_precision._LowPrecisionGradient.backward,
        "(low.t() @",
        "(2 * low.t() @",
        _SAME_BOUND,
    ),
    Mutant(
        "a score in low precision",
        "A flow that follows the gradient of log p(x, z) gets it in bfloat16.",
        low_precision._LowPrecisionGradient.backward,
        "x.dtype if torch.is_grad_enabled() else torch.bfloat16",
        "torch.bfloat16",
        _EXACT_SCORE,
    ),
    Mutant(
        "checkpoints that go on training",
        "The weights that are kept are those of the model itself and not a copy.",
        loop._Run.end_epoch,
        "tensor.clone()",
        "tensor",
        _KEPT,
    ),
    Mutant(
        "checkpoints an epoch late",
        "The weights after epoch N + 1 are kept as those after epoch N.",
        loop._Run.end_epoch,
        "if metrics.epoch in self.spec.checkpoints:\n            weights",
        "if metrics.epoch - 1 in self.spec.checkpoints:\n            weights",
        _KEPT,
    ),
    Mutant(
        "checkpoints forgotten by a killed training",
        "The state of a training does not hold the weights that it has kept so far.",
        loop._Run.state_dict,
        "dict(self.checkpoints)",
        "{}",
        _RESUMED,
    ),
    Mutant(
        "the end of the training for every checkpoint",
        "What is taken out of a training are its last weights.",
        storage.load_checkpoint,
        "weights[epoch], provenance",
        "weights[None], provenance",
        _TAKEN,
    ),
    Mutant(
        "no warm-up of the prior",
        "With warm_up_of: kl, log p(z) has its full weight from the start.",
        loop._step,
        'run.spec.warm_up_of == "kl"',
        'run.spec.warm_up_of == "nothing"',
        _KL,
    ),
    Mutant(
        "warm-up of the prior by default",
        "The weight of the warm-up multiplies log p(z) also where it is of the entropy.",
        loop._step,
        'run.spec.warm_up_of == "kl"',
        "True",
        _ENTROPY,
    ),
    Mutant(
        "the prior warmed up the wrong way",
        "With warm_up_of: kl, the weight of log p(z) falls where it is to rise.",
        loop._objective,
        "(1 - weight) * log_prior",
        "weight * log_prior",
        _KL,
    ),
    Mutant(
        "a frozen generator that is trained",
        "Gradients of the weights of a frozen generator are formed and followed.",
        VAE.freeze_generator,
        "requires_grad_(False)",
        "requires_grad_(True)",
        _FROZEN,
    ),
    Mutant(
        "batch normalisation of a frozen generator goes on counting",
        "A frozen generator is in training mode while the rest is trained.",
        VAE.freeze_generator,
        "self._generator_is_frozen = True",
        "self._generator_is_frozen = False",
        _FROZEN_BATCHES,
    ),
    Mutant(
        "a frozen generator from its initial weights",
        "The weights of the other model are not taken over.",
        VAE.freeze_generator,
        "self.generator.load_state_dict(trained.state_dict())",
        "pass",
        _FROZEN,
    ),
    Mutant(
        "the generator of another seed",
        "A model gets the generator of the first seed, whatever its own.",
        ModelJobs._same_seed_of,
        "model, self._seed)",
        "model, 0)",
        _SAME_SEED,
    ),
    Mutant(
        "noise counted as activity",
        "The Monte-Carlo variance of the means of q(z|x) is not subtracted.",
        units.unit_activity,
        "torch.cat(means).var(0) - torch.cat(variances).mean(0)",
        "torch.cat(means).var(0)",
        _UNBIASED,
    ),
    Mutant(
        "the variance of samples for that of their mean",
        "What is subtracted from the activity is not divided by the number of samples.",
        units._mean,
        "z.var(1) / samples",
        "z.var(1)",
        _UNBIASED,
    ),
    Mutant(
        "divergence from the prior reversed in the variance",
        "The KL divergence of a unit has the logarithm of its variance with the wrong sign.",
        units._divergence,
        "- 1 - log_variance",
        "- 1 + log_variance",
        _FORMULA,
    ),
    Mutant(
        "a protocol that wins over the model",
        "The training keys of a preset's protocol replace those of the model itself.",
        resolution.train_spec,
        "_given(*sections, model.training)",
        "_given(model.training, *sections)",
        _PROTOCOL,
    ),
    Mutant(
        "random numbers shared by checkpoints",
        "IWAE at a checkpoint draws what it draws at the end of the training.",
        ModelJobs.iwae,
        "derived_seed(*self._place, ",
        "derived_seed(self._name, self._seed, ",
        _PLANNED,
    ),
    Mutant(
        "the wrong weights evaluated",
        "Evaluations of a checkpoint read the model at the end of its training.",
        ModelJobs.weights,
        "if self._epoch is None:",
        "if self._epoch != -1:",
        _PLANNED,
    ),
]
