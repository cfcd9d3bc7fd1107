"""What holds for a training loop: it is tried on linear models, where every number can be followed."""

import copy

import numpy as np
from hypothesis import strategies as st

from minissd.properties.core import Property, require_equal
from minissd.properties.plain import filled


def library_training_loop(params, images, targets, add_gradients, update, rate, epochs, batch_size, rng):
    params, velocity = dict(params), {name: np.zeros(p.shape) for name, p in params.items()}
    starts = range(0, len(images), batch_size)
    losses = []
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for batch in (order[start : start + batch_size] for start in starts):
            gradients = {name: np.zeros(p.shape) for name, p in params.items()}
            some = [np.array([data[i] for i in batch]) for data in (images, targets)]
            loss = add_gradients(params, *some, gradients)
            lr = rate(len(losses), epochs * len(starts))
            moved = {name: update(p, velocity[name], gradients[name], lr) for name, p in params.items()}
            params, velocity = ({name: pair[i] for name, pair in moved.items()} for i in (0, 1))
            losses.append(loss)
    return params, losses


# --- a model that can be followed ---


def linear_model(params, images, targets, gradients):
    """The mean of (images @ w + b - targets)^2 / 2; its gradients are added to those in `gradients`."""
    error = images @ params["w"] + params["b"] - targets
    gradients["w"] += images.T @ error / len(error)
    gradients["b"] += error.mean()
    return float((error**2).mean() / 2)


def plain_step(p, v, g, lr):
    return p - lr * g, v


def step_with_momentum(p, v, g, lr):
    v = v / 2 + g
    return p - lr * v, v


def even(step, total):
    return 0.125


def gentle(step, total):
    return 1 / 64  # below 2 over the largest eigenvalue of any of these runs: the loss of all images cannot rise


def falling(step, total):
    return 0.125 * (1 - step / total)


@st.composite
def runs(draw, update=plain_step, rate=even, epochs=(1, 1), images=(1, 5), batch_size=None):
    """A run of a few steps; batch_size: all sizes that fit, if None."""
    count, inputs = draw(st.integers(*images)), draw(st.integers(1, 2))
    size = draw(st.integers(1, count)) if batch_size is None else batch_size
    return {
        "params": {"w": draw(filled((inputs,), low=-2, high=2)), "b": np.array(0.5)},
        "images": draw(filled((count, inputs), low=-2, high=2)),
        "targets": draw(filled((count,), low=-2, high=2)),
        "add_gradients": linear_model,
        "update": update,
        "rate": rate,
        "epochs": draw(st.integers(*epochs)),
        "batch_size": size,
        "rng": np.random.default_rng(draw(st.integers(0, 3))),
    }


def _by_hand(params, images, targets, add_gradients, update, rate, epochs, batch_size, rng):
    """The batches first, as a list of the whole run; then one step for each."""
    batches = []
    for _ in range(epochs):
        order = list(rng.permutation(len(images)))
        while order:
            batches.append(order[:batch_size])
            order = order[batch_size:]
    params, speed, losses = copy.deepcopy(params), {"w": 0 * params["w"], "b": 0 * params["b"]}, []
    for step, batch in enumerate(batches):
        gradients = {name: 0 * p for name, p in params.items()}
        losses.append(add_gradients(params, images[batch], targets[batch], gradients))
        for name in params:
            params[name], speed[name] = update(params[name], speed[name], gradients[name], rate(step, len(batches)))
    return params, losses


def _as_by_hand(function, **run):
    expected = _by_hand(**copy.deepcopy(run))
    before = copy.deepcopy(run["params"])
    params, losses = _pair(function(**run))
    require_equal(run["params"], before, what="params of the caller after the run")
    assert len(losses) == len(expected[1]), f"it makes {len(losses)} updates, expected {len(expected[1])}"
    require_equal(np.array(losses, float), np.array(expected[1]), what="losses")
    require_equal(params, expected[0], what="params")


def _pair(result):
    assert isinstance(result, tuple | list) and len(result) == 2, "expected two results, params and losses"
    return result


def _learns(function, **run):
    """On a line without noise, all images in each batch."""
    run["targets"] = run["images"].sum(axis=1)
    _, losses = _pair(function(**run))
    assert losses[-1] <= losses[0], f"the loss goes from {losses[0]:.4g} to {losses[-1]:.4g}"


TRAINING_LOOP = (
    Property("makes one step on one batch", runs(images=(1, 1)), _as_by_hand),
    Property("lets the loss fall", runs(rate=gentle, epochs=(2, 4), images=(2, 4), batch_size=4), _learns),
    Property("takes every image once in an epoch, in a new order, with its target", runs(epochs=(1, 3)), _as_by_hand),
    Property("hands each parameter's velocity on", runs(step_with_momentum, epochs=(1, 3)), _as_by_hand),
    Property("asks for the rate of each step of the whole run", runs(rate=falling, epochs=(1, 3)), _as_by_hand),
)
