"""`minissd fetch`: bring published data and weights to this machine."""

from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from minissd.cli.console import console, print_table
from minissd.data import DOWNLOADS, place_of
from minissd.data import fetch as fetch_download
from minissd.errors import MinissdError


class DownloadProgress:
    """A rich progress bar in the shape that downloads report to: `total`, update, reset, close."""

    def __init__(self, bar):
        self.bar = bar
        self.task = bar.add_task("download", total=None)

    @property
    def total(self):
        return self.bar.tasks[self.task].total

    @total.setter
    def total(self, count):
        self.bar.update(self.task, total=count)

    def update(self, count):
        self.bar.advance(self.task, count)

    def reset(self):
        self.bar.reset(self.task, total=None)

    def close(self):
        """Said after every file; the bar goes on with the next."""


def fetch(
    name: Annotated[str | None, typer.Argument(help=f"One of {', '.join(DOWNLOADS)}; none to list them.")] = None,
):
    """Download data or weights, check and unpack them; without a name, list what there is.

    Afterwards --data NAME finds the data. A download that was stopped goes on where it was.
    """
    if name is None:
        print_catalogue()
        return
    columns = BarColumn(), DownloadColumn(), TransferSpeedColumn(), TextColumn("left"), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        place = fetch_download(name, progress=DownloadProgress(bar))
    download = DOWNLOADS[name]
    console.print(f"{name}: {place}", markup=False, soft_wrap=True)
    console.print(f"licence: {download.licence}", markup=False, soft_wrap=True)
    for file in download.unchecked:
        checked = "that it came whole" if file.size is None else "its size"
        note = f"note: no checksum of {file.name} is published: only {checked} has been checked"
        console.print(note, style="yellow", markup=False, soft_wrap=True)
    if download.command:
        console.print(f"next: {download.command.replace('PLACE', name)}", markup=False, soft_wrap=True)


def print_catalogue():
    """Everything that can be fetched: how large, under which licence, where it goes, whether it is here."""
    try:
        data, weights = place_of("voc2007").parent, place_of("vgg16").parent
        where = f"data go to {data}, weights to {weights}"
    except MinissdError as error:
        data, where = None, f"note: {error}"
    table = Table("name", "what", "licence", "checksum")
    table.add_column("MB", justify="right")
    table.add_column("here")
    for kind in ("data", "weights"):
        for name, download in DOWNLOADS.items():
            if download.kind == kind:
                size = f"{download.size / 1e6:,.0f}" if download.size >= 5e5 else "?"
                here = "[green]yes[/]" if data and place_of(name).exists() else ""
                table.add_row(name, download.about, download.licence, _checksums(download), size, here)
        table.add_section()
    print_table("minissd fetch NAME", table)
    console.print(where, markup=False, soft_wrap=True)


def _checksums(download):
    """How its files are checked."""
    words = {"": "none", "sha256": "SHA-256", "md5": "MD5"}
    methods = {words[(file.checksum or "").partition(":")[0]] for file in download.files}
    return ", ".join(sorted(methods))
