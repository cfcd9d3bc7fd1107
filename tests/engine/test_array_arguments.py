"""Arrays of other kinds and shapes are refused with a sentence: by every operation, for the rule is in one place."""

import numpy as np
import pytest
from operation_table import OPERATIONS

from minissd import engine
from minissd.engine import Runtime


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


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_masked_arrays_and_matrices_are_refused():
    x = np.eye(2)
    for other in (np.ma.masked_array(x, x > 0), np.matrix(x)):
        with pytest.raises(TypeError, match="plain arrays"):
            engine.l2_normalize(other, np.ones(2))


def test_lists_and_numbers_are_no_arrays():
    for x in ([[1.0, 2.0]], 3.0, 3, None, "x"):
        for operation in (engine.relu, engine.sigmoid, engine.softmax, engine.global_avg_pool2d):
            with pytest.raises(TypeError, match="array"):
                operation(x)


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
def test_an_empty_batch_gives_an_empty_batch(name, rng):
    """And gradients of 0 for the parameters; where nothing was computed before, too."""
    operation = OPERATIONS[name]
    inputs = operation.inputs(rng)
    if not inputs[0].ndim > 1 or "entropy" in name or "smooth_l1" in name:
        pytest.skip("its targets are of a batch")
    batched = 2 if name in ("concatenate", "add", "scale_channels") else 1
    emptied = [array[:0] if i < batched else array for i, array in enumerate(inputs)]
    with Runtime():
        y, cache = operation.forward(*emptied)
    assert y.shape[0] == 0 and y.shape[1:] == operation.forward(*inputs)[0].shape[1:]
    if operation.backward and "im2col" not in name:
        gradients = operation.backward(np.ones(y.shape), cache)
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        for gradient, array in zip(gradients, emptied, strict=True):
            assert gradient.shape == array.shape
            assert not gradient.any()
