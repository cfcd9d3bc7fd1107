"""`minissd doctor`: what this machine offers, for a report or a riddle."""

import platform

from rich.markup import escape

from minissd.backend import card_report
from minissd.bench.record import available_cores, blas_threads, cpu_model, versions
from minissd.cli.console import print_table, simple_table


def doctor():
    """Print versions, processor and card."""
    found = versions()
    rows = {
        "minissd": found["minissd"],
        "Python": found["python"],
        "system": platform.platform(),
        "processor": cpu_model(),
        "cores": str(available_cores()),
        "NumPy": f"{found['numpy']} with {found['blas']}, {blas_threads()} threads",
        "PyTorch": found["torch"] or "not installed (needed only for comparisons)",
    }
    table = simple_table("what", "")
    for what, value in (rows | card_report()).items():
        table.add_row(what, escape(value))
    print_table("this machine", table)
