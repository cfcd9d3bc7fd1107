"""yolo-v1 and yolo-tiny: the published table of layers, which output belongs to which cell, training and detecting."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strict_cupy import count_syncs
from yolo_cases import objects

from minissd.data import Batch
from minissd.device import to_device
from minissd.errors import MinissdError
from minissd.layers import Conv2d, Dropout, Initializer, LeakyReLU, Linear, MaxPool2d
from minissd.models import build
from minissd.models.yolo_v1 import yolo_v1
from minissd.training import SGD, TrainConfig, load_checkpoint, save_checkpoint, train_step

CLASSES = ("a", "b", "c")
VOC = tuple(f"class {i}" for i in range(20))
# Redmon et al. 2016, figure 3: the maps, their channels, and the kernels that made them; "p" is a 2x2 pool
PUBLISHED = """
    7x7-64-s2 p
    3x3-192 p
    1x1-128 3x3-256 1x1-256 3x3-512 p
    1x1-256 3x3-512 1x1-256 3x3-512 1x1-256 3x3-512 1x1-256 3x3-512 1x1-512 3x3-1024 p
    1x1-512 3x3-1024 1x1-512 3x3-1024 3x3-1024 3x3-1024-s2
    3x3-1024 3x3-1024
"""
TINY = build("yolo-tiny", classes=CLASSES, input_size=64, dtype="float64")


class WithoutMemory(Initializer):
    """Parameters that have a shape and no memory: the published network as a whole would take a gigabyte."""

    def __init__(self):
        super().__init__(None)

    def he(self, shape, fan_in=None):
        return np.broadcast_to(np.zeros((), self.dtype), shape)

    xavier = he


@pytest.fixture(scope="module")
def published():
    return yolo_v1(VOC, init=WithoutMemory())


@pytest.fixture
def narrow():
    return build("yolo-v1", classes=VOC, width_multiplier=1 / 64, dtype="float64")


# --- yolo-v1 ---


def test_v1_has_the_published_layers(published):
    layers = [layer for layer in published.body.layers.values() if isinstance(layer, (Conv2d, MaxPool2d))]
    table = []
    for layer in layers:
        if isinstance(layer, MaxPool2d):
            assert (layer.kernel, layer.geometry["stride"]) == (2, None)
            table.append("p")
            continue
        height, width, _, channels = layer.params["w"].shape
        stride = layer.geometry["stride"]
        table.append(f"{height}x{width}-{channels}" + (f"-s{stride}" if stride > 1 else ""))
    assert table == PUBLISHED.split()
    assert sum(isinstance(layer, Conv2d) for layer in layers) == 24


def test_v1_ends_with_two_dense_layers_dropout_after_the_first_and_no_activation_after_the_last(published):
    layers = list(published.body.layers.values())
    assert [type(layer).__name__ for layer in layers[-5:]] == ["Flatten", "Linear", "LeakyReLU", "Dropout", "Linear"]
    assert layers[-4].params["w"].shape == (7 * 7 * 1024, 4096)
    assert layers[-1].params["w"].shape == (4096, 7 * 7 * 30)
    assert layers[-2].rate == 0.5
    for before, layer in pairwise(layers):
        if isinstance(before, (Conv2d, Linear)):
            assert isinstance(layer, LeakyReLU) and layer.slope == 0.1
    assert not any(isinstance(layer, Dropout) for layer in layers[:-2])


def test_v1_has_as_many_parameters_as_the_published_table(published):
    expected, channels = 0, 3
    for word in PUBLISHED.replace("p", "").split():
        kernel, outputs = word.split("-")[:2]
        expected += int(kernel[0]) ** 2 * channels * int(outputs) + int(outputs)
        channels = int(outputs)
    expected += (7 * 7 * 1024 + 1) * 4096 + (4096 + 1) * 7 * 7 * 30
    assert sum(array.size for array in published.params.values()) == expected == 271_703_550


def test_v1_ends_with_7x7_cells_of_two_boxes_and_the_maps_halve_six_times(narrow):
    images = np.zeros((1, 448, 448, 3), np.uint8)
    maps = {name: y.shape[1] for name, y in narrow.trace(images) if name in ("conv1", "pool4", "conv24")}
    assert maps == {"conv1": 224, "pool4": 14, "conv24": 7}
    (boxes, classes), _ = narrow.forward(images)
    assert boxes.shape == (1, 7, 7, 2, 5) and classes.shape == (1, 7, 7, 1, 20)


def test_v1_backward_is_the_slope_of_forward(narrow, rng):
    """Along one random direction through all parameters at once, with dropout."""
    images = rng.standard_normal((1, 448, 448, 3))
    direction = {name: rng.standard_normal(p.shape) for name, p in narrow.params.items()}
    start = {name: p.copy() for name, p in narrow.params.items()}

    def output(step):
        for name, p in narrow.params.items():
            p[...] = start[name] + step * direction[name]
        return narrow.forward(images, train=True, rng=np.random.default_rng(0))

    outputs, cache = output(0)
    dy = tuple(rng.standard_normal(part.shape) for part in outputs)
    _, grads = narrow.backward(dy, cache, need_dx=False)
    high, low = (sum((part * d).sum() for part, d in zip(output(step)[0], dy, strict=True)) for step in (1e-7, -1e-7))
    assert (high - low) / 2e-7 == pytest.approx(sum((grads[name] * d).sum() for name, d in direction.items()), rel=1e-4)


# --- yolo-tiny ---


@pytest.mark.parametrize(("size", "side"), [(64, 4), (240, 15), (250, 16)])
@pytest.mark.parametrize("anchors", [False, True])
def test_tiny_has_a_cell_for_each_16_pixels(size, side, anchors):
    model = build("yolo-tiny", classes=CLASSES, input_size=size, anchors=anchors)
    (boxes, classes), _ = model.forward(np.zeros((2, size, size, 3), np.uint8))
    predictors = 5 if anchors else 2
    assert boxes.shape == (2, side, side, predictors, 5)
    assert classes.shape == (2, side, side, predictors if anchors else 1, 3)
    corners, labels = objects(np.random.default_rng(0), 4, np.float32)
    class_targets, box_targets = model.targets(corners, labels)
    assert class_targets.shape == classes.shape[1:-1] and box_targets.shape == (*classes.shape[1:-1], 4)


@given(st.integers(0, 3), st.integers(0, 3))
def test_what_the_last_map_has_in_a_cell_comes_out_in_that_cell(row, column):
    """Rows first, as the labels have it."""
    model = build("yolo-tiny", classes=CLASSES, input_size=64)
    lit = np.zeros((1, 4, 4, 192), np.float32)
    lit[0, row, column] = 1
    model.body.layers["top"].forward = lambda x, train, rng: (lit, None)
    model.params["cells.w"][...] = 1
    (boxes, classes), _ = model.forward(np.zeros((1, 64, 64, 3), np.uint8))
    c_x, c_y = (column + 0.5) / 4, (row + 0.5) / 4
    class_targets, _ = model.targets(np.array([[c_x - 0.1, c_y - 0.1, c_x + 0.1, c_y + 0.1]]), np.array([0]))
    np.testing.assert_array_equal((boxes[0] != 0).all(axis=(-1, -2)), class_targets[..., 0] > 0)
    np.testing.assert_array_equal((classes[0] != 0).any(axis=(-1, -2)), class_targets[..., 0] > 0)


@pytest.mark.parametrize("anchors", [False, True])
def test_the_channels_of_a_cell_are_its_boxes_then_its_classes(anchors):
    model = build("yolo-tiny", classes=CLASSES, input_size=64, anchors=anchors)
    cells = model.body.layers["cells"]
    cells.params["w"][...] = 0
    cells.params["b"][...] = np.arange(cells.params["b"].size)
    (boxes, classes), _ = model.forward(np.zeros((1, 64, 64, 3)))
    predictors = 5 if anchors else 2
    np.testing.assert_array_equal(boxes[0, 2, 3], np.arange(5 * predictors).reshape(predictors, 5))
    np.testing.assert_array_equal(classes[0, 2, 3].ravel(), np.arange(5 * predictors, cells.params["b"].size))


@pytest.mark.parametrize("anchors", [False, True])
def test_detect_gives_back_the_objects_that_the_outputs_describe(anchors):
    model = build("yolo-tiny", classes=CLASSES, input_size=64, anchors=anchors, dtype="float64")
    truth = np.array([[0.1, 0.2, 0.45, 0.5], [0.55, 0.3, 0.8, 0.95]])
    class_targets, box_targets = model.targets(truth, np.array([2, 0]))
    units = model.anchors if anchors else 1
    boxes = np.zeros((1, 4, 4, model.predictors, 5))
    boxes[0, ..., :2], boxes[0, ..., 2:4] = box_targets[..., :2], np.sqrt(box_targets[..., 2:] / units)
    boxes[0, ..., 4] = 0.9 * (class_targets > 0)
    classes = np.eye(4)[class_targets][None, ..., 1:]
    model.infer = lambda images: (boxes, classes)
    (found,) = model.detect(np.zeros((1, 64, 64, 3), np.uint8))
    order = np.argsort(found.labels)
    np.testing.assert_array_equal(found.labels[order], [0, 2])
    np.testing.assert_allclose(found.corners[order], truth[::-1], atol=1e-9)
    np.testing.assert_allclose(found.scores, 0.9)


def batch_for(model, count=3):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (count, 64, 64, 3), np.uint8)
    targets = [model.targets(*objects(rng, 2, np.float32)) for _ in range(count)]
    stacked = tuple(np.stack(parts) for parts in zip(*targets, strict=True))
    return Batch([f"image {i}" for i in range(count)], images, stacked)


@pytest.mark.parametrize("anchors", [False, True])
def test_training_steps_lower_the_loss_whose_five_terms_add_up(anchors):
    model = build("yolo-tiny", classes=CLASSES, input_size=64, anchors=anchors)
    batch, optimizer = batch_for(model), SGD(model.params, 5e-4)
    records = [train_step(model, optimizer, batch, TrainConfig(), step) for step in range(12)]
    assert records[-1]["loss"] < records[0]["loss"] / 2
    terms = {name: value for name, value in records[0].items() if name not in ("loss", "norm")}
    assert list(terms) == ["center", "size", "object", "empty", "class"]
    assert sum(terms.values()) == pytest.approx(records[0]["loss"], rel=1e-5)


def test_a_batch_in_parts_has_the_same_loss():
    """At inference, for batch norm would see other batches."""
    batch = batch_for(TINY)
    whole = TINY.loss(TINY.forward(batch.images)[0], batch.targets, 3)[0]["loss"]
    parts = [
        TINY.loss(TINY.forward(batch.images[n : n + 1])[0], tuple(t[n : n + 1] for t in batch.targets), 3)[0]["loss"]
        for n in range(3)
    ]
    assert sum(parts) == pytest.approx(whole)


@pytest.mark.parametrize("anchors", [False, True])
def test_a_step_on_the_card_is_that_on_the_cpu_and_waits_once(strict, anchors):
    cpu, card = (
        build("yolo-tiny", classes=CLASSES, input_size=64, anchors=anchors, dtype="float64", device=device)
        for device in ("cpu", "cuda")
    )
    batch = batch_for(cpu)
    expected = train_step(cpu, SGD(cpu.params, 1e-4), batch, TrainConfig(), 0)
    optimizer = SGD(card.params, 1e-4)
    with count_syncs() as syncs:
        got = train_step(card, optimizer, batch, TrainConfig(), 0)
    assert syncs == ["get"]
    assert got == pytest.approx(expected, rel=1e-9)
    for name, array in card.params.items():
        np.testing.assert_allclose(strict.asnumpy(array), cpu.params[name], rtol=1e-7, atol=1e-9)
    found = card.detect(to_device(batch.images, "cuda"))
    for ours, theirs in zip(found, cpu.detect(batch.images), strict=True):
        np.testing.assert_array_equal(ours.labels, theirs.labels)


def test_a_checkpoint_remembers_the_anchors(tmp_path):
    model = build("yolo-tiny", classes=CLASSES, input_size=64, anchors=True)
    save_checkpoint(tmp_path / "model.safetensors", model)
    again = load_checkpoint(tmp_path / "model.safetensors").model
    np.testing.assert_array_equal(again.anchors, model.anchors)
    images = np.zeros((1, 64, 64, 3), np.uint8)
    np.testing.assert_array_equal(again.forward(images)[0][0], model.forward(images)[0][0])


@pytest.mark.parametrize("size", [0, 5000])
def test_tiny_refuses_an_input_size_in_one_line(size):
    with pytest.raises(MinissdError, match=f"input size {size}: yolo-tiny reads"):
        build("yolo-tiny", classes=CLASSES, input_size=size)
