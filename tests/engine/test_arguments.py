"""What does not fit is refused with a sentence: by every operation, layer and loss, for the rule is in one place."""

import numpy as np
import pytest
from operation_table import OPERATIONS
from strict_cupy import count_syncs

from minissd import engine
from minissd.detection import multibox_loss, yolo_loss
from minissd.device import to_numpy
from minissd.engine.cpu import workspace
from minissd.gradcheck import cases as checks
from minissd.layers import Flatten
from minissd.metrics.segmentation import mask_loss

LOSSES = [name for name in checks.CASES if "entropy" in name or "loss" in name or "smooth_l1" in name]


def first(arrays):
    return arrays[0] if isinstance(arrays, tuple) else arrays


def wrong_shapes(dy):
    """Gradients of other shapes: of one image less, of one that broadcasts, of as many numbers in another order."""
    if dy.ndim:
        yield dy[:-1]
        yield np.repeat(dy, 2, axis=0)
        yield dy[:1] if len(dy) > 1 else np.concatenate([dy, dy])
        yield dy.reshape(-1) if dy.ndim > 1 else dy[:, None]
        yield dy[0]
        yield np.ones(())
    if dy.ndim > 2:
        yield np.moveaxis(dy, -1, 1).copy()
    yield np.ones(3)
    yield dy[None]


@pytest.mark.parametrize("name", checks.CASES)
def test_a_gradient_that_is_not_of_the_shape_of_y_is_refused(name, rng):
    """All cases of `minissd gradcheck`: every operation, every algorithm, layers, losses and whole models."""
    forward, backward, inputs = checks.CASES[name](rng)
    y, cache = forward(*inputs)
    shape = np.shape(first(y))
    for dy in wrong_shapes(np.asarray(first(y))):
        if dy.shape == shape:
            continue
        with pytest.raises(ValueError, match="_backward") as raised:
            backward((dy, *y[1:]) if isinstance(y, tuple) else dy, cache)
        message = str(raised.value)
        assert "\n" not in message
        assert message.count("(") >= 2, message  # both shapes
        if not isinstance(y, tuple):
            assert str(shape) in message and (dy.size == 1 or str(dy.shape) in message), message


@pytest.mark.parametrize("name", [name for name in checks.CASES if name not in LOSSES])
def test_a_gradient_of_other_floats_is_taken_in_those_of_y_and_one_of_integers_refused(name, rng):
    forward, backward, inputs = checks.CASES[name](rng)
    y, cache = forward(*inputs)
    if isinstance(y, tuple):
        pytest.skip("of a model that returns several")
    dy = np.round(rng.standard_normal(y.shape) * 8) / 8  # exact in float32
    expected, found = backward(dy, cache), backward(dy.astype(np.float32), cache)
    expected, found = (arrays if isinstance(arrays, tuple) else (arrays,) for arrays in (expected, found))
    for ours, right in zip(found, expected, strict=True):
        assert ours.dtype == np.float64
        np.testing.assert_array_equal(ours, right)
    with pytest.raises(TypeError, match="int64"):
        backward(np.ones(y.shape, np.int64), cache)


def test_flatten_refuses_the_gradient_of_another_batch():
    y, cache = Flatten().forward(np.zeros((2, 3, 4, 5)))
    with pytest.raises(ValueError, match=r"\(1, 60\).*\(2, 60\)"):
        Flatten().backward(y[:1], cache)


def test_a_gradient_of_one_image_for_two_is_refused_by_both_shapes():
    """In place of memory that nobody wrote."""
    y, cache = engine.conv2d(np.ones((2, 5, 5, 3)), np.ones((3, 3, 3, 4)), pad=1)
    with pytest.raises(ValueError, match=r"\(1, 5, 5, 4\).*\(2, 5, 5, 4\)"):
        engine.conv2d_backward(y[:1], cache)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "bool", "float16", ">f4", "complex64"])
