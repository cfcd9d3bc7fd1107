"""Tables, progress bars and messages, all in one style."""

import re
import sys

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from minissd.errors import one_line

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # and marks that turn text round


class _Console(Console):
    """Prints names as they are: :car: stays :car:.  What the terminal's encoding lacks, or what would command the
    terminal, is spelled out (\\u732b), before a table is laid out by the length of its texts."""

    def render_str(self, text, **options):
        text = _CONTROL.sub(lambda found: _spelled(found[0]), text)
        return super().render_str(text.encode(self.encoding, "backslashreplace").decode(self.encoding), **options)


console = _Console(highlight=False, emoji=False)
error_console = _Console(stderr=True, highlight=False, emoji=False)


def print_any_name():
    """No name or path is an error from now on, whatever the terminal's encoding lacks, and whoever prints it."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _spelled(character):
    return character.encode("unicode_escape").decode()


def progress_bar(unit):
    """A bar with count, speed in `unit`/s and time to go; each task has the fields `speed` and `note`."""
    from minissd.training.progress import progress_bar as bar_on  # here, for it brings the whole of training along

    return bar_on(unit, console)


def simple_table(*columns):
    """A table whose first column is text and whose other columns are numbers; what is too long goes on below."""
    table = Table()
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right", overflow="fold")
    return table


def print_table(title, table):
    """A table under its title, on a line of its own because a title inside would wrap at the table's width."""
    console.print(f"\n[bold]{escape(title)}[/]", soft_wrap=True)
    console.print(table)


def print_notes(dataset):
    """What reading the data set dropped, clipped or left out."""
    for note in dataset.notes:
        print_note(note)


def note_spelled_out(names):
    """A note if pictures spell class names out, for want of a font."""
    from minissd.viz.style import spelled_out  # matplotlib is slow to import

    names = spelled_out(names)
    if names:
        some = names[0] + f" and {len(names) - 1} more" * (len(names) > 1)
        print_note(f"pictures spell out the letters of {some}: no font for them is found; Noto Sans CJK may have them")


def print_note(text):
    console.print(f"note: {one_line(text)}", style="yellow", markup=False, soft_wrap=True)
