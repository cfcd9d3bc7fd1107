"""SGD against its two formulas and against torch.optim.SGD."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.properties.windows import seeds
from minissd.training import SGD
from minissd.training.optim import clip_gradients, gradient_norm

SHAPES = {"w": (3, 4), "b": (4,), "scalar": ()}
part = st.floats(0, 0.99)


def random_arrays(rng, dtype="float64"):
    return {name: np.asarray(rng.standard_normal(shape), dtype) for name, shape in SHAPES.items()}


@given(seeds, st.floats(1e-3, 1), part, part)
def test_is_that_of_torch_over_several_steps(seed, lr, momentum, weight_decay):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    params = random_arrays(rng)
    theirs = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
    ours = SGD(params, lr, momentum, weight_decay)
    oracle = torch.optim.SGD(theirs.values(), lr, momentum, weight_decay=weight_decay)
    for step in range(5):
        grads = random_arrays(rng)
        ours.lr = oracle.param_groups[0]["lr"] = lr / (step + 1)  # as a schedule does
        ours.step(grads)
        for name, tensor in theirs.items():
            tensor.grad = torch.from_numpy(grads[name])
        oracle.step()
    for name, array in params.items():
        np.testing.assert_allclose(array, theirs[name].detach().numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_arrays_are_changed_in_place_and_the_gradients_are_not(rng, dtype):
    params, grads = random_arrays(rng, dtype), random_arrays(rng, dtype)
    held = dict(params)
    before = {name: grad.copy() for name, grad in grads.items()}
    optimizer = SGD(params, lr=0.1)
    optimizer.step(grads)
    for name, array in params.items():
        assert array is held[name]
        assert (array.dtype, optimizer.velocity[name].dtype) == (dtype, dtype)
        np.testing.assert_array_equal(grads[name], before[name])


def test_gradients_of_other_names_are_refused_before_anything_moves(rng):
    params = random_arrays(rng)
    before = {name: array.copy() for name, array in params.items()}
    grads = random_arrays(rng)
    grads["bias"] = grads.pop("b")
    with pytest.raises(ValueError, match="b, bias"):
        SGD(params, lr=0.1).step(grads)
    for name, array in params.items():
        np.testing.assert_array_equal(array, before[name])


def test_biases_may_learn_faster_and_without_decay(rng):
    """As two parameter groups of torch's SGD; a bias is what is called b, alone or in a layer."""
    torch = pytest.importorskip("torch")
    params = {name: rng.standard_normal(shape) for name, shape in {"conv.w": (3, 4), "conv.b": (4,), "b": ()}.items()}
    theirs = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
    ours = SGD(params, 0.1, 0.9, 0.05, bias_lr=2, bias_decay=False)
    weights, biases = [theirs["conv.w"]], [theirs["conv.b"], theirs["b"]]
    groups = [{"params": weights, "weight_decay": 0.05}, {"params": biases, "lr": 0.2, "weight_decay": 0}]
    oracle = torch.optim.SGD(groups, 0.1, 0.9)
    for _ in range(4):
        grads = {name: rng.standard_normal(array.shape) for name, array in params.items()}
        ours.step(grads)
        for name, tensor in theirs.items():
            tensor.grad = torch.tensor(grads[name])
        oracle.step()
    for name, array in params.items():
        np.testing.assert_allclose(array, theirs[name].detach().numpy(), rtol=1e-9)


@given(seed=seeds, largest=st.floats(0.01, 20))
def test_clipped_gradients_keep_their_direction(seed, largest):
    rng = np.random.default_rng(seed)
    grads = {"a": rng.standard_normal((3, 4)), "b": rng.standard_normal(5)}
    whole = np.concatenate([g.ravel() for g in grads.values()])
    norm = float(gradient_norm(grads))
    assert norm == pytest.approx(np.linalg.norm(whole))
    clip_gradients(grads, norm, largest, step=1)
    clipped = np.concatenate([g.ravel() for g in grads.values()])
    np.testing.assert_allclose(clipped, whole * min(1, largest / norm))


def test_what_is_not_clipped(refused):
    grads = {"a": np.array([3.0, 4.0])}
    clip_gradients(grads, 5.0, 0, step=1)
    clip_gradients(grads, 5.0, 5.0, step=1)
    np.testing.assert_array_equal(grads["a"], [3, 4])
    with refused("norm of the gradient is not finite at step 7", "--lr"):
        clip_gradients(grads, float("inf"), 10, step=7)
