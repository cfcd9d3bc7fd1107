"""Every gradient of minissd is right, none is left out, and the checks would notice a wrong one."""

from dataclasses import replace

import numpy as np
import pytest

from minissd import detection, engine
from minissd.engine import ALGORITHMS
from minissd.gradcheck import GradientError, loss_cases
from minissd.gradcheck.cases import CASES, GEOMETRIES, MAP, check
from minissd.metrics import segmentation
from minissd.ops.windows import Windows

BACKWARD_PASSES = sorted(
    {name for package in (engine, detection, segmentation) for name in vars(package) if name.endswith("_backward")}
)


@pytest.fixture
def ran(monkeypatch):
    """Which algorithms of conv2d were called, and for what."""
    calls = set()
    for name, right in ALGORITHMS.items():

        def forward(*args, right=right, **kept):
            calls.add((right.name, "forward"))
            return right.forward(*args, **kept)

        def gradients(*args, right=right):
            calls.add((right.name, "gradients"))
            return right.gradients(*args)

        monkeypatch.setitem(ALGORITHMS, name, replace(right, forward=forward, gradients=gradients))
    return calls


def assert_asked_for(name, ran):
    """A case such as "conv2d, taps, pad 1" ran on that algorithm and no other."""
    kind, algorithm, *_ = [*name.split(", "), ""]
    if kind == "conv2d" and algorithm != "auto":
        assert ran == {(algorithm, "forward"), (algorithm, "gradients")}


@pytest.mark.parametrize("name", CASES)
def test_the_gradients_are_right(name, ran):
    assert check(name) < (1e-3 if name.startswith("model") else 1e-5)
    assert_asked_for(name, ran)


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith("model")])
def test_the_gradients_are_right_on_the_card_too(name, card, ran):
    assert check(name, device="cuda") < 1e-5
    assert_asked_for(name, ran)


@pytest.mark.parametrize("card", [pytest.param("real card", marks=pytest.mark.card)], indirect=True)
@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("model")])
def test_the_gradients_of_models_are_right_on_a_real_card(name, card):
    assert check(name, device="cuda") < 1e-3


def test_the_gradients_of_a_model_are_right_on_the_stand_in(strict):
    assert check("model lenet5", device="cuda") < 1e-3


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith(("layer", "model", "conv"))])
def test_the_inputs_of_other_seeds_lie_away_from_kinks_too(name, seed):
    """Of all but convolutions, which have none."""
    check(name, seed)


@pytest.mark.parametrize("backward", BACKWARD_PASSES)
def test_every_backward_pass_has_cases_that_fail_when_it_is_wrong(backward, monkeypatch):
    cases = [name for name in CASES if f"{name.split(',')[0]}_backward" == backward]
    assert cases, f"minissd.gradcheck.cases.CASES has no case for {backward}"
    module = loss_cases if hasattr(loss_cases, backward) else engine
    right = getattr(module, backward)

    def wrong(*args, **kwargs):
        gradients = right(*args, **kwargs)
        return tuple(g * 1.01 for g in gradients) if isinstance(gradients, tuple) else gradients * 1.01

    monkeypatch.setattr(module, backward, wrong)
    for name in cases:
        with pytest.raises(GradientError):
            check(name)


def test_every_algorithm_is_checked_in_every_geometry_that_it_is_for():
    assert {name for _, algorithms in GEOMETRIES.values() for name in algorithms.split()} == set(ALGORITHMS)
    for geometry, (options, algorithms) in GEOMETRIES.items():
        options = {"kernel": (3, 3), **options}
        windows = Windows.over(MAP, **options)
        supporting = {name for name, algorithm in ALGORITHMS.items() if algorithm.supports(windows)}
        assert set(algorithms.split()) == supporting, geometry


def test_a_model_whose_gradients_do_not_add_up_is_found(monkeypatch):
    """The map's gradient comes from its head alone, as if the trunk did not go on."""
    from minissd.models.ssd import SSD

    right = SSD.backward

    def wrong(self, dy, caches, need_dx=True):
        first = self.spec.slices[0].stop
        return right(self, tuple(np.where(np.arange(d.shape[1])[:, None] < first, d, 0) for d in dy), caches)

    monkeypatch.setattr(SSD, "backward", wrong)
    with pytest.raises(GradientError):
        check("model ssd-tiny")
