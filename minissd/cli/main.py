"""The `minissd` command: all subcommands under one roof, and the one place where errors become exit codes."""

import logging
import sys
from typing import Annotated

import typer
from rich.markup import escape

from minissd import __version__
from minissd.cli.ablate import ablate
from minissd.cli.bench import bench
from minissd.cli.console import error_console, one_line, print_any_name
from minissd.cli.demo import demo
from minissd.cli.detect import detect
from minissd.cli.doctor import doctor
from minissd.cli.evaluate import evaluate
from minissd.cli.explain import explain
from minissd.cli.fetch import fetch
from minissd.cli.gradcheck import gradcheck
from minissd.cli.lesson import lesson
from minissd.cli.train import train
from minissd.device import ran_out_of_card_memory
from minissd.errors import MinissdError
from minissd.training.parallel import EndTogether, let_others_speak

app = typer.Typer(
    help="The SSD object detector, written by hand in NumPy and CuPy.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for command in (demo, train, evaluate, detect, gradcheck, bench, ablate, fetch, doctor):
    app.command()(command)
app.add_typer(explain, name="explain")
app.add_typer(lesson, name="lesson")


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
    print_any_name()
    with EndTogether():
        _run()


def _run():
    try:
        app()
    except MinissdError as error:
        _fail(str(error))
    except OSError as error:  # what no place nearer knew more about: a folder that may not be looked into, say
        _fail(f"{error.filename or 'the system'}: {error.strerror or error}: check the path and its permissions")
    except (MemoryError, RuntimeError) as error:
        if ran_out_of_card_memory(error):
            _fail("the memory of the card does not suffice: close what else runs on it, or use --device cpu")
        if not isinstance(error, MemoryError):
            raise
        _fail("out of memory: try a smaller --batch-size or --input-size, or --accumulate to train")


def _fail(message):
    let_others_speak()
    error_console.print(f"[bold red]error:[/] {escape(one_line(message))}", soft_wrap=True)
    sys.exit(1)
