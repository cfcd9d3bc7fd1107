"""Processes that mpiexec started and that have joined end together: one that failed alone would leave the others
waiting for its numbers for ever.  Nothing here imports MPI: a process alone never pays for the question.
"""

import os
import sys
import time
from typing import Any

_PATIENCE, _MOST_PATIENCE = 0.5, 5  # seconds, see `let_others_speak`
_FORWARDING = 0.2  # seconds that mpiexec has to print what a process wrote: told to end, it forgets the rest


class EndTogether:
    """Context manager: what ends this process with a failure ends all.  One that joined no others is left to itself."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        status = error.code if isinstance(error, SystemExit) else error and 1
        if not status or _rank_among_others() is None:
            return
        if not isinstance(error, SystemExit):
            import traceback

            let_others_speak()
            traceback.print_exception(error)
        sys.stdout.flush()
        sys.stderr.flush()
        time.sleep(_FORWARDING)
        loaded_mpi().COMM_WORLD.Abort(status)
        os._exit(status)  # MPICH comes back from there, and Python would tell it all again


def let_others_speak():
    """Wait before this process tells an error: if it is one that many share, a lower rank tells it and ends all."""
    rank = _rank_among_others()
    if rank:
        time.sleep(min(_PATIENCE * rank, _MOST_PATIENCE))


def loaded_mpi() -> Any:
    """mpi4py.MPI if it was imported, else None."""
    return sys.modules.get("mpi4py.MPI")


def _rank_among_others():
    """The rank of this process if it has joined others, else None."""
    world = loaded_mpi() and loaded_mpi().COMM_WORLD
    return world.rank if world and world.size > 1 else None
