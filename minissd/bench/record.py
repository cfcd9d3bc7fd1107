"""A measured run as JSON: figures are worth nothing without the machine, the versions and the command."""

import importlib.metadata
import os
import platform
from datetime import UTC, datetime

import numpy as np
from threadpoolctl import threadpool_info

from minissd import __version__
from minissd.engine.cpu.processor import cpu_model


def make_record(figures, command, repeat, load, others, card=None):
    """The record of a run.

    figures: name of a benchmark -> its list of `Figure`s; command: what the user typed; load: the load average before;
    others: the share of the cores that others took during it, as `Watch` tells it; card: of `describe_card`, where the
    work was done on one.
    """
    return {
        "command": command,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpu": cpu_model(),
            "cores": available_cores(),
            "threads": blas_threads(),
            "system": platform.platform(terse=True),
            "load_before": load,
            "others_during": others,
            **({"card": card} if card else {}),
        },
        "versions": versions(),
        "repeat": repeat,
        "figures": {name: [figure.as_dict() for figure in of_one] for name, of_one in figures.items()},
    }


def load_average():
    """How many programs wanted a core at a time during the last minute; None where the system does not say."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def blas_threads():
    """How many threads NumPy's BLAS, and so minissd, works with."""
    return max((library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"), default=1)


def available_cores():
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def versions():
    """Of everything that the figures depend on; None for what is not installed."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "minissd": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas['name']} {blas['version']}",
        **{name: installed(name) for name in ("torch", "onnxruntime", "openvino")},
    }


def installed(name):
    """The version of a package as it is installed, None without it; nothing is loaded."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
