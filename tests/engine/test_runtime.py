"""One object holds threads and memory: made for a block, given back after it, used by several threads at once."""

import gc
import os
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from numpy_blas import blas_threads

from minissd import engine
from minissd.data import ShapesDataset
from minissd.engine import Runtime, ops
from minissd.engine.cpu.threads import in_shares, threads_for
from minissd.engine.products import precision, precision_in_force
from minissd.engine.runtime import current, empty, loan
from minissd.models import build


def ours():
    """Threads of pools of the engine."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("minissd-engine")]


@pytest.fixture(scope="module")
def detector():
    model = build("ssd-tiny", classes=("ellipse", "rectangle", "triangle"), input_size=96)
    for name, array in model.params.items():
        if name.endswith("logits.b"):
            array[...] = np.resize([0, 1, 0.5, 0.8], array.shape)  # of an untrained network, so that it finds something
    return model


def test_detect_from_eight_threads_is_detect_from_one(two_threads, detector):
    images = [ShapesDataset(2, size=96, seed=seed)[0].image[None] for seed in range(8)]
    expected = [detector.detect(image) for image in images]
    assert sum(len(one.scores) for found in expected for one in found) > 8
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            for found, right in zip(pool.map(detector.detect, images), expected, strict=True):
                for one, other in zip(found, right, strict=True):
                    np.testing.assert_array_equal(one.labels, other.labels)
                    np.testing.assert_allclose(one.corners, other.corners, rtol=1e-5, atol=1e-6)
                    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-5)


def test_a_runtime_has_as_many_threads_as_it_was_given(two_threads):
    with Runtime(threads=3) as runtime:
        assert current() is runtime
        assert threads_for(10**9, np) == 3
        together = threading.Barrier(3, timeout=10)
        assert in_shares(lambda share: (together.wait(), blas_threads())[1], range(6), np) == [1, 1, 1]
        assert blas_threads() == 2
    with Runtime(threads=1):
        assert blas_threads() == 1  # a product that is left to BLAS
        assert in_shares(len, range(5), np) == [5]
    assert blas_threads() == 2


def test_what_a_runtime_took_is_gone_with_its_block(two_threads):
    before = len(ours())
    with Runtime(threads=3) as runtime:
        in_shares(len, range(3), np)
        assert len(ours()) > before
        held = empty((1 << 20,), np.zeros(1, np.uint8))
        empty((1 << 21,), held)
        with loan() as scratch:
            lent = weakref.ref(scratch((1 << 20,), held).base)
        assert runtime.kept == 1 << 21
        arena = weakref.ref(scratch.arena)
        del scratch
    assert len(ours()) == before and runtime.kept == 0
    held[...] = 1
    place = weakref.ref(held.base)
    del held
    gc.collect()
    assert runtime.kept == 0
    assert [one() for one in (arena, lent, place)] == [None] * 3


def test_a_runtime_of_another_thread_is_left_alone():
    with Runtime() as runtime:
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(current).result() is not runtime

            def here():
                with runtime.in_use():
                    return current()

            assert pool.submit(here).result() is runtime
            with pytest.raises(RuntimeError, match="in_use"):
                pool.submit(runtime.__enter__).result()
        assert current() is runtime
    with runtime:  # once more
        assert current() is runtime
    assert current() is not runtime


def test_choices_hold_in_the_threads_of_a_block_and_in_no_other(two_threads):
    relus = {name: getattr(ops, name) for name in ("relu", "relu_backward")}
    with ThreadPoolExecutor(1) as pool, precision("fp16"), engine.use(relus):
        assert in_shares(lambda _: precision_in_force(), range(2), np) == ["fp16"] * 2
        assert in_shares(lambda _: current().functions["relu"], range(2), np) == [ops.relu] * 2
        assert pool.submit(precision_in_force).result() == "fp32"
        assert "relu" not in pool.submit(current).result().functions


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2"])
def test_threads_are_a_whole_number_of_at_least_1(threads):
    with pytest.raises(ValueError, match="threads must be a whole number of at least 1"):
        Runtime(threads=threads)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_process_goes_on_in_the_runtime_and_closes_it(two_threads):
    count = partial(in_shares, len, range(4), np)
    with Runtime(threads=2):
        assert count() == [2, 2]
        child = os.fork()
        if child == 0:
            right = count() == [2, 2] and blas_threads() == 2
            current().close()
            os._exit(0 if right and count() == [2, 2] else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert count() == [2, 2]
