"""Starting programs on several processes, as users do: with mpiexec, that of `pip install mpich`."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
MPIEXEC = Path(sys.executable).parent / "mpiexec"
HAS_MPI = MPIEXEC.exists() and importlib.util.find_spec("mpi4py") is not None
needs_mpi = pytest.mark.skipif(not HAS_MPI, reason="needs mpiexec beside Python: pip install mpi4py mpich")
PATIENCE = 180  # seconds after which a run counts as hanging; one takes two or three


def start(count, *words):
    """python WORDS on `count` processes: a Popen with pipes."""
    paths = [str(TESTS.parent), str(TESTS), os.environ.get("PYTHONPATH", "")]
    variables = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths)}
    command = [str(MPIEXEC), "-n", str(count), sys.executable, *map(str, words)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=variables, stdin=subprocess.DEVNULL, **pipes)


def finish(process):
    """(status, out, err) of a process that `start` started.  subprocess.TimeoutExpired if it hangs, and it is ended."""
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, out, err


def run(count, *words):
    return finish(start(count, *words))
