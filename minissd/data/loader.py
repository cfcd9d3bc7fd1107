"""Batches, prepared ahead of training by background threads.

Every sample draws its randomness from its own generator, seeded with (seed, epoch, index), so a batch is the
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

    @property
    def batches_per_epoch(self) -> int:
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + 1 if rest and (whole == 0 or not self.shuffle) else whole

    def order(self, epoch: int) -> list[np.ndarray]:
        """Indices into the dataset, batch by batch: a list of `batches_per_epoch` arrays."""
        indices = np.arange(len(self.dataset))
        if self.shuffle:
            self._generator(epoch, 0).shuffle(indices)
        starts = range(0, self.batches_per_epoch * self.batch_size, self.batch_size)
        return [indices[start : start + self.batch_size] for start in starts]

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

    def _prepare(self, epoch, indices):
        """What `prepare` makes of some samples, in a list, with each sample's id in front."""
        prepared = []
        for index in indices:
            sample = self.dataset[index]
            prepared.append((sample.id, *self.prepare(sample, self._generator(epoch, 1 + index))))
        return prepared

    def _generator(self, epoch, stream):
        """Stream 0 shuffles the epoch, stream 1 + i serves sample i.

        Shuffling has a number of its own because NumPy seeds (seed, epoch) and (seed, epoch, 0) alike.
        """
        return np.random.default_rng([self.seed, epoch, stream])


def _collect(futures, stand_in):
    """The Batch of what the threads prepare."""
    return _stack(chain.from_iterable(future.result() for future in futures), stand_in)


def _stack(prepared, stand_in):
    """Prepared samples (id, image, *targets) -> Batch."""
    ids, images, *targets = zip(*prepared, strict=True)
    return Batch(ids, np.stack(images), tuple(np.stack(target) for target in targets), stand_in)
