"""The command line: one subcommand per module of :mod:`inference_gaps.replication.commands`."""

import argparse
import contextlib
import importlib
import sys
from collections.abc import Sequence

from inference_gaps import __version__
from inference_gaps.errors import UserError, is_out_of_memory
from inference_gaps.replication.artifacts.fingerprints import NotPlanned
from inference_gaps.replication.artifacts.run_records import recorded
from inference_gaps.replication.commands import COMMANDS, STAGES
from inference_gaps.replication.jobs.signals import Interrupted, interruptible
from inference_gaps.replication.memory import memory_advice
from inference_gaps.replication.outputs import check_outputs
from inference_gaps.specs.base import InvalidSpec

__all__ = ["main"]


def _parser(requested: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="inference-gaps",
        description="Replicate 'Inference Suboptimality in Variational Autoencoders', stage by stage.",
        epilog="'inference-gaps COMMAND --help' says what a command reads, makes and needs.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary)
        # Only the module that is asked for is imported: PyTorch takes seconds, a help page should not.
        if name == requested:
            module = importlib.import_module(f"inference_gaps.replication.commands.{name.replace('-', '_')}")
            subparser.description = module.__doc__
            subparser.formatter_class = argparse.RawDescriptionHelpFormatter
            module.add_arguments(subparser)
            if name in STAGES:
                help_ = "refuse to run unless the job has this fingerprint (default: whatever it has)"
                subparser.add_argument("--fingerprint", help=help_)
            subparser.set_defaults(run=module.run)
    return parser


def _refusal(error: NotPlanned, options: argparse.Namespace) -> str:
    """Say which input of a job is not the one that the study makes, and in which field it differs."""
    from inference_gaps.replication.study.freshness import Artifacts
    from inference_gaps.replication.study.plan import study_of

    paths = [str(value) for value in vars(options).values()]
    paths += [f"{options.output_prefix}.csv"] if "output_prefix" in options else []
    study = study_of(paths)
    reason = Artifacts(study.jobs).refusal(error.provenance, error.planned, paths) if study else None
    return f"{reason}; run 'make' to bring everything up to date." if reason else str(error)


def _worded(error: UserError) -> str:
    if isinstance(error, InvalidSpec):
        from inference_gaps.replication.config.sentences import spec_sentences

        return spec_sentences(error)
    return str(error)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``inference-gaps`` and return its exit status.

    0: done. 1: an error that the user can mend. 2: wrong usage. 128 and the number of the signal that ended it.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    requested = next((argument for argument in arguments if argument in COMMANDS), None)
    name = " ".join(["inference-gaps", *([requested] if requested else [])])
    try:
        with interruptible():
            options = _parser(requested).parse_args(arguments)
            check_outputs(options)
            with recorded(arguments, vars(options)) if requested in STAGES else contextlib.nullcontext():
                options.run(options)
    except NotPlanned as error:
        print(f"{name}: {_refusal(error, options)}", file=sys.stderr)
        return 1
    except UserError as error:
        print(f"{name}: {_worded(error)}", file=sys.stderr)
        return 1
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        print(f"{name}: {memory_advice(options.command, error)}", file=sys.stderr)
        return 1
    except Interrupted as interruption:
        print(f"{name}: {interruption}", file=sys.stderr)
        return interruption.status
    return 0


if __name__ == "__main__":
    sys.exit(main())
