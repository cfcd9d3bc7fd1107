"""What holds for every operation: a new one gets all these checks by one row in operation_table.py.

Each is compared with the loops of minissd.naive and with PyTorch, forward and backward; its gradients are
checked numerically; it runs on the strict stand-in for CuPy without ever waiting for the card; it keeps the
dtype, takes any memory layout, leaves its arguments alone, and may be called again before its backward pass.
"""

import sys

import numpy as np
import pytest
from operation_table import OPERATIONS
from strict_cupy import count_syncs

from minissd import ops
from minissd.device import to_numpy
from minissd.engine import fast
from minissd.gradcheck import check_backward

DIFFERENTIABLE = {name: operation for name, operation in OPERATIONS.items() if operation.backward}
every = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
differentiable = pytest.mark.parametrize("operation", DIFFERENTIABLE.values(), ids=DIFFERENTIABLE)


def gradients(operation, dy, cache):
    found = operation.backward(dy, cache)
    return found if isinstance(found, tuple) else (found,)


def cotangent(rng, y, dtype="float64"):
    return np.asarray(rng.standard_normal(y.shape), dtype=dtype)


def run(operation, inputs, dy=None):
    """y and, where there is a backward pass, the gradients, all in one tuple."""
    y, cache = operation.forward(*inputs)
    return (y,) if operation.backward is None else (y, *gradients(operation, dy, cache))


def assert_close(ours, others, rtol=1e-10, atol=1e-10):
    for array, other in zip(ours, others, strict=True):
        assert array.shape == other.shape
        np.testing.assert_allclose(array, other, rtol=rtol, atol=atol)


@every
def test_the_same_as_the_loops(operation, rng):
    inputs = operation.inputs(rng)
    y, _ = operation.forward(*inputs)
    assert_close([y], [np.asarray(operation.naive(*inputs))])


@every
def test_the_same_as_pytorch(operation, rng):
    torch = pytest.importorskip("torch")
    inputs = operation.inputs(rng)
    tensors = [torch.tensor(array, requires_grad=True) for array in inputs]
    y = operation.torch(torch.nn.functional, *tensors)
    dy = cotangent(rng, y)
    y.backward(torch.tensor(dy))
    expected = [y.detach().numpy(), *(tensor.grad.numpy() for tensor in tensors)]
    ours = run(operation, inputs, dy)
    assert_close(ours, expected[: len(ours)], rtol=1e-7, atol=1e-8)


@differentiable
def test_gradients(operation, rng):
    assert check_backward(operation.forward, operation.backward, operation.inputs(rng), rng=rng) < 1e-5


@every
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_runs_on_the_card_and_never_waits(operation, dtype, rng, card):
    inputs = [array.astype(dtype) for array in operation.inputs(rng)]
    dy = cotangent(rng, operation.forward(*inputs)[0], dtype)
    with count_syncs() as syncs:
        results = run(operation, [card.asarray(array) for array in inputs], card.asarray(dy))
    assert syncs == []
    assert all(isinstance(array, card.ndarray) for array in results)
    assert {array.dtype for array in results} == {np.dtype(dtype)}
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    assert_close([to_numpy(array) for array in results], run(operation, inputs, dy), tolerance, tolerance)


def test_every_public_name_runs_on_the_card(rng, strict):
    """By one of the rows: a new operation without one is found here."""
    rows = []
    for operation in OPERATIONS.values():
        inputs = operation.inputs(rng)
        dy = cotangent(rng, operation.forward(*inputs)[0])
        rows.append((operation, [strict.asarray(array) for array in inputs], strict.asarray(dy)))
    called = set()
    sys.setprofile(lambda frame, event, _: called.add(frame.f_code) if event == "call" else None)
    try:
        for row in rows:
            run(*row)
    finally:
        sys.setprofile(None)
    computes = {name: getattr(fast if name in fast.__all__ else ops, name) for name in ops.__all__}
    assert [name for name, function in computes.items() if function.__code__ not in called] == []


@every
def test_float32_in_float32_out(operation, rng):
    inputs = operation.inputs(rng)
    dy = cotangent(rng, operation.forward(*inputs)[0])
    single = run(operation, [array.astype("float32") for array in inputs], dy.astype("float32"))
    assert {array.dtype for array in single} == {np.dtype("float32")}
    assert_close(single, run(operation, inputs, dy), rtol=1e-4, atol=1e-5)


LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "every second entry": lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
    "backwards": lambda array: array[::-1].copy()[::-1],
}


@every
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_memory_layout_does_not_matter(operation, layout, rng):
    inputs = operation.inputs(rng)
    dy = cotangent(rng, operation.forward(*inputs)[0])
    other = run(operation, [layout(array) for array in inputs], layout(dy) if dy.ndim else dy)
    assert_close(other, run(operation, inputs, dy))


@every
def test_writes_to_none_of_its_arguments(operation, rng):
    inputs = operation.inputs(rng)
    dy = cotangent(rng, operation.forward(*inputs)[0])
    for array in (*inputs, dy):
        array.flags.writeable = False  # so that a write raises
    run(operation, inputs, dy)


@differentiable
def test_calls_do_not_disturb_each_other(operation, rng):
    first, second = operation.inputs(rng), operation.inputs(rng)
    y, cache = operation.forward(*first)
    dy = cotangent(rng, y)
    alone = run(operation, first, dy), run(operation, second, dy)
    second_y, second_cache = operation.forward(*second)
    for _ in range(2):  # a backward pass does not use its cache up
        assert_close((second_y, *gradients(operation, dy, second_cache)), alone[1])
        assert_close((y, *gradients(operation, dy, cache)), alone[0])
