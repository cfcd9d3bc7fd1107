"""Every slip that the diagnosis knows, made on purpose; and right backward passes, never to be accused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.gradcheck import GradientError, away_from, check_backward, diagnose, distinct, numeric_gradient

RNG = np.random.default_rng(7)
X = RNG.standard_normal((4, 5))
SQUARE = RNG.standard_normal((4, 4))
LINE = RNG.standard_normal(9)
MAP = RNG.standard_normal((2, 6, 5, 3))


def neighbours(x):
    """Sum of each entry and its two neighbours, zeros beyond the ends."""
    padded = np.pad(x, 1)
    return padded[:-2] + padded[1:-1] + padded[2:]


def wrapped(dy):
    return np.roll(dy, 1) + dy + np.roll(dy, -1)


def blur_rows(x):
    """3-tap sum down axis 1 of (N, H, W, C)."""
    padded = np.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0)))
    return padded[:, :-2] + 2 * padded[:, 1:-1] + 3 * padded[:, 2:]


def blur_rows_backward(dy, crop=1, keep_last=True):
    padded = np.pad(np.zeros_like(dy), ((0, 0), (1, 1), (0, 0), (0, 0)))
    padded[:, :-2] += dy
    padded[:, 1:-1] += 2 * dy
    padded[:, 2:] += 3 * dy
    dx = np.pad(padded, ((0, 0), (0, 2), (0, 0), (0, 0)))[:, crop : crop + dy.shape[1]]
    if not keep_last:
        dx[:, -1] = 0
    return dx


# kind, what the message must say, x, forward y(x), backward dx(dy, x)
def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


SLIPS = [
    ("sign", "wrong sign", X, lambda x: x**2, lambda dy, x: -2 * x * dy),
    ("factor", "0.5 times", X, lambda x: x**2, lambda dy, x: x * dy),
    ("factor", "2 times", X, lambda x: x**2 / 2, lambda dy, x: 2 * x * dy),
    ("factor", "-3 times .* sign", X, lambda x: 2 * x, lambda dy, x: -6 * dy),
    ("factor", "4 is the length of axis 0", X, lambda x: x.mean(axis=0), lambda dy, x: np.ones_like(x) * dy),
    ("factor", "5 once too often; 5 is the length of axis 1", X, lambda x: x, lambda dy, x: dy / len(x[0])),
    ("factor", "20 is the number of entries", X, lambda x: x.mean(), lambda dy, x: np.ones_like(x) * dy),
    ("zero", "zero everywhere", X, lambda x: x * 3, lambda dy, x: np.zeros_like(x)),
    ("not finite", "NaN or infinity in 1 of 20", X, lambda x: x, lambda dy, x: dy / (x != X.max())),
    ("transposed", "axes 0 and 1 exchanged", SQUARE, lambda w: SQUARE @ w, lambda dy, w: dy.T @ SQUARE),
    (
        "transposed",
        "axes 1 and 2 exchanged",
        RNG.standard_normal((2, 4, 4, 3)),
        lambda x: 2 * x,
        lambda dy, x: 2 * dy.swapaxes(1, 2),
    ),
    (
        "reversed",
        "backwards along axis 0",
        RNG.standard_normal(3),
        lambda w: np.correlate(LINE, w, "valid"),
        lambda dy, w: np.correlate(LINE, dy, "valid")[::-1],
    ),
    ("reordered", "wrong places", X, lambda x: x.T.reshape(-1), lambda dy, x: dy.reshape(x.shape)),
    ("shape", r"instead of \(5,\): it was not summed over axis 0", X[0], lambda b: X + b, lambda dy, b: dy),
    ("shape", r"transpose it with \(1, 0\)", X, lambda w: SQUARE @ w, lambda dy, w: dy.T @ SQUARE),
    ("shape", r"\(20,\) instead of \(4, 5\): reshape it", X, lambda x: x, lambda dy, x: dy.reshape(-1)),
    ("border", "start of axis 0 and the end of axis 0", LINE, neighbours, lambda dy, x: wrapped(dy)),
    ("border", "within 1 of the end of axis 1", MAP, blur_rows, lambda dy, x: blur_rows_backward(dy, keep_last=False)),
    ("shifted", "by 1 along axis 1", MAP, blur_rows, lambda dy, x: blur_rows_backward(dy, crop=0)),
    ("shifted", "by -1 along axis 1", MAP, blur_rows, lambda dy, x: blur_rows_backward(dy, crop=2)),
    (
        "isolated",
        "kink or a tie",
        (abs(X) + 1) * (np.arange(20).reshape(4, 5) != 7),
        lambda x: np.maximum(x, 0),
        lambda dy, x: dy * (x > 0),
    ),
    ("factor along an axis", "axis 1", X, lambda x: x * SQUARE[0].sum() * np.arange(1, 6), lambda dy, x: dy),
    ("constant term", "constant along axis 0", X, lambda x: x - x.mean(axis=0), lambda dy, x: dy),
    ("shifted", r"by 1 along axis 0, the last entry first", X, lambda x: x**2, lambda dy, x: np.roll(2 * dy * x, 1, 0)),
    ("mask", "a mask is missing", X, lambda x: np.maximum(x, 0), lambda dy, x: dy),
    ("mask", "its mask takes too much", X, lambda x: 2 * x, lambda dy, x: 2 * dy * (x > 0)),
    ("sum", "has to add up to 0 along axis 1", X, softmax, lambda dy, x: dy * softmax(x) * (1 - softmax(x))),
    ("other", "no way that is recognised", X, lambda x: np.sin(x), lambda dy, x: dy * np.cos(2 * x + 1)),
]


def test_a_factor_that_was_not_transposed_and_a_path_that_was_forgotten():
    x, w = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 3))

    def check(f, df, *inputs):
        check_backward(lambda *inputs: (f(*inputs), inputs), df, inputs, names=("x", "w")[: len(inputs)])

    with pytest.raises(GradientError, match="of x would be right with w transposed in the product"):
        check(lambda x, w: x @ w, lambda dy, c: (dy @ c[1], c[0].T @ dy), x, w)
    with pytest.raises(GradientError, match="of x lacks dy: two paths lead back to this input"):
        check(lambda x: x + np.tanh(x), lambda dy, c: dy * (1 - np.tanh(c[0]) ** 2), x)

    def norm(x):
        return np.sqrt((x**2).sum(axis=-1, keepdims=True))

    with pytest.raises(GradientError, match="of x lacks a multiple of x in each row"):
        check(lambda x: x / norm(x), lambda dy, c: dy / norm(c[0]), x)


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize(("kind", "says", "x", "f", "df"), SLIPS, ids=[f"{s[0]}: {s[1]}" for s in SLIPS])
def test_each_slip_is_named(kind, says, x, f, df):
    with pytest.raises(GradientError, match=says) as raised:
        check_backward(lambda x: (f(x), x), lambda dy, cache: df(dy, cache), (x,), names=("weights",))
    assert str(raised.value).startswith("the gradient of weights ")
    assert "\n" not in str(raised.value)

    dy = np.asarray(np.random.default_rng(1).standard_normal(np.shape(f(x))))
    assert diagnose(df(dy, x), numeric_gradient(f, x, dy)).kind == kind


def test_slips_are_named_on_a_sample_of_a_large_input_too():
    x = RNG.standard_normal((40, 40))
    for says, df in [("2 times", lambda dy: 2 * dy), ("axes 0 and 1 exchanged", lambda dy: dy.T)]:
        with pytest.raises(GradientError, match=says):
            check_backward(lambda x: (x, None), lambda dy, _, df=df: df(dy), (x,), max_entries=50)


def test_the_worst_entry_is_shown():
    numeric = np.arange(12.0).reshape(3, 4)
    assert (
        "1 of 12 entries are off, the worst at (1, 2): analytic 9, numeric 6"
        in diagnose(numeric + 3 * (numeric == 6), numeric).text
    )


@given(st.integers(0, 2**32 - 1))
def test_right_backward_passes_are_never_accused(seed):
    rng = np.random.default_rng(seed)
    x, w, b = rng.standard_normal((3, 4)), rng.standard_normal((4, 2)), rng.standard_normal(2)
    error = check_backward(
        lambda x, w, b: (np.tanh(x @ w + b), (x, w, np.tanh(x @ w + b))),
        lambda dy, c: ((g := dy * (1 - c[2] ** 2)) @ c[1].T, c[0].T @ g, g.sum(axis=0)),
        (x, w, b),
    )
    assert 0 <= error < 1e-6


def test_several_outputs_and_gradients_by_name():
    def forward(a, b):
        return (a * b, a.sum()), (a, b)

    def backward(dy, cache):
        (product, total), (a, b) = dy, cache
        return {"b": product * a, "a": product * b + total}

    assert check_backward(forward, backward, (X, X + 2), names=("a", "b")) < 1e-6


def passes(x):
    return x, None


def in_place(x):
    x *= 2
    return x.copy(), None


def scale_in_place(dy, cache):
    dy *= 2
    return dy


NOISE = np.random.default_rng(3)
BREACHES = [
    ("x was changed in place", in_place, lambda dy, _: 2 * dy),
    ("dy was changed in place", lambda x: (2 * x, None), scale_in_place),
    ("float32", lambda x: (x.astype(np.float32), None), lambda dy, _: dy),
    ("not finite|NaN", lambda x: (np.full_like(x, np.nan), None), lambda dy, _: dy),
    ("two results", lambda x: (x * NOISE.random(), None), lambda dy, _: dy),
    ("returns 2 gradients for 1 input: x", passes, lambda dy, _: (dy, dy)),
    ("the gradient of x is None: is there a return", passes, lambda dy, _: None),
    ("the gradient of x is None", passes, lambda dy, _: {"x": None}),
    ("no gradient for x", passes, lambda dy, _: {"y": dy}),
]


@pytest.mark.parametrize(("says", "forward", "backward"), BREACHES, ids=[b[0] for b in BREACHES])
def test_breaches_of_the_protocol_are_named(says, forward, backward):
    with pytest.raises(GradientError, match=says):
        check_backward(forward, backward, (X,), names=("x",))


def test_integer_inputs_are_refused():
    with pytest.raises(TypeError, match="input 1 is int64"):
        check_backward(lambda x, labels: (x, None), lambda dy, _: (dy, None), (X, np.arange(4)))


def test_numeric_gradient_near_the_end_of_the_domain():
    with pytest.raises(GradientError, match=r"not finite near entry \(1,\)"), np.errstate(invalid="ignore"):
        numeric_gradient(np.log, np.array([1.0, 1e-9]))


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 0.2))
def test_away_from_moves_only_what_is_near(seed, margin):
    x = np.random.default_rng(seed).uniform(-2, 2, 50)
    moved = away_from(x, (-1, 0, 1), margin)
    distance = np.abs(moved[:, None] - [-1, 0, 1]).min(axis=1)
    assert (distance >= margin * (1 - 1e-9)).all()
    assert (np.abs(moved - x) <= margin).all()
    far = np.abs(x[:, None] - [-1, 0, 1]).min(axis=1) >= margin
    np.testing.assert_array_equal(moved[far], x[far])


def test_away_from_needs_room_between_the_kinks():
    with pytest.raises(ValueError, match="closer together"):
        away_from(X, (0, 0.1), margin=0.1)


def test_distinct_values_are_apart():
    x = distinct(np.random.default_rng(0), (3, 4, 5))
    assert x.shape == (3, 4, 5)
    assert np.diff(np.sort(x, axis=None)).min() > 0.099
