"""`minissd fetch`: bring a published data set to this machine."""

from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from minissd.cli.console import console
from minissd.data import DOWNLOADS
from minissd.data import fetch as fetch_data


class DownloadProgress:
    """A rich progress bar in the shape that pooch reports to: `total`, update, reset, close."""

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
        self.bar.reset(self.task, total=self.total)

    def close(self):
        """pooch says so after every file; the bar goes on with the next."""


def fetch(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(DOWNLOADS)}.")],
):
    """Download a data set, check it, unpack it; afterwards `--data NAME` finds it."""
    columns = BarColumn(), DownloadColumn(), TransferSpeedColumn(), TextColumn("left"), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        folder = fetch_data(name, progress=DownloadProgress(bar))
    console.print(f"{name}: {folder}", markup=False, soft_wrap=True)
    console.print(f"next: minissd train --data {name}", markup=False)
