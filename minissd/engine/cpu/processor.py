"""What a measurement depends on: the processor and the BLAS library."""

import platform
from pathlib import Path

from minissd.engine.cpu.blas import blas_name


def this_machine() -> dict[str, str]:
    return {"processor": cpu_model(), "blas": blas_name()}


def cpu_model() -> str:
    """The processor's name, as Linux or else as Python knows it."""
    cpuinfo = Path("/proc/cpuinfo")
    for line in cpuinfo.read_text().splitlines() if cpuinfo.exists() else ():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()
