"""What holds for a step of gradient descent and for the learning rate."""

import math

import numpy as np
from hypothesis import strategies as st

from minissd.gradcheck.digits import apart
from minissd.properties.core import Property, equals, require_equal
from minissd.properties.plain import few, halves
from minissd.training import SGD

# --- a step with momentum and weight decay ---


@st.composite
def steps(draw, lr=(0.5, 1.0), momentum=(0.0, 0.5), weight_decay=(0.0, 0.5)):
    size = draw(few)
    numbers = {name: draw(halves(size)) for name in ("p", "v", "g")}
    options = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
    return numbers | {name: draw(st.sampled_from(values)) for name, values in options.items()}


def _one_by_one(p, v, g, lr, momentum, weight_decay):
    after = []
    for p_i, v_i, g_i in zip(p, v, g, strict=True):
        v_i = momentum * v_i + g_i + weight_decay * p_i
        after.append((p_i - lr * v_i, v_i))
    return tuple(np.array(column) for column in zip(*after, strict=True))


def _reaches_its_speed(function, p, v, g, lr, momentum, weight_decay):
    """A ball on a slope: v = momentum * v + g, solved for v."""
    for _ in range(60):
        p, v = function(p, v, g, lr, momentum, weight_decay)
    require_equal(v, g / (1 - momentum), what="v after 60 steps with the same gradient", rtol=1e-6)


def library_sgd_step(p, v, g, lr, momentum, weight_decay):
    params = {"w": p.copy()}
    optimizer = SGD(params, lr, momentum, weight_decay)
    optimizer.velocity["w"][...] = v
    optimizer.step({"w": g})
    return params["w"], optimizer.velocity["w"]


SGD_STEP = (
    equals(
        _one_by_one,
        steps(momentum=(0.0,), weight_decay=(0.0,)),
        statement="is a plain step downhill without momentum and decay",
    ),
    equals(
        _one_by_one,
        steps(momentum=(0.0,)).map(lambda case: case | {"g": 0 * case["g"]}),
        statement="lets the weights shrink where there is no gradient",
    ),
    Property("gathers speed on a steady slope", steps(momentum=(0.5,), weight_decay=(0.0,)), _reaches_its_speed),
    equals(_one_by_one, steps(), statement="follows both formulas, first v and then p"),
)


# --- the learning rate ---


@st.composite
def moments(draw, at=None):
    """A step of a run with room for a way up and a way down; at: "start", "top" or "end" for those of the cycle."""
    total = draw(st.integers(4, 20))
    warmup = draw(st.integers(1, total // 2))
    places = {"start": 0, "top": warmup, "end": total - 1}
    step = places[at] if at else draw(st.integers(0, total - 1))
    return {"step": step, "total": total, "peak": draw(st.sampled_from([1.0, 0.06])), "warmup": warmup}


def _half_a_wave(step, total, peak, warmup):
    """sin^2 rises from 0 to 1 in a quarter turn, which is half a cosine seen the other way."""
    if step < warmup:
        start, end, part = peak / 25, peak, step / warmup
    else:
        start, end, part = peak, peak * 1e-4, (step - warmup) / (total - 1 - warmup)
    return start + (end - start) * math.sin(math.pi / 2 * part) ** 2


def _rises_and_falls(function, step, total, peak, warmup):
    now, then = function(step, total, peak, warmup), function(step + 1, total, peak, warmup)
    if (then > now) != (step < warmup):
        before, after = apart(now, then)
        raise AssertionError(f"from step {step} to {step + 1} the rate goes from {before} to {after}")


@st.composite
def _not_the_last(draw):
    case = draw(moments())
    return case | {"step": min(case["step"], case["total"] - 2)}


ONE_CYCLE = (
    equals(_half_a_wave, moments("start"), statement="starts at 1/25 of the peak"),
    equals(_half_a_wave, moments("top"), statement="is at its peak when the warm-up is over"),
    equals(_half_a_wave, moments("end"), statement="has come down to 1/10000 of the peak at the last step"),
    Property("rises all through the warm-up and falls after it", _not_the_last(), _rises_and_falls),
    equals(_half_a_wave, moments(), statement="goes up half a cosine and down another"),
)
