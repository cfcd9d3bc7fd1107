"""The `minissd` command: all subcommands under one roof, and the one place where errors become exit codes."""

import errno
import logging
import sys
import tempfile
import warnings
from importlib import import_module
from typing import Annotated

import typer
from rich.markup import escape
from typer.core import TyperCommand, TyperGroup

from minissd import __version__
from minissd.cli.console import error_console, print_any_name, print_note
from minissd.errors import MinissdError, MinissdWarning, broken_module, one_line
from minissd.together import EndTogether, let_others_speak

COMMANDS = {  # what `minissd --help` says of each: how its own help begins
    "demo": "Generate images of shapes, train ssd-tiny on them, evaluate it, and draw every step.",
    "train": "Train a detector, a classifier, a U-Net, whatever --model is, and leave a run folder.",
    "evaluate": "Score a checkpoint on a data set: mAP of boxes, accuracy of labels, IoU of masks, with pictures.",
    "detect": "Find objects in images and videos: an annotated copy of each, and detections.json with boxes in pixels.",
    "export": "Write a trained network as an ONNX graph, or as weights that PyTorch's programs load.",
    "gradcheck": "Check every gradient in float64 and print a table.",
    "bench": "Measure speed and memory, after checking that what is measured computes the right thing.",
    "ablate": "Try out what the SSD paper claims, and choices of our recipe: train variants that differ in one thing, "
    "from several seeds each.",
    "fetch": "Download data or weights, check and unpack them; without a name, list what there is.",
    "doctor": "Examine a data set before training on it; without one, this machine, for a report of a fault.",
    "explain": "Look inside: what a network looks at, what its filters and features stand for, how it decides.",
    "lesson": "The course: lessons, exercises, hints; and handouts and grades for teachers.",
}


class Commands(TyperGroup):
    """The commands by name.  The file of one is loaded when it is called: all of them take most of a second."""

    def __init__(self, **settings):
        super().__init__(**settings)
        for name, text in COMMANDS.items():
            self.add_command(TyperCommand(name, help=text))

    def resolve_command(self, context, words):
        name, _, rest = super().resolve_command(context, words)
        return name, name and load(name), rest


class Command(TyperCommand):
    """A command that says where to put a data set, which people write behind it as they do for others."""

    def parse_args(self, context, words):
        try:
            return super().parse_args(context, words)
        except Exception as error:  # a usage error, whose class typer does not hand out
            if "unexpected extra argument" in str(error) and any(one.name == "data" for one in self.params):
                error.message += ": a data set is named with --data, as in --data FOLDER"
            raise


def load(name):
    """The command that minissd/cli/NAME.py defines."""
    try:
        command = getattr(import_module(f"minissd.cli.{name}"), name)
    except KeyboardInterrupt:  # nothing has begun: no word, as before this file was loaded
        sys.exit(130)
    if not isinstance(command, typer.Typer):
        alone = typer.Typer(add_completion=False)
        alone.command(name, cls=Command)(command)
        command = alone
    return typer.main.get_command(command)


_show_other_warning = warnings.showwarning
app = typer.Typer(
    cls=Commands,
    help="The SSD object detector, written by hand in NumPy and CuPy.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool):
    if wanted:
        print(f"minissd {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True)
    ] = False,
):
    pass


def main():
    """Run the command line.

    Exit status: 0 success, 1 a failure stated in one line, 2 wrong usage; typer itself gives 130 after Ctrl-C.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # where it keeps its fonts is no news: doctor tells it
    warnings.showwarning = _show_warning
    print_any_name()
    with EndTogether():
        _run()


def _show_warning(message, category, *place):
    """Ours in a line like other notes, those of others as Python has them."""
    if issubclass(category, MinissdWarning):
        print_note(str(message))
    else:
        _show_other_warning(message, category, *place)


def _run():
    try:
        app()
    except MinissdError as error:
        _fail(str(error))
    except (OSError, MemoryError, RuntimeError) as error:
        _fail(_in_words(error))


def _in_words(error):
    """What to say of an error of the system's.  Raised again if it came from a library that does not load."""
    from minissd.device import ran_out_of_card_memory

    if broken_module(error):
        raise error
    if ran_out_of_card_memory(error):
        return "the memory of the GPU does not suffice: close what else runs on it, or use --device cpu"
    if isinstance(error, MemoryError):
        return "out of memory: try a smaller --batch-size or --input-size, or --accumulate to train"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        places = f"the disk that is written to, or on that of {tempfile.gettempdir()}, where files lie for a while"
        return f"{error.filename or 'a file'}: {error.strerror}: delete or move something on {places}"
    if isinstance(error, OSError):  # what no place nearer knew more about: a folder that may not be looked into, say
        return f"{error.filename or 'the system'}: {error.strerror or error}: check the path and its permissions"
    raise error


def _fail(message):
    let_others_speak()
    error_console.print(f"[bold red]error:[/] {escape(one_line(message))}", soft_wrap=True)
    sys.exit(1)
