"""build() and the figures of ssd-tiny: parameters, default boxes, input sizes, seeds, dtypes, refusals."""

import numpy as np
import pytest

from minissd.errors import MinissdError
from minissd.models import MODELS, build, options_of

CLASSES = ("a", "b", "c")
SMALLER = {"yolo-v1": {"width_multiplier": 1 / 32}}  # options for the models that are too large for a test


@pytest.fixture(scope="module")
def model():
    return build("ssd-tiny", classes=CLASSES)


def test_ssd_tiny_has_the_published_number_of_parameters(model):
    assert sum(array.size for array in model.params.values()) == 960_848


def test_strides_take_the_place_of_max_pooling_and_nothing_else(model, rng):
    strides = build("ssd-tiny", classes=CLASSES, sampling="strides")
    assert strides.spec == model.spec
    for name, array in model.params.items():
        np.testing.assert_array_equal(array, strides.params[name])
    image = rng.integers(0, 256, (1, 240, 240, 3), np.uint8)
    outputs = [network.forward(image)[0][0] for network in (model, strides)]
    assert outputs[0].shape == outputs[1].shape and not np.array_equal(*outputs)


def test_ssd_small_is_the_larger_one(model):
    small = build("ssd-small", classes=CLASSES)
    assert sum(array.size for array in small.params.values()) == 3_816_856
    np.testing.assert_array_equal(small.default_boxes, model.default_boxes)


def test_ssd_tiny_has_six_boxes_in_every_cell_of_four_maps(model):
    assert [one.size for one in model.spec.maps] == [(30, 30), (15, 15), (8, 8), (4, 4)]
    assert model.spec.boxes_per_cell == (6, 6, 6, 6)
    assert model.default_boxes.shape == (7230, 4)


def test_ssd_tiny_spreads_its_default_boxes_over_the_scales(model):
    """The first square of a map has the side that the map stands for; the centres lie evenly in the image."""
    for scale, part in zip((0.08, 0.18, 0.37, 0.62), model.spec.slices, strict=True):
        boxes = model.default_boxes[part]
        np.testing.assert_allclose(boxes[0, 2:], scale, rtol=1e-6)
        np.testing.assert_allclose(boxes[:, :2].min(axis=0) + boxes[:, :2].max(axis=0), 1, rtol=1e-6)


@pytest.mark.parametrize(("size", "maps"), [(64, (8, 4, 2, 1)), (160, (20, 10, 5, 3)), (300, (38, 19, 10, 5))])
@pytest.mark.parametrize("classes", [("a",), CLASSES])
def test_other_input_sizes(size, maps, classes):
    model = build("ssd-tiny", classes=classes, input_size=size)
    count = sum(6 * side * side for side in maps)
    assert model.default_boxes.shape == (count, 4)
    (offsets, logits), _ = model.forward(np.zeros((1, size, size, 3), np.uint8))
    assert offsets.shape == (1, count, 4)
    assert logits.shape == (1, count, len(classes) + 1)


def test_the_number_of_parameters_does_not_depend_on_the_input_size(model):
    small = build("ssd-tiny", classes=CLASSES, input_size=64)
    assert {n: a.shape for n, a in small.params.items()} == {n: a.shape for n, a in model.params.items()}


@pytest.mark.parametrize("name", MODELS)
def test_the_seed_decides_the_parameters(name):
    one, same, other = (build(name, classes=CLASSES, seed=seed, **SMALLER.get(name, {})) for seed in (3, 3, 4))
    for key, array in one.params.items():
        np.testing.assert_array_equal(array, same.params[key])
        if array.ndim == 4:
            assert not np.array_equal(array, other.params[key])


@pytest.mark.parametrize("name", [name for name in MODELS if "input_size" in options_of(name)])
def test_a_float64_model_is_the_float32_model_with_more_digits(name, rng):
    single, double = (build(name, classes=CLASSES, dtype=dtype, input_size=64) for dtype in ("float32", "float64"))
    for key, array in (double.params | double.buffers).items():
        assert array.dtype == np.float64
        np.testing.assert_array_equal(array.astype(np.float32), (single.params | single.buffers)[key])
    images = rng.integers(0, 256, (2, 64, 64, 3), np.uint8)
    for ours, theirs in zip(double.forward(images)[0], single.forward(images)[0], strict=True):
        assert (ours.dtype, theirs.dtype) == (np.float64, np.float32)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(ours).max())


def test_the_card_starts_with_the_same_parameters(strict):
    cpu, card = (build("ssd-tiny", classes=CLASSES, input_size=64, device=device) for device in ("cpu", "cuda"))
    assert card.device == "cuda"
    for key, array in (card.params | card.buffers | {"default_boxes": card.default_boxes}).items():
        assert isinstance(array, strict.ndarray)
        expected = (cpu.params | cpu.buffers | {"default_boxes": cpu.default_boxes})[key]
        np.testing.assert_array_equal(strict.asnumpy(array), expected)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ({"name": "ssd-huge"}, ["'ssd-huge'", "ssd-tiny"]),
        ({"classes": ()}, ["ssd-tiny", "at least one class"]),
        ({"classes": "cat"}, ["'cat'", "a list of names"]),
        ({"classes": 3}, ["3", "a list of names"]),
        ({"classes": ("cat", "dog", "cat")}, ["'cat'", "more than once"]),
        ({"device": "gpu"}, ["'gpu'", "cpu, cuda"]),
        ({"depth": 3}, ["ssd-tiny", "depth", "input_size"]),
        ({"input_size": 0}, ["0", "ssd-tiny", "4096"]),
        ({"input_size": 5000}, ["5000", "ssd-tiny", "4096"]),
        ({"name": "ssd-small", "input_size": 0}, ["0", "ssd-small", "4096"]),
        ({"sampling": "wavelets"}, ["'wavelets'", "pooling, strides"]),
    ],
)
def test_refused_in_one_line(arguments, parts):
    with pytest.raises(MinissdError) as raised:
        build(**{"name": "ssd-tiny", "classes": CLASSES} | arguments)
    message = str(raised.value)
    assert "\n" not in message
    assert all(part in message for part in parts), message