@pytest.mark.parametrize("name", [name for name in OPERATIONS if "im2col" not in name])
def test_arrays_that_are_not_float32_or_float64_are_refused(name, dtype, rng):
    operation = OPERATIONS[name]
    inputs = operation.inputs(rng)
    with pytest.raises(TypeError, match="float32 or float64"):
        operation.forward(*(np.abs(array * 4).astype(dtype) for array in inputs))


@pytest.mark.parametrize("name", OPERATIONS)
def test_arrays_of_two_kinds_are_refused(name, rng):
    inputs = OPERATIONS[name].inputs(rng)
    for place in range(1, len(inputs)):
        mixed = [array.astype(np.float32) if i == place else array for i, array in enumerate(inputs)]
        with pytest.raises(TypeError, match="float64.*float32"):
            OPERATIONS[name].forward(*mixed)


def test_im2col_moves_any_numbers_and_col2im_adds_up_what_does_not_wrap():
    x = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4, 1)
    assert engine.im2col(x, 2).tolist()[0] == [0, 1, 4, 5]
    cols = np.full((18, 4), 100)
    assert engine.col2im(cols, x.shape, 2).max() == 400
    with pytest.raises(TypeError, match="uint8"):
        engine.col2im(cols.astype(np.uint8), x.shape, 2)


