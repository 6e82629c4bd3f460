"""The command line: one subcommand per stage of the pipeline, and some commands beside.

Only what a call needs is imported: PyTorch takes seconds, which a help page or a mistyped flag should not.
"""

import argparse
import ast
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inference_gaps import __version__
from inference_gaps.errors import UserError, is_out_of_memory
from inference_gaps.replication.jobs.signals import Interrupted, interruptible
from inference_gaps.replication.stages import COMMANDS, STAGES, Stage
from inference_gaps.replication.terminal import CLOSED, readable_output

__all__ = ["main"]

_MOST_CHARACTERS = 160


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``inference-gaps`` and return its exit status.

    0: done. 1: an error that the user can correct. 2: wrong usage. 128 and the number of the signal that ended it;
    141 where whoever read the output went away.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    requested = next((argument for argument in arguments if argument in STAGES or argument in COMMANDS), None)
    name = " ".join(["inference-gaps", *([requested] if requested else [])])
    options = argparse.Namespace()
    try:
        with interruptible(), readable_output():
            _parser(requested).parse_args(arguments, options)
            _run(arguments, options)
    except UserError as error:
        print(f"{name}: {_worded(error, options)}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return CLOSED
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        print(f"{name}: {_memory_advice(options.command, error)}", file=sys.stderr)
        return 1
    except Interrupted as interruption:
        print(f"{name}: {interruption}", file=sys.stderr)
        return interruption.status
    return 0


def _module(subcommand: str) -> str:
    return f"inference_gaps.replication.commands.{subcommand.replace('-', '_')}"


def _parser(requested: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="inference-gaps",
        description="Replicate 'Inference Suboptimality in Variational Autoencoders', stage by stage.",
        epilog="'inference-gaps COMMAND --help' says what a command reads, makes and needs.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in ({stage.name: stage.summary for stage in STAGES.values()} | COMMANDS).items():
        subparser = subparsers.add_parser(name, help=summary, description=summary)
        if name == requested:
            subparser.description = _help_page(name)
            subparser.formatter_class = argparse.RawDescriptionHelpFormatter
            if name in STAGES:
                _add_flags(subparser, STAGES[name])
            else:
                importlib.import_module(_module(name)).add_arguments(subparser)
    return parser


def _help_page(subcommand: str) -> str | None:
    """Return the docstring of the module behind a subcommand, which need not be imported for it."""
    source = Path(__file__).parent / "commands" / f"{subcommand.replace('-', '_')}.py"
    return ast.get_docstring(ast.parse(source.read_text(encoding="utf-8")))


def _add_flags(parser: argparse.ArgumentParser, stage: Stage) -> None:
    keys = f": {stage.keys}" if stage.keys else ""
    parser.add_argument(
        "--spec", default="{}", help=f"{stage.spec_name}, as JSON or a file that holds it{keys}"
    )
    for given in stage.instead:
        parser.add_argument(given.flag, help=given.words)
    for given in stage.inputs:
        needed: dict[str, Any] = {
            "required": given.required and given.default is None,
            "default": given.default,
        }
        parser.add_argument(given.flag, type=Path, help=given.words, **needed)
    known = {given.flag for given in stage.inputs}
    for output in {output.flag: output for output in stage.outputs}.values():
        if output.flag not in known:
            kind = str if output.added else Path
            parser.add_argument(output.flag, type=kind, required=True, help=output.words)
    if stage.device:
        parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"], help="default: auto")
        parser.add_argument("--threads", type=int, default=1, help="CPU threads; default: 1")
    help_ = "refuse to run unless the job has this fingerprint (default: any)"
    parser.add_argument("--fingerprint", help=help_)


def _run(arguments: Sequence[str], options: argparse.Namespace) -> None:
    stage = STAGES.get(options.command)
    if stage is None:
        importlib.import_module(_module(options.command)).run(options)
        return
    try:
        _check_outputs(stage, options)
    except OSError as error:
        raise UserError(f"{error.filename} is not a file name ({error.strerror}); write another.") from error
    from inference_gaps.replication.artifacts.run_records import running

    with running(arguments, vars(options)):
        importlib.import_module(_module(stage.name)).run(options)


def _check_outputs(stage: Stage, options: argparse.Namespace) -> None:
    """Make sure that the files of a stage can be made, as far as can be told without making them.

    Raises:
        UserError: an output is a folder, lies where nothing can be written, or is an input or another output.
    """
    given = {flag.flag: getattr(options, flag.role) for flag in stage.inputs}
    taken = {path.absolute(): flag for flag, path in given.items() if path is not None and path.is_file()}
    for output in stage.outputs:
        flag, path = output.flag, output.path(options)
        if path.is_dir():
            raise UserError(f"{flag} is {path}, which is a folder; name a file in it.")
        if path.absolute() in taken:
            raise UserError(
                f"{flag} and {taken[path.absolute()]} are both {path}; an output needs a file of its own."
            )
        taken[path.absolute()] = flag
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if not folder.is_dir():
            raise UserError(f"{flag} is {path}, but {folder} is a file, not a folder; name another folder.")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise UserError(
                f"{flag} is {path}, but the folder {folder} cannot be written; make it writable or name another."
            )


def _worded(error: UserError, options: argparse.Namespace) -> str:
    from inference_gaps.replication.artifacts.fingerprints import NotPlanned
    from inference_gaps.specs.base import InvalidSpec

    if isinstance(error, InvalidSpec):
        from inference_gaps.replication.config.sentences import spec_sentences

        return spec_sentences(error)
    return _refusal(error, options) if isinstance(error, NotPlanned) else str(error)


def _refusal(error: Any, options: argparse.Namespace) -> str:
    """Say which input of a job is not the one that the study makes, and in which field it differs."""
    from inference_gaps.replication.study.freshness import Artifacts
    from inference_gaps.replication.study.plan import study_of

    paths = [str(value) for value in vars(options).values()]
    paths += map(str, STAGES[options.command].made_by(options).values())
    study = study_of(paths)
    reason = Artifacts(study.jobs).refusal(error.provenance, error.planned, paths) if study else None
    return f"{reason}; run 'make' to bring everything up to date." if reason else str(error)


def _memory_advice(subcommand: str, error: BaseException) -> str:
    """Say that the memory does not suffice, what was tried, and which setting to lower."""
    detail = " ".join(str(error).split())
    detail = detail if len(detail) <= _MOST_CHARACTERS else f"{detail[:_MOST_CHARACTERS]}…"
    advice = STAGES[subcommand].lower if subcommand in STAGES else Stage.lower
    return (
        f"the memory does not suffice{f' ({detail})' if detail else ''}; {advice}, or let fewer jobs run at once "
        f"(make CORES=1). No output was changed."
    )


if __name__ == "__main__":
    sys.exit(main())
