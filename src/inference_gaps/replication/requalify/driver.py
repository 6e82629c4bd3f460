"""Runs command lines of ``inference-gaps`` one after the other in one process, with a traced copy of the code.

    python -P driver.py JOBS.json RESULT.json

JOBS.json holds lists of arguments. RESULT.json gets what was printed of each that failed, by its index, and the
marks of all that was executed, by module. Any state of the code will do that has ``python -m inference_gaps``.
"""

import contextlib
import io
import json
import runpy
import sys
import traceback
from pathlib import Path


def main(jobs: str, result: str) -> None:
    """Run the jobs; see the module."""
    # It lies beside the copy of the package.
    from executed_pieces import noted  # type: ignore[import-not-found]

    failed = {}
    for index, arguments in enumerate(json.loads(Path(jobs).read_text())):
        sys.argv[:] = ["inference-gaps", *arguments]
        said = io.StringIO()
        status: object = None
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            try:
                runpy.run_module("inference_gaps", run_name="__main__", alter_sys=True)
            except SystemExit as end:
                status = end.code
            except Exception:
                status = traceback.format_exc()
        if status:
            failed[index] = f"{said.getvalue()}{status if isinstance(status, str) else ''}".strip()
        print(index, file=sys.stderr, flush=True)
    found = {"failed": failed, "executed": {module: sorted(marks) for module, marks in noted.items()}}
    Path(result).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