@pytest.mark.parametrize("number", [2, np.int64(2), np.uint8(2), np.array(2)], ids=repr)
def test_whole_numbers_are_those_of_numpy_too(number, rng):
    x, w = rng.standard_normal((1, 9, 8, 3)), rng.standard_normal((2, 2, 3, 4))
    options = {"stride": number, "pad": (number, 1), "dilation": number}
    plain = {"stride": 2, "pad": (2, 1), "dilation": 2}
    same = np.testing.assert_array_equal
    same(engine.conv2d(x, w, **options)[0], engine.conv2d(x, w, **plain)[0])
    same(engine.depthwise_conv2d(x, w[..., 0], **options)[0], engine.depthwise_conv2d(x, w[..., 0], **plain)[0])
    w_back = w.swapaxes(2, 3)
    wide, plain_wide = (engine.conv_transpose2d(x, w_back, stride=one, pad=1)[0] for one in (number, 2))
    same(wide, plain_wide)
    same(engine.max_pool2d(x, number, stride=number)[0], engine.max_pool2d(x, 2)[0])
    same(engine.avg_pool2d(x, (number, 3), pad=(number // 2, 1))[0], engine.avg_pool2d(x, (2, 3), pad=(1, 1))[0])
    same(engine.upsample2d(x, number)[0], engine.upsample2d(x, 2)[0])
    same(engine.im2col(x, number, number), engine.im2col(x, 2, 2))
    assert engine.output_size(np.int64(9), number, number, number, number) == engine.output_size(9, 2, 2, 2, 2)


NOT_WHOLE = [1.0, 1.5, -1, "1", None, True, np.float64(2), np.True_, (1, 2, 3), (1, 1.5), np.nan]


@pytest.mark.parametrize("number", NOT_WHOLE)
@pytest.mark.parametrize("option", ["stride", "pad", "dilation", "kernel", "factor"])
def test_what_is_no_whole_number_is_refused(option, number):
    x, w = np.ones((1, 6, 6, 3)), np.ones((2, 2, 3, 4))
    calls = {
        "kernel": [lambda: engine.max_pool2d(x, number), lambda: engine.im2col(x, number)],
        "factor": [lambda: engine.upsample2d(x, number)],
        "dilation": [lambda: engine.conv2d(x, w, dilation=number), lambda: engine.effective_kernel(3, number)],
    }
    both = [
        lambda: engine.conv2d(x, w, **{option: number}),
        lambda: engine.depthwise_conv2d(x, w[..., 0], **{option: number}),
        lambda: engine.conv_transpose2d(x, w.swapaxes(2, 3), **{option: number}),
    ]
    for call in calls.get(option, both):
        with pytest.raises(ValueError, match=r"whole number|pad must be"):
            call()


@pytest.mark.parametrize("option", ["stride", "dilation", "kernel", "factor"])
def test_zero_is_a_pad_and_nothing_else(option):
    test_what_is_no_whole_number_is_refused(option, 0)


EMPTY = [(2, 0, 4, 3), (2, 4, 0, 3), (2, 4, 4, 0), (0, 0, 0, 0)]


@pytest.mark.parametrize("shape", [*EMPTY, (4, 4, 3), (4, 3), (), (1, 2, 4, 4, 3)], ids=str)
def test_maps_without_cells_or_channels_or_of_another_rank_are_refused_with_their_shape(shape):
    x, c = np.ones(shape), shape[-1] if shape else 1
    calls = [
        lambda: engine.conv2d(x, np.ones((1, 1, c, 4))),
        lambda: engine.depthwise_conv2d(x, np.ones((1, 1, c))),
        lambda: engine.conv_transpose2d(x, np.ones((1, 1, 4, c))),
        lambda: engine.max_pool2d(x, 1),
        lambda: engine.avg_pool2d(x, 1),
        lambda: engine.global_avg_pool2d(x),
        lambda: engine.im2col(x, 1),
    ]
    if len(shape) != 4:
        calls += [lambda: engine.upsample2d(x, 2), lambda: engine.spatial_dropout(x, 0.5, np.random.default_rng(0))]
    for call in calls:
        with pytest.raises(ValueError, match=r"N, H, W, C") as raised:
            call()
        assert str(shape) in str(raised.value)


@pytest.mark.parametrize("call", [
    lambda: engine.conv2d(np.ones((1, 4, 4, 3)), np.ones((3, 3, 3, 0))),
    lambda: engine.depthwise_conv2d(np.ones((1, 4, 4, 3)), np.ones((0, 3, 3))),
    lambda: engine.conv_transpose2d(np.ones((1, 4, 4, 3)), np.ones((3, 3, 0, 3))),
    lambda: engine.linear(np.ones((2, 0)), np.ones((0, 3))),
    lambda: engine.linear(np.ones((2, 3, 4)), np.ones((4, 3))),
    lambda: engine.softmax(np.ones((3, 0))),
    lambda: engine.log_softmax(np.ones(())),
    lambda: engine.batch_norm(np.ones((3, 0)), *np.ones((4, 0)), train=True),
    lambda: engine.concatenate(np.ones(()), np.ones(())),
    lambda: engine.l2_normalize(np.ones((2, 3)), np.ones(4)),
    lambda: engine.cross_entropy(np.ones(()), np.array(0)),
    lambda: engine.binary_cross_entropy(np.ones(3), np.ones(3), weight=np.ones((2, 3))),
    lambda: engine.binary_cross_entropy(np.ones(3), np.ones(3), weight=np.ones(2)),
    lambda: engine.fold_batch_norm(np.ones((3, 3, 4, 5)), None, *np.ones((4, 1))),
])  # fmt: skip
def test_other_misfits_are_named_with_their_shapes(call):
    with pytest.raises(ValueError, match=r"needs|fit") as raised:
        call()
    assert "(" in str(raised.value)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_empty_batch_gives_an_empty_batch(name, rng, monkeypatch):
    """And gradients of 0 for the parameters; in a process, too, that has computed nothing before."""
    monkeypatch.setattr(workspace.scratch, "_flat", {})
    operation = OPERATIONS[name]
    inputs = operation.inputs(rng)
    if not inputs[0].ndim > 1 or "entropy" in name or "smooth_l1" in name:
        pytest.skip("its targets are of a batch")
    batched = 2 if name in ("concatenate", "add") else 1
    emptied = [array[:0] if i < batched else array for i, array in enumerate(inputs)]
    y, cache = operation.forward(*emptied)
    assert y.shape[0] == 0 and y.shape[1:] == operation.forward(*inputs)[0].shape[1:]
    if operation.backward and "im2col" not in name:
        gradients = operation.backward(np.ones(y.shape), cache)
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        for gradient, array in zip(gradients, emptied, strict=True):
            assert gradient.shape == array.shape
            assert not gradient.any()


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, np.nan, "0.5", None, np.array([0.1, 0.2])], ids=repr)
@pytest.mark.parametrize("drop", [engine.dropout, engine.spatial_dropout])
def test_rates_that_are_no_part_of_all_are_refused(drop, rate):
    for train in (True, False):
        with pytest.raises(ValueError, match=r"in \[0, 1\)"):
            drop(np.ones((1, 2, 2, 1)), rate, np.random.default_rng(0), train)


def test_dropout_without_a_generator_says_what_it_needs():
    with pytest.raises(TypeError, match="numpy.random.Generator"):
        engine.dropout(np.ones(3), 0.5, None)


def test_numbers_of_numpy_do_not_change_the_dtype(rng):
    x = rng.standard_normal((2, 3)).astype(np.float32)
    half, drawn = np.float64(0.5), np.random.default_rng(0)
    rows = [
        (engine.leaky_relu, engine.leaky_relu_backward, (x, half)),
        (engine.dropout, engine.dropout_backward, (x, half, drawn)),
        (engine.l2_normalize, lambda dy, cache: engine.l2_normalize_backward(dy, cache)[0], (x, x[0], half)),
    ]
    for forward, backward, arguments in rows:
        y, cache = forward(*arguments)
        assert y.dtype == backward(np.ones_like(y), cache).dtype == np.float32
    y, _ = engine.batch_norm(x, *(np.ones((4, 3), np.float32)), train=True, momentum=half, eps=half)
    assert y.dtype == np.float32


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_masked_arrays_and_matrices_are_refused():
    x = np.eye(2)
    for other in (np.ma.masked_array(x, x > 0), np.matrix(x)):
        with pytest.raises(TypeError, match="plain arrays"):
            engine.l2_normalize(other, np.ones(2))


@pytest.mark.parametrize("options", [{"momentum": 2}, {"momentum": np.nan}, {"eps": -1}])
def test_statistics_that_mean_nothing_are_refused(options):
    with pytest.raises(ValueError, match="momentum in"):
        engine.batch_norm(np.ones((2, 3)), *np.ones((4, 3)), train=True, **options)


@pytest.mark.parametrize("dloss", [np.ones(1), np.ones((2, 3)), None], ids=repr)
@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_of_a_loss_is_one_number(name, dloss, rng):
    forward, backward, inputs = checks.CASES[name](rng)
    _, cache = forward(*inputs)
    with pytest.raises(ValueError, match=r"_backward: dloss has the shape .* returned one of \(\)"):
        backward(dloss, cache)


def test_an_empty_batch_has_no_loss():
    no = np.zeros((0, 5, 4))
    assert multibox_loss(no, no, no, np.zeros((0, 5), int))[0] == 0
    boxes, classes = np.zeros((0, 2, 2, 2, 5)), np.zeros((0, 2, 2, 1, 3))
    assert yolo_loss(boxes, classes, np.zeros((0, 2, 2, 1), int), np.zeros((0, 2, 2, 1, 4)))[0] == 0
    assert mask_loss(no[..., None], np.zeros((0, 5, 4), np.uint8))[0] == 0
    assert engine.cross_entropy(no, np.zeros((0, 5), int))[0] == 0
    with pytest.raises(ValueError, match=r"needs offsets \(N, P, 4\)"):
        multibox_loss(*[np.zeros((2, 0, 4))] * 3, np.zeros((2, 0), int))


def test_lists_and_numbers_are_no_arrays():
    for x in ([[1.0, 2.0]], 3.0, 3, None, "x"):
        for operation in (engine.relu, engine.sigmoid, engine.softmax, engine.global_avg_pool2d):
            with pytest.raises(TypeError, match="array"):
                operation(x)


def loss_of_labels(name, labels, to_place=lambda array: array):
    """Of 2 x 3 predictions of 4 classes; labels (2, 3)."""
    rng = np.random.default_rng(0)
    logits, boxes = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 4))
    cells = [array.reshape(2, 1, 1, 3, -1) for array in (rng.standard_normal((2, 3, 5)), logits[..., :3], boxes**2)]
    anchors = np.ones((3, 2))
    calls = {
        "cross_entropy": (engine.cross_entropy, [logits, labels]),
        "multibox_loss": (multibox_loss, [boxes, logits, boxes + 0.5, labels]),
        "mask_loss": (mask_loss, [logits[:, :, None, :3], labels[:, :, None]]),
        "yolo_loss": (yolo_loss, [*cells[:2], labels.reshape(2, 1, 1, 3), cells[2], anchors]),
    }
    function, arguments = calls[name]
    size = {"size": 6} if name == "mask_loss" else {}
    return function(*map(to_place, arguments), **size)[0]


