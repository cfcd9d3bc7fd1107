"""Tables, progress bars and messages, all in one style."""

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

console = Console(highlight=False)
error_console = Console(stderr=True, highlight=False)


def progress_bar(unit):
    """A bar with count, speed in `unit`/s and time to go; each task has the fields `speed` and `note`."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TextColumn("{task.fields[speed]:.0f} " + unit + "/s"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def simple_table(*columns):
    """A table whose first column is text and whose other columns are numbers."""
    table = Table()
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right")
    return table


def print_table(title, table):
    """A table under its title, on a line of its own because a title inside would wrap at the table's width."""
    console.print(f"\n[bold]{escape(title)}[/]", soft_wrap=True)
    console.print(table)


def print_notes(dataset):
    """What reading the data set dropped, clipped or left out."""
    for note in dataset.notes:
        console.print(f"note: {note}", style="yellow", markup=False, soft_wrap=True)
