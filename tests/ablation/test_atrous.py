"""fc6 in its four forms: the same map, outputs that follow from each other, and times of all of them."""

import numpy as np
import pytest

from minissd.ablation import atrous
from minissd.bench import timing


@pytest.fixture
def kernel(rng):
    return rng.standard_normal((7, 7, 3, 8), dtype=np.float32)


def test_the_forms_on_the_fine_map_keep_it_and_the_dense_one_halves_it(kernel):
    shapes = {name: side().shape for name, side in atrous.fc6_sides(kernel, 19).items()}
    assert shapes == {
        "fc6 3x3 atrous": (1, 19, 19, 2),
        "fc6 7x7 dense": (1, 10, 10, 8),
        "fc6 13x13 with zeros": (1, 19, 19, 2),
        "fc6 7x7 atrous": (1, 19, 19, 8),
    }


def test_zeros_in_the_holes_give_the_same_output(kernel):
    sides = atrous.fc6_sides(kernel, 9)
    np.testing.assert_allclose(sides["fc6 3x3 atrous"](), sides["fc6 13x13 with zeros"](), rtol=1e-4, atol=1e-4)


def test_the_decimated_kernel_is_the_dense_one_without_most_of_its_taps(kernel):
    """With zeros at all taps but 0, 3 and 6, every fourth output of the 7x7 atrous form is what the 3x3 form says."""
    kept = np.zeros_like(kernel)
    kept[::3, ::3] = kernel[::3, ::3]
    sides = atrous.fc6_sides(kept, 9)
    np.testing.assert_allclose(sides["fc6 7x7 atrous"]()[..., ::4], sides["fc6 3x3 atrous"](), rtol=1e-4, atol=1e-4)


def test_a_wrong_result_is_not_timed(kernel, monkeypatch, refused):
    right = atrous.conv2d

    def wrong(x, w, *, pad, dilation=1):
        y, cache = right(x, w, pad=pad, dilation=dilation)
        return y + dilation, cache

    monkeypatch.setattr(atrous, "conv2d", wrong)
    with refused("holes", "not timed"):
        atrous.fc6_sides(kernel, 19)


class Network:
    """In place of SSD300, which takes seconds."""

    input_size = 32

    def __init__(self, kernel):
        layer = type("Layer", (), {"params": {"w": kernel}})
        self.stages = {"conv6_7": type("Stage", (), {"layers": {"fc6": layer}})}
        self.calls = 0

    def inference(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass

    def infer(self, images):
        self.calls += 1


def test_every_form_and_both_networks_are_timed_in_turns(kernel, monkeypatch):
    monkeypatch.setattr(timing, "PAUSE", 0)
    networks = {name: Network(kernel) for name in atrous.NETWORKS}
    subjects = {name: type("Subject", (), {"model": lambda self, one=one: one})() for name, one in networks.items()}
    monkeypatch.setattr(atrous, "NETWORKS", subjects)
    monkeypatch.setattr(atrous, "ROUNDS", 3)
    told = []
    times = atrous.time_fc6(2, lambda done, total: told.append((done, total)))
    assert len(times) == 6 and all(len(of_one) == 2 and min(of_one) >= 0 for of_one in times.values())
    assert told == [(i, 6) for i in range(1, 7)]
    assert {one.calls for one in networks.values()} == {2 * 6 + 2}  # twice in a round, after two rounds to warm up


def test_a_run_is_the_median_of_its_rounds(kernel, monkeypatch):
    network = Network(kernel)
    subject = type("Subject", (), {"model": lambda self: network})()
    monkeypatch.setattr(atrous, "NETWORKS", dict.fromkeys(atrous.NETWORKS, subject))
    monkeypatch.setattr(atrous, "ROUNDS", 3)
    monkeypatch.setattr(atrous, "interleaved", lambda sides, rounds, report: {"x": [1, 900, 2, 5, 4, 3][:rounds]})
    assert atrous.time_fc6(2, None) == {"x": [2, 4]}