WITH_LABELS = ["cross_entropy", "multibox_loss", "mask_loss", "yolo_loss"]


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8"])
@pytest.mark.parametrize("label", [-1, 4, 100])
@pytest.mark.parametrize("name", WITH_LABELS)
def test_labels_that_do_not_exist_are_refused(name, label, dtype):
    """A label of -1 would be taken for the last class, one of C + 1 for no class at all."""
    labels = np.array([[0, 1, 2], [3, 0, label % 256 if dtype == "uint8" else label]]).astype(dtype)
    if name == "mask_loss" and labels[1, 2] == 255:
        pytest.skip("void")
    with pytest.raises(ValueError, match=rf"{name} needs labels from 0 to 3.*, got {labels[1, 2]}$"):
        loss_of_labels(name, labels)
    labels[1, 2] = 3
    assert np.isfinite(loss_of_labels(name, labels))


@pytest.mark.parametrize("name", WITH_LABELS)
def test_labels_that_are_no_integers_are_refused_and_bools_are_0_and_1(name):
    bools = np.array([[True, False, True], [False, False, True]])
    assert loss_of_labels(name, bools) == loss_of_labels(name, bools.astype(np.int64))
    with pytest.raises(TypeError, match="integers, got float64"):
        loss_of_labels(name, np.ones((2, 3)))


