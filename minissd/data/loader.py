"""Batches, prepared ahead of training by background threads.

Every sample draws its randomness from its own generator, seeded with (seed, epoch, draw), so a batch is the
same whichever thread makes it, however many there are, and wherever an epoch is entered again.  Threads
suffice: decoding and resampling, where the time goes, run outside of Python's lock.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import NamedTuple

import numpy as np

from minissd.data.samples import Dataset

_PREPARED_AHEAD = 2  # batches beyond the one in use


class Batch(NamedTuple):
    """N prepared samples; `targets`: what was made of them besides the image, each stacked to (N, ...)."""

    ids: tuple[str, ...]
    images: np.ndarray  # (N, S, S, 3) uint8
    targets: tuple[np.ndarray, ...]
    stand_in: bool = False  # an image of another share, in place of none


class Loader:
    """Deals out a dataset in batches, epoch by epoch.

    prepare: (sample, rng) -> (image, *targets), all of fixed shape.  workers: threads that prepare ahead; 0
    prepares within the loop that asks.  shuffle: a new order every epoch, and an incomplete last batch is
    dropped, for its gradient would weigh the same samples more (a set smaller than one batch is one batch);
    without it, the samples come in their order and all of them do, as evaluation needs it.
    part: (k, n), of every batch only the k-th of n nearly equal shares, where n processes train together.  If there
    are fewer images than shares, the batch's first one stands in: a process has to do every step.
    weights: (N,) how often each image is drawn, relative to the others; an epoch has as many draws as without, and
    each image as many of them as its weight makes, rounded up or down by chance, so that all have their turn.
    """

    def __init__(
        self,
        dataset: Dataset,
        prepare: Callable,
        batch_size: int,
        *,
        seed: int = 0,
        workers: int = 2,
        shuffle: bool = True,
        part: tuple[int, int] = (0, 1),
        weights: np.ndarray | None = None,
    ):
        if batch_size < 1 or workers < 0:
            raise ValueError(f"expected batch_size >= 1 and workers >= 0, got {batch_size} and {workers}")
        self.dataset = dataset
        self.prepare = prepare
        self.batch_size = batch_size
        self.seed = seed
        self.workers = workers
        self.shuffle = shuffle
        self.part = part
        self.weights = weights

    @property
    def batches_per_epoch(self) -> int:
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + 1 if rest and (whole == 0 or not self.shuffle) else whole

    def order(self, epoch: int) -> list[np.ndarray]:
        """The draws of an epoch, batch by batch: a list of `batches_per_epoch` arrays.

        A draw is the index of an image in the dataset; of an image that was drawn k times before in this epoch, by its
        weight, index + k * N, so that each time it is varied in another way.
        """
        rng = self._generator(epoch, 0)
        draws = np.arange(len(self.dataset)) if self.weights is None else drawn_by_weight(self.weights, rng)
        if self.shuffle:
            rng.shuffle(draws)
        starts = range(0, self.batches_per_epoch * self.batch_size, self.batch_size)
        return [draws[start : start + self.batch_size] for start in starts]

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Iterates over the Batches of one epoch, from batch number `start` on.

        A sample that cannot be prepared raises its error (MinissdError for a bad file) when its batch is due.
        However the iteration ends, even early, the threads are gone when it has.
        """
        batches = [self._share(indices) for indices in self.order(epoch)[start:]]
        if self.workers == 0:
            for indices, stand_in in batches:
                yield _stack(self._prepare(epoch, indices), stand_in)
            return
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="minissd-loader")
        try:
            # the batches under way, each a list of one future per thread, and whether it stands in
            pending: deque[tuple[list[Future], bool]] = deque()
            for indices, stand_in in batches:
                parts = np.array_split(indices, min(self.workers, len(indices)))
                pending.append(([pool.submit(self._prepare, epoch, part) for part in parts], stand_in))
                if len(pending) > _PREPARED_AHEAD:
                    yield _collect(*pending.popleft())
            while pending:
                yield _collect(*pending.popleft())
        finally:
            pool.shutdown(cancel_futures=True)

    def _share(self, indices):
        """(indices, whether they stand in) of our part of a batch."""
        part, parts = self.part
        own = np.array_split(indices, parts)[part]
        return (own, False) if len(own) else (indices[:1], True)

    def _prepare(self, epoch, draws):
        """What `prepare` makes of some samples, in a list, with each sample's id in front."""
        prepared = []
        for draw in draws:
            sample = self.dataset[draw % len(self.dataset)]
            prepared.append((sample.id, *self.prepare(sample, self._generator(epoch, 1 + draw))))
        return prepared

    def _generator(self, epoch, stream):
        """Stream 0 shuffles the epoch, stream 1 + i serves draw i.

        Shuffling has a number of its own because NumPy seeds (seed, epoch) and (seed, epoch, 0) alike.
        """
        return np.random.default_rng([self.seed, epoch, stream])


def drawn_by_weight(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """N draws, as `Loader.order` numbers them, of images with weights (N,), by systematic sampling.

    Laid end to end in random order, each image takes a stretch of N times its share of the weight, and is drawn as
    often as one of the points u, u + 1, ..., u + N - 1 lies in it, u drawn from [0, 1).
    """
    count = len(weights)
    order = rng.permutation(count)
    ends = np.cumsum(weights[order]) * (count / weights.sum())
    ends[-1] = count  # but for rounding
    times = np.diff(np.floor(ends + rng.random()), prepend=0).astype(np.int64)  # (N,) of each image in this order
    repeated = np.arange(count) - np.repeat(np.cumsum(times) - times, times)  # 0, 1, ... within each image
    return np.repeat(order, times) + count * repeated


def _collect(futures, stand_in):
    """The Batch of what the threads prepare."""
    return _stack(chain.from_iterable(future.result() for future in futures), stand_in)


def _stack(prepared, stand_in):
    """Prepared samples (id, image, *targets) -> Batch."""
    ids, images, *targets = zip(*prepared, strict=True)
    return Batch(ids, np.stack(images), tuple(np.stack(target) for target in targets), stand_in)
