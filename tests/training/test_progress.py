"""Progress is shown where somebody watches: in a terminal, in a notebook; elsewhere there is not a word."""

import io
import subprocess
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console

from minissd.training import TrainConfig, evaluate, progress, train

CONFIG = TrainConfig(epochs=2, batch_size=4, validate_every=1, workers=0)


class TerminalStream(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """terminal(): from now on the standard output is a terminal; returns what it shows."""

    def open_one():
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "120")
        monkeypatch.setattr(sys, "stdout", TerminalStream())
        return sys.stdout

    return open_one


@pytest.fixture
def cell(monkeypatch):
    """The texts that a notebook's cell shows one after another, in the place of each other."""
    texts = []
    output = SimpleNamespace(update=lambda content, raw: texts.append(content["text/plain"]))

    def display(content, raw, display_id):
        texts.append(content["text/plain"])
        return output

    shell = SimpleNamespace(kernel=object())
    fake = SimpleNamespace(get_ipython=lambda: shell, display=SimpleNamespace(display=display))
    monkeypatch.setitem(sys.modules, "IPython", fake)
    monkeypatch.setitem(sys.modules, "IPython.display", fake.display)
    monkeypatch.setattr(progress, "_PAUSE", 0)
    return texts


def test_a_terminal_shows_epochs_validations_and_their_images(terminal, shapes, held_out, new_model):
    screen = terminal()
    train(new_model(), shapes, CONFIG, validation=held_out)
    shown = screen.getvalue()
    for part in ("epoch   1/2  loss ", "epoch   2/2  loss ", "validation mAP", "images/s", "3/3", "4/4"):
        assert part in shown
    assert shown.count("validation mAP") == 2


def test_slow_work_has_a_speed():
    assert [progress.in_digits(speed) for speed in (0.0, 0.567, 5.67, 56.7, 5678)] == ["0", "0.57", "5.7", "57", "5678"]


def test_a_terminal_shows_the_images_of_an_evaluation(terminal, held_out, new_model):
    screen = terminal()
    evaluate(new_model(), held_out)
    assert "evaluate" in screen.getvalue() and "3/3" in screen.getvalue()


def test_a_notebook_shows_a_line(cell, shapes, held_out, new_model, capsys):
    train(new_model(), shapes, CONFIG, validation=held_out)
    assert [text for text in cell if text.startswith("epoch   2/2  loss")]
    assert any(text.startswith("validation  3/3") for text in cell)
    assert cell[-1].startswith("validation mAP")  # the last line stays
    evaluate(new_model(), held_out)
    assert cell[-2].startswith("evaluate  3/3") and cell[-1] == ""
    assert capsys.readouterr().out == ""


def test_a_pipe_gets_nothing(shapes, held_out, new_model, capsys):
    train(new_model(), shapes, CONFIG, validation=held_out)
    evaluate(new_model(), held_out)
    assert capsys.readouterr() == ("", "")


def test_who_wants_none_or_has_his_own(terminal, shapes, held_out, new_model):
    screen, calls = terminal(), []
    train(new_model(), shapes, CONFIG, validation=held_out, report=False)
    train(new_model(), shapes, CONFIG, validation=held_out, report=lambda *call: calls.append(call))
    evaluate(new_model(), held_out, report=False)
    assert screen.getvalue() == "" and len(calls) == 6


def test_a_score_that_is_none_is_shown(shapes):
    """A bar of rich would raise here if anything were formatted that is no number."""
    console = Console(file=TerminalStream(), force_terminal=True, width=120)
    with progress.TrainingProgress(CONFIG, "mAP", 0, progress.Terminal("images", console)) as shown:
        shown({"step": 1, "epoch": 1, "loss": 1.0, "lr": 0.1, "seconds": 0.1}, 2)
        shown.validating(1, 3)
        shown({"step": 1, "epoch": 1, "validation": {"mAP": float("nan")}}, 2)
    assert "validation mAP nan" in console.file.getvalue()


def test_to_import_minissd_does_not_load_what_draws_bars():
    code = "import sys, minissd.training; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