@pytest.mark.parametrize("name", WITH_LABELS)
def test_on_a_card_the_loss_of_labels_that_do_not_exist_is_nan_and_nobody_waits(name, card):
    for label, finite in [(3, True), (-1, False), (4, False)]:
        labels = np.array([[0, 1, 2], [3, 0, label]])
        with count_syncs() as syncs:
            loss = loss_of_labels(name, labels, card.asarray)
        assert syncs == []
        assert np.isfinite(to_numpy(loss)) == finite
        if finite:
            np.testing.assert_allclose(to_numpy(loss), loss_of_labels(name, labels), rtol=1e-12)


def test_void_is_a_label_of_masks_alone():
    labels = np.array([[0, 1, 2], [3, 0, 255]], np.uint8)
    assert np.isfinite(loss_of_labels("mask_loss", labels))
    with pytest.raises(ValueError, match="got 255"):
        loss_of_labels("cross_entropy", labels)


def test_targets_are_taken_in_the_dtype_of_the_predictions(rng):
    x = rng.standard_normal((3, 4)).astype(np.float32)
    for target in (np.ones((3, 4)), np.ones((3, 4), int), np.ones((3, 4), np.uint8)):
        for name in ("smooth_l1", "binary_cross_entropy"):
            loss, cache = getattr(engine, name)(x, target)
            expected, _ = getattr(engine, name)(x, target.astype(np.float32))
            assert loss.dtype == getattr(engine, f"{name}_backward")(cache).dtype == np.float32
            assert loss == expected


def test_probabilities_outside_of_0_to_1_are_refused(rng):
    x = rng.standard_normal(3)
    for value in (-0.1, 1.1, np.nan, 255):
        with pytest.raises(ValueError, match="targets from 0 to 1"):
            engine.binary_cross_entropy(x, np.array([0, 1, value]))
