"""The console script ``inference-gaps``, and ``python -m inference_gaps``."""

import os
import signal
import sys
from pathlib import Path

__all__ = ["main"]


def main() -> int:
    """Run ``inference-gaps``, with the help of the server of a run where there is one; return its exit status."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Ctrl-C while modules are imported ends the process, without a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from inference_gaps.replication.own_code import code_of_another_folder

    if another := code_of_another_folder(Path()):
        print(f"inference-gaps: {another}", file=sys.stderr)
        return 1
    if os.environ.get("INFERENCE_GAPS_SERVER"):
        from inference_gaps.replication.warm.client import main as run
    else:
        from inference_gaps.replication.cli import main as run
    return run()


if __name__ == "__main__":
    sys.exit(main())
