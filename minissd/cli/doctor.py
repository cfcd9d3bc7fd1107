"""`minissd doctor`: what this machine offers, for a report or a riddle."""

import importlib.util
import platform

from minissd.backend import gpu_available
from minissd.bench.record import available_cores, blas_threads, cpu_model, versions
from minissd.cli.console import print_table, simple_table


def doctor():
    """Print versions, processor and card."""
    found = versions()
    cupy = importlib.util.find_spec("cupy") is not None
    rows = {
        "minissd": found["minissd"],
        "Python": found["python"],
        "system": platform.platform(),
        "processor": cpu_model(),
        "cores": str(available_cores()),
        "NumPy": f"{found['numpy']} with {found['blas']}, {blas_threads()} threads",
        "PyTorch": found["torch"] or "not installed (needed only for comparisons)",
        "CuPy": "installed" if cupy else "not installed (needed only for --device cuda)",
        "card": "usable" if gpu_available() else "none found",
    }
    table = simple_table("what", "")
    for what, value in rows.items():
        table.add_row(what, value)
    print_table("this machine", table)
