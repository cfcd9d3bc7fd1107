"""`minissd gradcheck`: compare every backward pass with difference quotients of its forward pass."""

from typing import Annotated

import typer

from minissd.cli import options
from minissd.cli.console import print_table, simple_table
from minissd.device import resolve_device
from minissd.errors import MinissdError
from minissd.gradcheck import GradientError
from minissd.gradcheck.cases import CASES, check


def gradcheck(
    only: Annotated[str, typer.Option(help="Only the checks whose name contains this.", metavar="TEXT")] = "",
    seed: options.Seed = 0,
    device: options.Device = "cpu",
    engine: options.Engine = "fast",
):
    """Check every gradient in float64 and print a table.

    With --device cuda all passes run on the GPU: the first thing to do on a new one.
    """
    device = resolve_device(device)
    names = [name for name in CASES if only in name]
    if not names:
        raise MinissdError(f"no check has {only!r} in its name; there are {', '.join(CASES)}")
    table = simple_table("backward pass", "error", "")
    faults = []
    for name in names:
        try:
            table.add_row(name, f"{check(name, seed, device):.1e}", "[green]right[/]")
        except GradientError as error:
            table.add_row(name, "", "[red]wrong[/]")
            faults.append(f"{name}: {error}")
    print_table("largest error, as a part of the largest gradient", table)
    if faults:
        raise MinissdError("; ".join(faults))
