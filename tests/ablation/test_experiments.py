"""The variants of each experiment differ in the one thing that it is about."""

import numpy as np
import pytest

from minissd.ablation import EXPERIMENTS, Budget, Variant, atrous, runs
from minissd.data import PRESETS, ShapesDataset
from minissd.detection import fit_boxes
from minissd.detection.object_sizes import SIZES
from minissd.device import to_numpy
from minissd.layers import Initializer
from minissd.models import build
from minissd.models.ssd import OWN
from minissd.models.ssd_tiny import tiny_detector

ABOUT = {
    "augmentation": "augmentation",
    "box-shapes": "ratios",
    "maps": "levels",
    "sampling": "sampling",
    "fitted-boxes": "boxes",
}
TRAINED = [(name, variant) for name in ABOUT for variant in EXPERIMENTS[name].variants.values()]


def network(variant, dtype="float64"):
    init = Initializer(np.random.default_rng(0), dtype)
    wiring = {name: getattr(variant, name) for name in ("ratios", "levels", "sampling")}
    return tiny_detector(("a", "b"), init=init, input_size=64, **wiring)


@pytest.mark.parametrize(("name", "field"), ABOUT.items())
def test_variants_differ_in_one_thing_and_no_two_are_the_same(name, field):
    variants = list(EXPERIMENTS[name].variants.values())
    assert Variant() in variants and len(set(variants)) == len(variants) > 1
    for variant in variants:
        assert variant._replace(**{field: getattr(Variant(), field)}) == Variant()


def test_claims_compare_what_there_is():
    sides = set(atrous.fc6_sides(np.ones((7, 7, 1, 4), np.float32), 2)) | set(atrous.NETWORKS)
    names = {name: set(experiment.variants) for name, experiment in EXPERIMENTS.items()}
    for name, experiment in EXPERIMENTS.items():
        known = names[name] | {"atrous": sides, "object-size": set(SIZES)}.get(name, set())
        for better, worse in experiment.comparisons:
            assert {better, worse} <= known and better != worse


def test_box_shapes():
    """Aspect ratios of the default boxes, and two squares in every cell whatever the ratios are."""
    variants = EXPERIMENTS["box-shapes"].variants
    expected = {"squares only": {1.0}, "up to 2:1": {0.5, 1.0, 2.0}, "up to 3:1": {0.333, 0.5, 1.0, 2.0, 3.0}}
    for name, variant in variants.items():
        boxes = to_numpy(network(variant).default_boxes)
        assert set((boxes[:, 2] / boxes[:, 3]).round(3).tolist()) == expected[name]
        squares = np.isclose(boxes[:, 2], boxes[:, 3])
        assert squares.sum() == 2 * (8 * 8 + 4 * 4 + 2 * 2 + 1)


def test_maps():
    """The sizes and shapes of the boxes stay; the maps they lie on are as many as the name says."""
    variants, shapes, counts = EXPERIMENTS["maps"].variants, [], {}
    for name, variant in variants.items():
        spec = network(variant).spec
        counts[name] = len({one.size for one in spec.maps})
        shapes.append([(one.scale, one.next_scale, one.ratios) for one in spec.maps])
    assert counts == {"one map": 1, "two maps": 2, "four maps": 4}
    assert shapes[0] == shapes[1] == shapes[2]
    assert [one.size for one in network(variants["two maps"]).spec.maps] == [(8, 8), (4, 4), (4, 4), (4, 4)]


def test_the_whole_variant_is_ssd_tiny():
    ours, theirs = network(Variant()), build("ssd-tiny", classes=("a", "b"), input_size=64, dtype="float64")
    assert ours.params.keys() == theirs.params.keys()
    for name, array in theirs.params.items():
        np.testing.assert_array_equal(ours.params[name], array)
    np.testing.assert_array_equal(ours.default_boxes, theirs.default_boxes)


@pytest.mark.parametrize("variant", EXPERIMENTS["maps"].variants.values())
def test_a_map_that_several_heads_read_gets_all_their_gradients(variant, rng):
    """The slope of the outputs along a random direction in all parameters is what the backward pass says."""
    model = network(variant)
    images = rng.standard_normal((2, 64, 64, 3))
    outputs, cache = model.forward(images, train=True)
    dy = tuple(rng.standard_normal(part.shape) for part in outputs)
    _, grads = model.backward(dy, cache)
    assert grads.keys() == model.params.keys()
    direction = {name: rng.standard_normal(array.shape) * np.abs(array).mean() for name, array in model.params.items()}
    slope = sum((grads[name] * direction[name]).sum() for name in grads)

    def moved(step):
        for name, array in model.params.items():
            array += step * direction[name]
        outputs, _ = model.forward(images, train=True)
        return sum((part * d).sum() for part, d in zip(outputs, dy, strict=True))

    step = 1e-7
    ahead, behind = moved(step), moved(-2 * step)
    assert slope == pytest.approx((ahead - behind) / (2 * step), rel=1e-4)


@pytest.mark.parametrize("variant", EXPERIMENTS["maps"].variants.values())
def test_inference_gives_what_training_sees(variant, rng):
    model = network(variant)
    images = rng.standard_normal((2, 64, 64, 3))
    with model.inference():
        inferred = model.infer(images)
    for ours, theirs in zip(inferred, model.forward(images)[0], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("name", "variant"), TRAINED)
def test_what_is_trained_is_what_the_variant_says(name, variant, monkeypatch):
    seen = {}

    def train(model, data, config, report):
        seen.update(config=config, spec=model.spec)
        report({"loss": 1.0}, 1)

    monkeypatch.setattr(runs, "train", train)
    pictures = ShapesDataset(2, size=64)
    budget = Budget(input_size=64, steps=7)
    result = runs.train_and_score(budget, variant, 5, pictures, pictures)
    assert seen["config"].augmentation == variant.augmentation and seen["config"].augmentation in PRESETS
    assert (seen["config"].seed, seen["config"].steps) == (5, 7)
    if variant.boxes == OWN:
        assert {one.ratios for one in seen["spec"].maps} == {variant.ratios}
    else:
        assert seen["spec"] == fit_boxes(network(Variant()).spec, [pictures.objects(i) for i in range(2)], 5)
    assert len({one.size for one in seen["spec"].maps}) == len(set(variant.levels))
    assert result["sizes"].keys() == SIZES.keys()
