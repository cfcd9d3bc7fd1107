"""`minissd fetch`: bring a published data set to this machine."""

from typing import Annotated

import typer

from minissd.cli.console import console
from minissd.data import DOWNLOADS
from minissd.data import fetch as fetch_data


def fetch(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(DOWNLOADS)}.")],
):
    """Download a data set, check it, unpack it; afterwards `--data NAME` finds it."""
    folder = fetch_data(name)
    console.print(f"{name}: {folder}", markup=False)
    console.print(f"next: minissd train --data {name}", markup=False)
