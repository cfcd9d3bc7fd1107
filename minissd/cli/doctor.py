"""`minissd doctor`: what this machine offers, for a report or a riddle; `minissd doctor DATA`: doctor_data.py."""

import os
import platform
import shutil
import sys
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

import minissd
from minissd.bench.record import available_cores, blas_threads, installed, versions
from minissd.cli import options
from minissd.cli.console import console, print_table, simple_table
from minissd.cli.doctor_data import DEFAULT_MODEL, examine
from minissd.data import cache_folder, video_support
from minissd.device import card_report
from minissd.engine import tuning
from minissd.engine.cpu.blas import blas_name
from minissd.engine.cpu.processor import cpu_model
from minissd.errors import MinissdError
from minissd.files import check_writable

Task = StrEnum("Task", ["detect", "classify", "segment"])
LIBRARIES = ("pillow", "matplotlib", "safetensors", "threadpoolctl", "typer", "rich", "pooch", "requests")
BLAS_SETTINGS = ("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def doctor(
    context: typer.Context,
    data: Annotated[
        str | None, typer.Argument(help="A data set, as --data of `minissd train` takes it; none for the machine.")
    ] = None,
    image_folder: options.ImageFolder = None,
    classes: options.Classes = None,
    model: Annotated[str, typer.Option(help="The SSD whose default boxes are compared with the objects.")] = (
        DEFAULT_MODEL
    ),
    input_size: Annotated[
        int | None, typer.Option(help="Side of the square that it reads, where it can be chosen.", min=64)
    ] = None,
    decode: Annotated[
        bool,
        typer.Option(
            "--decode/--no-decode", help="Decode every image: damaged ones and copies are found, which takes longer."
        ),
    ] = True,
    task: Annotated[
        Task | None, typer.Option(help="What a set with boxes and masks is examined for; what it has unless given.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for doctor.json and pictures; doctor/DATA unless given.", metavar="DIR")
    ] = None,
):
    """Examine a data set before training on it; without one, this machine, for a report of a fault.

    Of a data set: objects and sizes of every class and split, what is wrong with which file, pictures that are there
    several times, and the recall ceiling: the share of the objects that some default box overlaps, with the model's
    own boxes and with boxes fitted to the objects; of class folders, MNIST and masks, the images of each class.  Of the
    machine: versions, processor, GPU, and the folders that are
    written to.
    """
    if data is not None:
        examine(data, image_folder, options.parse_classes(classes), model, input_size, decode, out, task)
        return
    given = [one for one in context.params if getattr(context.get_parameter_source(one), "name", "") == "COMMANDLINE"]
    if given:
        raise typer.BadParameter("is about a data set: say which", param_hint=f"--{given[0].replace('_', '-')}")
    print_machine()


def print_machine():
    """Print versions, processor, GPU, and the folders that are written to."""
    found = versions()
    told = "".join(f", {name}={os.environ[name]}" for name in BLAS_SETTINGS if name in os.environ)
    rows = {
        "minissd": f"{found['minissd']} in {Path(minissd.__file__).parent}",
        "Python": f"{found['python']} ({sys.executable})",
        "system": platform.platform(),
        "processor": cpu_model(),
        "cores": str(available_cores()),
        "memory": memory(),
        "NumPy": f"{found['numpy']} with {blas_name() or found['blas']}, {blas_threads()} threads{told}",
        "tuning": tuning_in_force(),
        "libraries": ", ".join(f"{name} {installed(name)}" for name in LIBRARIES),
        "video": video_support(),
        "Hypothesis": installed("hypothesis") or "not installed (needed only to judge answers of the course)",
        "mpi4py": installed("mpi4py") or "not installed (needed only for several processes)",
        "PyTorch": found["torch"] or "not installed (needed only for comparisons)",
        "terminal": f"{console.encoding}, {console.width} columns; pictures are files, no display is needed",
        "downloads": cache(),
        "temporary": temporary(),
    }
    table = simple_table("what", "")
    for what, value in (rows | card_report()).items():
        table.add_row(what, escape(value))
    print_table("this machine", table)


def tuning_in_force():
    """By which the convolution's algorithms are chosen, and where it was measured."""
    found = tuning.tuning_in_force()
    whose = "that of minissd" if found.origin == tuning.SHIPPED else str(found.origin)
    return f"{found.digest}, {whose}, measured on {', '.join(found.machine.values())}"


def memory():
    """That of the machine, where the system says it."""
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB"
    except (AttributeError, OSError, ValueError):
        return "not known"


def cache():
    """Where downloads go, and whether they can."""
    try:
        folder = cache_folder()
        check_writable(folder)
    except MinissdError as error:
        return str(error)
    return f"{folder}, can be written"


def temporary():
    """Where temporary files go, and how many would fit."""
    try:
        folder = tempfile.gettempdir()
        return f"{folder}, {shutil.disk_usage(folder).free / 2**30:.1f} GiB free"
    except OSError as error:
        return f"{error.strerror}: set TMPDIR to a folder that can be written"
