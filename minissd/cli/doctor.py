"""`minissd doctor`: what this machine offers, for a report or a riddle."""

import importlib.util
import os
import platform
import sys

import numpy as np

from minissd import __version__
from minissd.backend import gpu_available
from minissd.cli.console import print_table, simple_table


def doctor():
    """Print versions, processor and card."""
    table = simple_table("what", "")
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    cupy = importlib.util.find_spec("cupy") is not None
    rows = {
        "minissd": __version__,
        "Python": sys.version.split()[0],
        "system": platform.platform(),
        "cores": str(os.cpu_count()),
        "NumPy": f"{np.__version__} with {blas['name']} {blas['version']}",
        "BLAS threads": os.environ.get("OPENBLAS_NUM_THREADS") or "all cores",
        "CuPy": "installed" if cupy else "not installed (needed only for --device cuda)",
        "card": "usable" if gpu_available() else "none found",
    }
    for what, value in rows.items():
        table.add_row(what, value)
    print_table("this machine", table)
