"""The progress of a training or an evaluation, where somebody watches: bars in a terminal, a line in a notebook."""

import sys
import time
from contextlib import contextmanager

_PAUSE = 0.3  # seconds between two changes of a notebook's line
NO_LOSSES = ("step", "epoch", "loss", "norm", "loss_scale", "lr", "seconds")  # of a record: what is no part of its loss


def progress_bar(unit, console):
    """A bar of rich with count, speed in `unit`/s and time to go; each task has the fields `speed` and `note`."""
    from rich.progress import (  # here, for `import minissd` need not wait for it
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Speed(ProgressColumn):
        def render(self, task):
            return Text(f"{in_digits(task.fields['speed'])} {unit}/s")

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        Speed(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def in_digits(speed):
    """A speed as text: 57, 5.7, 0.57."""
    return f"{speed:.0f}" if speed >= 10 else f"{speed:.2g}"


class Terminal:
    """Context manager: bars that live, one for each word given to `show`, and lines that stay."""

    def __init__(self, unit, console=None):
        if console is None:
            from rich.console import Console

            console = Console(highlight=False, emoji=False)
        self.console, self.bar, self.tasks = console, progress_bar(unit, console), {}

    def __enter__(self):
        self.bar.__enter__()
        return self

    def __exit__(self, *exc):
        self.bar.__exit__(*exc)

    def show(self, what, done, total, speed, note="", title=None):
        if what not in self.tasks:
            self.tasks[what] = self.bar.add_task("", total=total, completed=done, speed=0, note="")
        self.bar.update(self.tasks[what], description=title or what, completed=done, speed=speed, note=note)

    def hide(self, what):
        if what in self.tasks:
            self.bar.remove_task(self.tasks.pop(what))

    def line(self, text):
        self.console.print(text, markup=False, soft_wrap=True)


class Notebook:
    """The same in the output of a notebook's cell: one line, which the next one replaces; the last of `line` stays."""

    def __init__(self, unit):
        self.unit, self.output, self.told, self.last = unit, None, 0.0, ""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._tell(self.last)

    def show(self, what, done, total, speed, note="", title=None):
        if done == total or time.monotonic() - self.told > _PAUSE:
            self._tell(f"{title or what}  {done}/{total}  {note}  {in_digits(speed)} {self.unit}/s")

    def hide(self, what):
        pass

    def line(self, text):
        self.last = text.strip()
        self._tell(self.last)

    def _tell(self, text):
        from IPython.display import display

        content = {"text/plain": text}
        if self.output is None:
            self.output = display(content, raw=True, display_id=True)
        else:
            self.output.update(content, raw=True)
        self.told = time.monotonic()


def display_here(unit):
    """A `Terminal` or a `Notebook`, whichever the output goes to; None where nobody watches."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if hasattr(shell, "kernel"):
        return Notebook(unit)
    return Terminal(unit) if sys.stdout is not None and sys.stdout.isatty() else None


@contextmanager
def counted(report, what, unit="images"):
    """A report(done, total) for the block: the one given, or for None one that shows progress where somebody watches.

    None where there is nothing to report to, as for False.
    """
    display = display_here(unit) if report is None else None
    if display is None:
        yield report or None
        return
    started = time.perf_counter()
    with display:
        yield lambda done, total: display.show(what, done, total, _speed(done, started))


@contextmanager
def run_shown(report, config, metric, done):
    """The same for a training run: a report(record, total_steps)."""
    display = display_here("images") if report is None else None
    if display is None:
        yield report or (lambda record, total: None)
        return
    with TrainingProgress(config, metric, done, display) as progress:
        yield progress


class TrainingProgress:
    """Context manager; gives `minissd.training.train` its report: a bar, and a line for each epoch that stays.

    done: steps before, in a resumed run; display: a `Terminal` or a `Notebook`.
    """

    def __init__(self, config, metric, done, display):
        self.config, self.metric, self.done, self.display = config, metric, done, display
        self.epoch, self.records, self.epoch_started = None, [], time.perf_counter()
        self.told = time.perf_counter()

    def __enter__(self):
        self.display.__enter__()
        return self

    def __exit__(self, *exc):
        self.display.__exit__(*exc)

    def __call__(self, record, total):
        self.report(record, total)

    def report(self, record, total):
        if "validation" in record:
            self.close_epoch()
            self.display.hide("validation")
            score = record["validation"][self.metric]
            self.display.line(f"            validation {self.metric} {score:.3f}")
            return
        if record["epoch"] != self.epoch:
            self.close_epoch()
            self.epoch = record["epoch"]
            self.epoch_started = time.perf_counter() - record["seconds"]  # it is told of a step when that is over
        self.records.append(record)
        self.display.show(
            "training", record["step"], total, self.speed(), f"loss {self.mean('loss'):.3f}", self.title()
        )
        if record["step"] == total:
            self.close_epoch()
        self.told = time.perf_counter()

    def say(self, text):
        """A line that stays."""
        self.close_epoch()
        self.display.line(text)

    def validating(self, done, total):
        """The images of a validation that are done."""
        self.close_epoch()
        self.display.show("validation", done, total, _speed(done, self.told))

    def close_epoch(self):
        """The line of the epoch that is over."""
        if not self.records:
            return
        last = self.records[-1]
        parts = [name for name in last if name not in NO_LOSSES]
        sums = " + ".join(f"{name} {self.mean(name):.3f}" for name in parts)
        self.display.line(
            f"{self.title()}  loss {self.mean('loss'):.3f}{' = ' if parts else ''}{sums}, "
            f"lr {last['lr']:.4f}, {in_digits(self.speed())} images/s"
        )
        self.records = []

    def title(self):
        in_epochs = not (self.config.steps or self.config.least_steps)
        return f"epoch {self.epoch:3d}/{self.config.epochs}" if in_epochs else f"epoch {self.epoch:3d}"

    def mean(self, name):
        return sum(record[name] for record in self.records) / len(self.records)

    def speed(self):
        """Images a second in this epoch."""
        return _speed(len(self.records) * self.config.batch_size, self.epoch_started)


def _speed(count, started):
    return count / max(time.perf_counter() - started, 1e-9)
