"""Batches are the same for any number of workers, from any position, and nothing hangs."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.data.loader import Loader
from minissd.data.samples import Sample
from minissd.errors import MinissdError


class Numbers:
    """`count` tiny images, each filled with its own number; `broken` cannot be read."""

    def __init__(self, count, broken=None):
        self.count, self.broken, self.read = count, broken, []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.read.append(int(index))
        if index == self.broken:
            raise MinissdError(f"image {index} cannot be read")
        empty = np.zeros(0)
        return Sample(str(index), np.full((2, 2, 3), index, np.uint8), empty.reshape(0, 4), empty, empty)


def prepare(sample, rng):
    return sample.image, rng.random(3), np.array(int(sample.id))


def batches(loader, epoch=0, start=0):
    return list(loader.epoch(epoch, start))


def assert_same_batches(ours, theirs):
    assert [batch.ids for batch in ours] == [batch.ids for batch in theirs]
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one.images, other.images)
        for target, other_target in zip(one.targets, other.targets, strict=True):
            np.testing.assert_array_equal(target, other_target)


def loader_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("minissd-loader")]


def test_a_batch_is_stacked_and_belongs_together():
    (batch, *_) = batches(Loader(Numbers(10), prepare, 4, seed=0, workers=0))
    assert batch.images.shape == (4, 2, 2, 3) and batch.images.dtype == np.uint8
    randoms, numbers = batch.targets
    assert randoms.shape == (4, 3) and numbers.shape == (4,)
    assert batch.images[:, 0, 0, 0].tolist() == [int(one) for one in batch.ids] == numbers.tolist()


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("shuffle", [True, False])
def test_the_number_of_workers_changes_nothing(workers, shuffle):
    alone = Loader(Numbers(23), prepare, 4, seed=7, workers=0, shuffle=shuffle)
    helped = Loader(Numbers(23), prepare, 4, seed=7, workers=workers, shuffle=shuffle)
    for epoch in (0, 3):
        assert_same_batches(batches(helped, epoch), batches(alone, epoch))


@given(count=st.integers(1, 30), size=st.integers(1, 8), epoch=st.integers(0, 5), data=st.data())
def test_an_epoch_continues_where_it_was_left(count, size, epoch, data):
    """Trap 12: an iterator that starts over, or stops in mid-epoch."""
    loader = Loader(Numbers(count), prepare, size, seed=1, workers=data.draw(st.sampled_from([0, 2])))
    whole = batches(loader, epoch)
    assert len(whole) == loader.batches_per_epoch
    start = data.draw(st.integers(0, len(whole)))
    assert_same_batches(batches(loader, epoch, start), whole[start:])


@given(count=st.integers(1, 40), size=st.integers(1, 12), seed=st.integers(0, 2**40))
def test_shuffling_takes_each_sample_at_most_once_and_drops_less_than_a_batch(count, size, seed):
    loader = Loader(Numbers(count), prepare, size, seed=seed, workers=0)
    ids = [one for batch in batches(loader) for one in batch.ids]
    assert len(set(ids)) == len(ids)
    assert len(ids) == count if count < size else 0 <= count - len(ids) < size
    assert {len(batch.ids) for batch in batches(loader)} == {min(count, size)}


@given(count=st.integers(1, 40), size=st.integers(1, 12))
def test_without_shuffling_all_samples_come_in_their_order(count, size):
    loader = Loader(Numbers(count), prepare, size, workers=0, shuffle=False)
    ids = [one for batch in batches(loader, 2) for one in batch.ids]
    assert ids == [str(number) for number in range(count)]
    assert len(batches(loader)) == loader.batches_per_epoch


def test_every_epoch_sample_and_seed_has_randomness_of_its_own():
    def randoms(seed, epoch):
        (batch,) = batches(Loader(Numbers(8), prepare, 8, seed=seed, workers=0), epoch)
        return [batch.targets[0][batch.ids.index(str(number))].tolist() for number in range(8)], batch.ids

    drawn = {(seed, epoch): randoms(seed, epoch) for seed in (0, 1) for epoch in (0, 1, 2)}
    values = [tuple(one) for numbers, _ in drawn.values() for one in numbers]
    assert len(set(values)) == 48
    assert len({order for _, order in drawn.values()}) == 6
    # Shuffling must not use up the numbers of a sample: NumPy seeds [seed, epoch] and [seed, epoch, 0] alike.
    shuffled = np.random.default_rng([0, 0]).random(3).tolist()
    assert shuffled not in drawn[0, 0][0]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_a_broken_sample_surfaces_when_its_batch_is_due(workers):
    dataset = Numbers(20, broken=9)
    received = []
    with pytest.raises(MinissdError, match="image 9"):
        for batch in Loader(dataset, prepare, 4, workers=workers, shuffle=False).epoch(0):
            received.append(batch.ids)
    assert received == [("0", "1", "2", "3"), ("4", "5", "6", "7")]
    assert loader_threads() == []


def test_workers_run_ahead_but_not_away():
    dataset = Numbers(100)
    epoch = Loader(dataset, prepare, 5, workers=2, shuffle=False).epoch(0)
    next(epoch)
    deadline = time.monotonic() + 60
    while len(dataset.read) < 15 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert sorted(dataset.read) == list(range(15))  # the batch in use and two more
    epoch.close()
    assert len(dataset.read) == 15


def test_leaving_early_ends_the_threads():
    for batch in Loader(Numbers(100), prepare, 5, workers=3).epoch(0):  # noqa: B007
        assert len(loader_threads()) > 0
        break
    del batch
    assert loader_threads() == []
    epoch = Loader(Numbers(100), prepare, 5, workers=3).epoch(0)
    next(epoch)
    del epoch
    assert loader_threads() == []


INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np
from minissd.data.loader import Loader
from minissd.data.shapes import ShapesDataset

def slow(sample, rng):
    time.sleep(0.01)
    return sample.image

epoch = Loader(ShapesDataset(1000, size=16), slow, 8, workers=2).epoch(0)
next(epoch)
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    for batch in epoch:
        pass
except KeyboardInterrupt:
    print("interrupted")
left_open = Loader(ShapesDataset(1000, size=16), slow, 8, workers=2).epoch(0)
next(left_open)
"""


def test_an_interrupt_and_an_iterator_left_open_do_not_hang_the_program():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout == "interrupted\n", done.stderr


def test_wrong_numbers_are_refused():
    for options in ({"batch_size": 0}, {"batch_size": 1, "workers": -1}):
        with pytest.raises(ValueError, match="batch_size"):
            Loader(Numbers(3), prepare, **options)
