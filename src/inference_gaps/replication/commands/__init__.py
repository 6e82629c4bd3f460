"""The subcommands of ``inference-gaps``, in the order of the pipeline.

Each is a module of this folder with the same name (``-`` for ``_``) that offers ``add_arguments(parser)``
and ``run(options)``, and whose docstring is its help page. A rule of the workflow is a call of one of them.
"""

COMMANDS = {
    "check-config": "validate the configuration and say what a run would do",
    "plan-cost": "estimate the jobs and hours of a run",
    "check": "compare every artifact on disk with what the present configuration and code make",
    "explain": "say what made an artifact, from what, when, on what, and how to make it again",
    "fetch-data": "download the files of a data set, resume and verify them",
    "prepare-data": "read a data set, binarise it and cut it into splits",
    "train": "train a variational autoencoder",
    "take-checkpoint": "take the weights after one epoch out of a training that kept them",
    "simulate-data": "simulate data from a trained model",
    "optimise-local": "optimise q* for each data point (local variational parameters)",
    "evaluate-iwae": "evaluate the ELBO and the IWAE bound of a posterior, per data point",
    "evaluate-ais": "estimate log p(x) by annealed importance sampling, per data point",
    "evaluate-bdmc": "bound log p(x) from both sides, on data simulated from the model",
    "evaluate-exact": "compute the exact answers of a model that has them, per data point",
    "compare-local": "compare the authors' local optimisation with ours, per data point",
    "evaluate-convergence": "compare the estimators of log p(x) at growing cost, per data point",
    "evaluate-units": "measure the activity of each latent unit",
    "evaluate-posteriors": "evaluate posteriors over the plane of two latent dimensions",
    "evaluate-samples": "reconstruct images and sample from the prior",
    "make-selfcheck": "put every estimate of models with known answers beside its exact answer",
    "show-selfcheck": "print the table of the self-check; fail if an estimate missed its answer",
    "make-table": "build a table of bounds and gaps from per-point values",
    "judge-claims": "judge the claims of the paper by rules fixed in advance",
    "plot-schematic": "draw the idea of the gaps from measured numbers, a ladder of bounds per model",
    "plot-gaps": "draw the gaps as stacked bars, published beside replicated",
    "plot-training": "draw training curves",
    "plot-samples": "draw samples and reconstructions",
    "plot-posteriors": "draw posteriors over the plane of two latent dimensions",
    "plot-convergence": "draw what is left to log p(x) against the cost of each estimator",
    "run-notebook": "execute a notebook on the results of a run, as an HTML page",
    "write-report": "build the replication report as a PDF",
    "write-manifest": "describe the whole run in a manifest (Workflow Run RO-Crate)",
}

STAGES = frozenset(COMMANDS) - {
    "check",
    "check-config",
    "explain",
    "fetch-data",
    "plan-cost",
    "show-selfcheck",
    "write-manifest",
}
"""Those that make artifacts."""
