"""A rate sweep: which learning rate suits, found before the training (Smith 2017, "Cyclical Learning Rates", 3.3).

The rate grows by the same factor after each of a hundred steps.  While it is too low, the loss hardly moves; then it
falls, the faster the higher the rate; and from some rate on it rises again.  In between lies a valley, so flat that
chance decides where its lowest point is: what is suggested is its middle, on the axis of the rate's logarithm.
"""

import csv
import io
from collections.abc import Callable
from contextlib import closing, contextmanager
from itertools import count, islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from minissd.data.samples import Dataset
from minissd.errors import MinissdError
from minissd.files import write_atomically
from minissd.models import Network
from minissd.models.freezing import frozen
from minissd.training.config import TrainConfig
from minissd.training.finite import NotFinite
from minissd.training.loop import batches_of, optimizer_for
from minissd.training.loss_scale import loss_scale_for
from minissd.training.parallel import ALONE, Processes
from minissd.training.progress import counted
from minissd.training.step import train_step

STEPS = 100
BELOW, ABOVE = 1e-3, 1e2  # the first and the last rate, in times of the one that is set
WINDOW = 11  # steps over which the loss is averaged
DIVERGED = 2.0  # times the loss of the start: there the sweep ends
VALLEY = 0.05  # of the fall from the first mean to the lowest: so high above the lowest the valley ends


class RateSweep(NamedTuple):
    """K steps, up to the last rate or to where the loss diverges."""

    rates: np.ndarray  # (K,)
    losses: np.ndarray  # (K,)
    smooth: np.ndarray  # (K,) the mean of the losses around each
    valley: tuple[float, float]  # between these rates it is lowest
    suggestion: float

    def write(self, path: str | Path) -> None:
        """Write the steps as a table, whole or not at all."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("step", "rate", "loss", "smooth"))
        writer.writerows(zip(count(1), *(array.tolist() for array in self[:3]), strict=False))
        write_atomically(path, lambda file: file.write(text.getvalue().encode()))


def sweep_rates(
    model: Network,
    data: Dataset,
    config: TrainConfig,
    *,
    steps: int = STEPS,
    augmentation: Any = None,
    report: Callable[[int, int], None] | Literal[False] | None = None,
    processes: Processes = ALONE,
) -> RateSweep:
    """Train for some steps at rates around `config.lr`, and suggest one; the model is afterwards as it was.

    All else is as `train` has it with this config: batches, optimiser, clipping, frozen layers.  report(done, total):
    called after each step, as for `evaluate`.  MinissdError if the loss is lowest at the very start: then nothing was
    learned at any rate.
    """
    rates, losses = config.lr * np.geomspace(BELOW, ABOVE, steps), []
    loss_scale = loss_scale_for(config.precision)
    with _put_back(model), frozen(model, config.freeze) as trained, counted(report, "sweep", "steps") as report:
        optimizer = optimizer_for(model, trained, config)
        with closing(_without_end(batches_of(model, data, config, augmentation, processes))) as batches:
            for step, batch in enumerate(islice(batches, steps)):
                optimizer.lr = float(rates[step])
                try:
                    terms = train_step(model, optimizer, batch, config, step, processes, loss_scale=loss_scale)
                except NotFinite:
                    break
                losses.append(terms["loss"])
                if report:
                    report(step + 1, steps)
                if np.mean(losses[-WINDOW:]) > DIVERGED * np.mean(losses[:WINDOW]):
                    break
    return _judged(rates[: len(losses)], np.array(losses), data)


def _judged(rates, losses, data):
    """The `RateSweep` of these steps."""
    if len(losses) < WINDOW:
        raise MinissdError(
            f"{data.name}: the loss diverges after {len(losses)} steps, at the lowest rates: set a lower --lr"
        )
    half = WINDOW // 2
    smooth = np.array([losses[max(0, i - half) : i + half + 1].mean() for i in range(len(losses))])
    place = int(smooth.argmin())
    if place < half:
        raise MinissdError(
            f"{data.name}: the loss did not fall at any rate from {rates[0]:.2g} to {rates[-1]:.2g}: look at the data "
            "(minissd doctor), or set another --lr to sweep around"
        )
    outside = np.flatnonzero(smooth > smooth[place] + VALLEY * (smooth[0] - smooth[place]))
    first = max(outside[outside < place], default=-1) + 1
    last = min(outside[outside > place], default=len(rates)) - 1
    valley = float(rates[first]), float(rates[last])
    return RateSweep(rates, losses, smooth, valley, float(f"{np.sqrt(np.prod(valley)):.1e}"))


def _without_end(loader):
    """The batches of one epoch after the other."""
    for epoch in count():
        yield from loader.epoch(epoch)


@contextmanager
def _put_back(model):
    """After the block the parameters and statistics are as before."""
    arrays = model.params | model.buffers
    before = {name: array.copy() for name, array in arrays.items()}
    try:
        yield
    finally:
        for name, array in arrays.items():
            array[...] = before[name]
