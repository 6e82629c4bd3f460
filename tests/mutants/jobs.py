"""Bugs in the choice of jobs that may be forked, and of states that may be gone on from."""

from inference_gaps.replication.jobs import state_file
from inference_gaps.replication.warm import server
from tests.mutants.mutant import Check, Mutant
from tests.resuming import test_state_file
from tests.warm import test_warm

__all__ = ["JOBS"]

_THREADS = Check(test_warm.test_a_process_with_a_second_thread_is_not_forked)
_REQUESTS = Check(test_warm.test_a_request_of_another_environment_or_program_is_refused)
_STATES = Check(
    test_state_file.test_states_belong_to_the_code_that_makes_and_keeps_them,
    {"edited": "numerics.checkpoint", "concerned": True},
)

JOBS = [
    Mutant(
        "forks with threads",
        "A server with several threads forks, and a lock that one of them holds is never released in the child.",
        server.unfit,
        "if threads != 1",
        "if threads < 1",
        _THREADS,
    ),
    Mutant(
        "variables that only one side has",
        "Variables that are set on one side only do not make environments differ.",
        server.unlike,
        "here.keys() | there.keys()",
        "here.keys() & there.keys()",
        _REQUESTS,
    ),
    Mutant(
        "any variable may differ",
        "A job runs warm whatever its environment is, such as with another number of threads.",
        server._relevant,
        "if name not in _MAY_DIFFER and not name.startswith(_MAY_DIFFER_PREFIX)",
        "if False",
        _REQUESTS,
    ),
    Mutant(
        "any program is served",
        "A job of another copy of the package runs the code of the server.",
        server.unlike,
        'request["program"] != [sys.prefix, str(_PACKAGE)]',
        "not _PACKAGE",
        _REQUESTS,
    ),
    Mutant(
        "states of other code",
        "The digest in a saved state leaves out the very code that saves states.",
        state_file.code_of_states,
        "SOURCES.text(module)",
        "module",
        _STATES,
    ),
]
