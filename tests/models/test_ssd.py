"""The forward pass of an SSD: which output belongs to which default box, which images it takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.detection import encode, to_centers
from minissd.layers import Layer
from minissd.layers.initializer import Initializer
from minissd.models import build
from minissd.models.heads import Head, NormalizedHead

SIZE, CLASSES = 64, ("a", "b")
MAPS = (8, 4, 2, 1)  # cells a side of each map at this input size
CHANNELS = (96, 128, 128, 128)
BOXES = 6 * sum(side * side for side in MAPS)
LARGER = build("ssd-tiny", classes=CLASSES, input_size=160, dtype="float64")


@pytest.fixture
def model():
    return build("ssd-tiny", classes=CLASSES, input_size=SIZE, dtype="float64")


class Always(Layer):
    """A stage that gives the same map whatever it sees."""

    def __init__(self, output):
        super().__init__()
        self.output = output

    def forward(self, x, train=False, rng=None):
        return self.output, None


# --- outputs and default boxes ---


@given(st.data())
def test_what_a_head_sees_in_a_cell_comes_out_at_the_default_boxes_centred_there(data):
    """Every map is dark but for one cell, and the heads look at single cells: which boxes answer?"""
    model = build("ssd-tiny", classes=CLASSES, input_size=SIZE)
    lit = []
    for name, head, side, channels in zip(model.stages, model.heads, MAPS, CHANNELS, strict=True):
        row, column = data.draw(st.integers(0, side - 1)), data.draw(st.integers(0, side - 1))
        cells = np.zeros((1, side, side, channels), np.float32)
        cells[0, row, column] = 1
        model.stages[name] = Always(cells)
        for conv in (head.offsets, head.logits):
            conv.params["w"][...] = 0
            conv.params["w"][1, 1] = 1  # the middle of the 3x3 kernel
        lit.append((row, column))
    outputs, _ = model.forward(np.zeros((1, SIZE, SIZE, 3), np.uint8))
    for (row, column), side, part in zip(lit, MAPS, model.spec.slices, strict=True):
        columns, rows = np.floor(model.default_boxes[part, :2] * side).astype(int).T
        there = (rows == row) & (columns == column)
        assert there.sum() == 6
        for output in outputs:
            np.testing.assert_array_equal((output[0, part] != 0).all(axis=-1), there)
            assert not output[0, part][~there].any()


def test_the_channels_of_a_head_are_its_boxes_in_order(model):
    """Channel b * 4 + i of the offsets is number i of box b in its cell; likewise the logits."""
    for head in model.heads:
        for conv in (head.offsets, head.logits):
            conv.params["w"][...] = 0
            conv.params["b"][...] = np.arange(conv.params["b"].size)
    (offsets, logits), _ = model.forward(np.zeros((2, SIZE, SIZE, 3)))
    box = np.arange(BOXES) % 6
    np.testing.assert_array_equal(offsets, np.tile(4 * box[:, None] + np.arange(4), (2, 1, 1)))
    np.testing.assert_array_equal(logits, np.tile(3 * box[:, None] + np.arange(3), (2, 1, 1)))
    shapes = model.default_boxes[:, 2:].reshape(-1, 6, 2)  # the same six shapes in every cell of a map
    for i, one in enumerate(model.spec.maps):
        part = model.spec.slices[i]
        cells = shapes[part.start // 6 : part.stop // 6]
        assert len(cells) == one.size[0] * one.size[1]
        np.testing.assert_array_equal(cells, np.broadcast_to(cells[0], cells.shape))


@given(st.integers(8, 151), st.integers(8, 151))
def test_a_change_in_the_image_is_noticed_by_the_default_boxes_near_it(y, x):
    """The first map and its head see 71 pixels, no more; a swap of x and y would look elsewhere."""
    images = np.zeros((2, 160, 160, 3))
    images[1, y, x] = -100
    (_, logits), _ = LARGER.forward(images)
    first_map = LARGER.spec.slices[0]
    change = np.abs(logits[1, first_map] - logits[0, first_map]).max(axis=-1)
    noticed = change > 1e-9 * change.max()  # a fast convolution rounds neighbours of what it sees
    distance = np.abs(LARGER.default_boxes[first_map, :2] * 160 - (x + 0.5, y + 0.5)).max(axis=1)
    assert noticed[distance < 4].all()
    assert not noticed[distance > 71 / 2 + 8].any()  # a cell is 8 pixels wide


# --- images ---


def test_uint8_images_are_normalised_and_others_taken_as_they_are(model, rng):
    images = rng.integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)
    before = images.copy()
    normalised = (images - np.array([123.0, 117.0, 104.0])) / 58  # the means of R, G, B
    for ours, theirs in zip(model.forward(images)[0], model.forward(normalised)[0], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(images, before)


def test_floats_are_brought_to_the_dtype_of_the_model(rng):
    single = build("ssd-tiny", classes=CLASSES, input_size=SIZE)
    images = rng.standard_normal((1, SIZE, SIZE, 3))
    (offsets, logits), _ = single.forward(images)
    assert (offsets.dtype, logits.dtype) == (np.float32, np.float32)
    np.testing.assert_array_equal(single.forward(images.astype(np.float32))[0][0], offsets)


@pytest.mark.parametrize("shape", [(SIZE, SIZE, 3), (1, SIZE, SIZE + 1, 3), (1, 3, SIZE, SIZE)])
def test_images_of_another_shape_are_refused(model, shape):
    with pytest.raises(ValueError, match="ssd-tiny reads images") as raised:
        model.forward(np.zeros(shape, np.uint8))
    assert str(shape) in str(raised.value)


def test_whole_numbers_that_are_no_pixels_are_refused(model):
    with pytest.raises(TypeError, match="int64.*as uint8"):
        model.forward(np.zeros((1, SIZE, SIZE, 3), np.int64))


# --- looking inside, and detecting ---


def test_infer_is_forward_and_a_backward_pass_can_spend_its_caches(model, rng):
    images = rng.standard_normal((1, SIZE, SIZE, 3))
    outputs, caches = model.forward(images)
    for ours, theirs in zip(model.infer(images), outputs, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    _, grads = model.backward(outputs, caches)
    _, same = model.backward(outputs, caches, spend=True)
    assert caches == []
    for name, grad in grads.items():
        np.testing.assert_array_equal(same[name], grad)


def test_parameters_are_read_only_during_inference(model):
    w = model.params["stage0.conv0.w"]
    with pytest.raises(ValueError, match="read-only"), model.inference():
        w += 1
    w += 0  # and no longer after it, even after an error


def test_trace_shows_every_layer_and_ends_with_the_outputs(model, rng):
    images = rng.standard_normal((1, SIZE, SIZE, 3))
    traced = dict(model.trace(images))
    layers = [f"{name}.{layer}" for name, stage in model.stages.items() for layer in stage.layers]
    assert [name for name in traced if "head" not in name] == layers
    offsets = np.concatenate([traced[f"head{i}.offsets"] for i in range(4)], axis=1)
    np.testing.assert_array_equal(offsets, model.forward(images)[0][0])


def test_detect_gives_back_the_objects_that_the_outputs_describe(model, rng):
    """A network that is sure of one object an image: its outputs are written by hand."""
    objects = np.array([[0.1, 0.2, 0.45, 0.5], [0.55, 0.3, 0.8, 0.95]])  # corners, one an image
    labels, boxes = (1, 0), (30, 400)
    offsets, logits = np.zeros((2, BOXES, 4)), np.zeros((2, BOXES, 3))
    logits[..., 0] = 20
    for image, (label, box) in enumerate(zip(labels, boxes, strict=True)):
        offsets[image, box] = encode(to_centers(objects[image]), model.default_boxes[box])
        logits[image, box] = np.eye(3)[label + 1] * 20
    model.infer = lambda images: (offsets, logits)
    found = model.detect(np.zeros((2, SIZE, SIZE, 3), np.uint8))
    assert [detections.labels.tolist() for detections in found] == [[1], [0]]
    for detections, corners in zip(found, objects, strict=True):
        np.testing.assert_allclose(detections.corners, corners[None], atol=1e-9)
        assert detections.scores[0] > 0.99


def test_detect_passes_its_options_on(model, rng):
    images = rng.integers(0, 256, (1, SIZE, SIZE, 3), np.uint8)
    assert len(model.detect(images, score_threshold=0, limit=7)[0].scores) == 7
    assert len(model.detect(images, score_threshold=1)[0].scores) == 0


@pytest.mark.parametrize("head_class", [Head, NormalizedHead])
def test_a_head_gives_the_same_whether_its_convolutions_are_computed_as_one_or_each_for_itself(head_class, rng):
    head = head_class(5, 3, 2, init=Initializer(rng, "float64"))
    for name in ("offsets.b", "logits.b"):
        head.params[name][...] = rng.standard_normal(head.params[name].shape)
    x = rng.standard_normal((2, 7, 6, 5))
    outputs, cache = head.forward(x)
    dy = tuple(rng.standard_normal(part.shape) for part in outputs)
    dx, grads = head.backward(dy, cache)
    assert {name: grad.shape for name, grad in grads.items()} == {name: p.shape for name, p in head.params.items()}
    head.logits.forward = head.logits.forward  # as a tap does
    apart, cache = head.forward(x)
    dx_apart, grads_apart = head.backward(dy, cache)
    for ours, other in zip((*outputs, dx, *grads.values()), (*apart, dx_apart, *grads_apart.values()), strict=True):
        np.testing.assert_allclose(ours, other, atol=1e-12)


def test_what_a_head_puts_side_by_side_is_made_once_for_inference(rng):
    head = Head(5, 3, 2, init=Initializer(rng, "float64"))
    x = rng.standard_normal((2, 7, 6, 5))
    expected = head.infer(x)
    with head.prepared():
        for ours, right in zip(head.infer(x), expected, strict=True):
            np.testing.assert_array_equal(ours, right)
    head.params["offsets.w"] *= 2
    assert not np.array_equal(head.infer(x)[0], expected[0])  # and not what it had put side by side
