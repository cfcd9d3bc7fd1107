"""The plain operations and the fast ones are the same, in what they return and in what they refuse."""

import numpy as np
import pytest
from operation_table import OPERATIONS

from minissd import engine
from minissd.backend import to_numpy
from minissd.engine import fast


def results(operation, inputs, dy=None):
    """(y, gradients) of a row; dy: drawn once for both engines."""
    y, cache = operation.forward(*inputs)
    if operation.backward is None:
        return y, []
    gradients = operation.backward(np.ones_like(y) if dy is None else dy, cache)
    return y, [one for one in (gradients if isinstance(gradients, tuple) else (gradients,)) if one is not None]


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_plain_operation_gives_what_the_fast_one_gives(name, rng):
    operation = OPERATIONS[name]
    inputs = operation.inputs(rng)
    shape = np.shape(operation.forward(*inputs)[0])
    dy = rng.standard_normal(shape) if shape else None
    quick = results(operation, inputs, dy)
    with engine.use("reference"):
        plain = results(operation, inputs, dy)
    assert len(plain[1]) == len(quick[1])
    for ours, theirs in zip([plain[0], *plain[1]], [quick[0], *quick[1]], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_plain_operation_runs_on_a_card(name, rng, strict):
    operation = OPERATIONS[name]
    inputs = operation.inputs(rng)
    with engine.use("reference"):
        y, gradients = results(operation, inputs)
        there = [strict.asarray(array) for array in inputs]
        dy = None if operation.backward is None else strict.asarray(np.ones_like(y))
        y_there, gradients_there = results(operation, there, dy)
    for ours, theirs in zip([y_there, *gradients_there], [y, *gradients], strict=True):
        np.testing.assert_allclose(to_numpy(ours), theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in fast.__all__ if name.endswith("_backward")])
def test_a_gradient_of_another_shape_is_refused_by_both(name, rng):
    operation = next(row for key, row in OPERATIONS.items() if key.startswith(name.removesuffix("_backward")))
    for which in engine.ENGINES:
        with engine.use(which):
            y, cache = operation.forward(*operation.inputs(rng))
            with pytest.raises(ValueError, match="dy has the shape"):
                operation.backward(np.ones((*y.shape, 2)), cache)
