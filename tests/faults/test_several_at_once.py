"""Threads, processes and interruptions beside each other: each gets what it would get alone."""

import multiprocessing
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from faults.worker import found_in

from minissd.data import ShapesDataset
from minissd.models import build
from minissd.training import LAST, TrainConfig, load_checkpoint, save_checkpoint, train
from minissd.training.curves import LearningCurves

SIZE = 64


@pytest.fixture(scope="module")
def data():
    return ShapesDataset(8, size=SIZE)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("net") / "net.safetensors"
    save_checkpoint(path, build("ssd-tiny", classes=data.classes, input_size=SIZE))
    return path


def test_eight_threads_find_what_one_finds(data, checkpoint):
    model = load_checkpoint(checkpoint).model
    batches = [np.stack([model.resized(data[i].image) for i in (start, (start + 1) % 8)]) for start in range(8)]
    alone = [model.detect(batch) for batch in batches]
    with ThreadPoolExecutor(8) as threads:
        for _ in range(3):
            for one, other in zip(alone, threads.map(model.detect, batches), strict=True):
                for expected, found in zip(one, other, strict=True):
                    for left, right in zip(expected, found, strict=True):
                        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_find_what_one_finds(data, checkpoint, method):
    """Forked while threads of ours are there, or begun anew."""
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"there is no {method} here")
    images = [data[i].image for i in range(2)]
    alone = found_in(checkpoint, images)
    with multiprocessing.get_context(method).Pool(1 if method == "spawn" else 2) as pool:
        assert pool.starmap_async(found_in, [(checkpoint, images)] * 2).get(timeout=120) == [alone, alone]


def test_ten_interruptions_in_one_process(tmp_path, data, monkeypatch):
    """As in a notebook whose kernel is interrupted again and again, and each time goes on."""
    monkeypatch.setattr(LearningCurves, "draw", lambda self: None)
    config = TrainConfig(epochs=6, batch_size=4, workers=1)

    def fresh():
        return build("ssd-tiny", classes=data.classes, input_size=SIZE)

    def press(record, total):
        if len(stops) < 10:
            signal.raise_signal(signal.SIGINT)

    whole, stops = fresh(), []
    train(whole, data, config, report=False)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        while True:
            resume = load_checkpoint(tmp_path / LAST) if (tmp_path / LAST).exists() else None
            model = resume.model if resume else fresh()
            try:
                train(model, data, config, out=tmp_path, resume=resume, report=press)
                break
            except KeyboardInterrupt as error:
                stops.append(error)
                assert error.__notes__ == [f"saved after step {len(stops)}: {tmp_path / LAST}"]
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(stops) == 10 and len(multiprocessing.active_children()) == 0
    for name, array in whole.params.items():
        np.testing.assert_array_equal(array, model.params[name])
