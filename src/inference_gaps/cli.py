"""The command line: one subcommand per module of :mod:`inference_gaps.commands`."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from inference_gaps import __version__
from inference_gaps.commands import COMMANDS
from inference_gaps.errors import UserError
from inference_gaps.interruption import Interrupted, interruptible

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
            module = importlib.import_module(f"inference_gaps.commands.{name.replace('-', '_')}")
            subparser.description = module.__doc__
            subparser.formatter_class = argparse.RawDescriptionHelpFormatter
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run)
    return parser


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
            options.run(options)
    except UserError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except Interrupted as interruption:
        print(f"{name}: {interruption}", file=sys.stderr)
        return interruption.status
    return 0


if __name__ == "__main__":
    sys.exit(main())
