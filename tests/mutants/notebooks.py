"""Bugs in what makes a notebook run again, and in what its page keeps."""

from inference_gaps.replication.artifacts import source_tree
from inference_gaps.replication.notebooks import execution
from inference_gaps.replication.study import notebook_jobs
from tests.mutants.mutant import Check, Mutant
from tests.notebooks import test_execution, test_source

__all__ = ["NOTEBOOKS"]

_PLANNED = Check(test_source.test_a_notebook_is_planned_where_all_that_it_reads_is_made)
_IMPORTS = Check(test_source.test_the_code_that_a_notebook_imports_is_told_apart)
_CLEAN = Check(test_execution.test_warnings_go_to_the_log_and_not_into_the_page)
_NAMED = Check(test_execution.test_the_first_cell_that_failed_is_named)

NOTEBOOKS = [
    Mutant(
        "notebook without its data",
        "A notebook that reads weights does not run again when the data that they were trained on change.",
        notebook_jobs.add_notebooks,
        "dict.fromkeys([*wanted, *data])",
        "dict.fromkeys([*wanted])",
        _PLANNED,
    ),
    Mutant(
        "left out without a word",
        "A notebook that reads what no job makes is left out, and nobody is told.",
        notebook_jobs.add_notebooks,
        "left_out[notebook] = missing",
        "pass",
        _PLANNED,
    ),
    Mutant(
        "imports by 'from' do not count",
        "An edit of code that a notebook imports by name does not run it again.",
        source_tree.imported,
        'yield from (f"{node.module}.{alias.name}" for alias in node.names)',
        "pass",
        _IMPORTS,
    ),
    Mutant(
        "folders in the page",
        "What a notebook writes to the standard error, with folders of this machine, stays in its page.",
        execution._clean,
        'if output.get("name") != "stderr"',
        "if True",
        _CLEAN,
    ),
    Mutant(
        "wrong cell named",
        "The sentence about a failed cell counts from zero.",
        execution._failure,
        "start=1",
        "start=0",
        _NAMED,
    ),
]
