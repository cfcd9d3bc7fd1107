"""Skip connections: what goes in comes out again, and shapes that do not fit are named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd import engine

sizes = st.integers(1, 5)


@given(st.lists(sizes, min_size=1, max_size=3), sizes, sizes, st.integers(0, 99))
def test_concatenated_maps_come_apart_again(shape, c, d, seed):
    """The backward pass of a concatenation takes apart what the forward pass put together."""
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((*shape, c)), rng.standard_normal((*shape, d))
    y, cache = engine.concatenate(a, b)
    assert y.shape == (*shape, c + d)
    for back, there in zip(engine.concatenate_backward(y, cache), (a, b), strict=True):
        np.testing.assert_array_equal(back, there)


@pytest.mark.parametrize("join", ["concatenate", "add"])
def test_the_way_around_keeps_a_gradient_that_would_vanish(join, rng):
    """Through a long chain of weak layers hardly anything comes back; past it, over the skip, all of it does."""
    x, dy = rng.standard_normal((4, 3)), rng.standard_normal((4, 6 if join == "concatenate" else 3))
    weak = 0.1 * np.eye(3)
    chain, caches = x, []
    for _ in range(10):
        chain, cache = engine.linear(chain, weak, np.zeros(3))
        caches.append(cache)
    _, cache = getattr(engine, join)(x, chain)
    over_the_skip, through = getattr(engine, f"{join}_backward")(dy, cache)
    for cache in reversed(caches):
        through, _, _ = engine.linear_backward(through, cache)
    assert np.abs(through).max() < 1e-8
    np.testing.assert_array_equal(over_the_skip, dy[:, :3])


@pytest.mark.parametrize("join", [engine.concatenate, engine.add])
def test_maps_of_two_sizes_are_refused_with_both_shapes(join):
    with pytest.raises(ValueError, match=r"\(1, 4, 4, 2\).*\(1, 4, 5, 2\)"):
        join(np.zeros((1, 4, 4, 2)), np.zeros((1, 4, 5, 2)))


def test_the_two_gradients_of_a_sum_are_not_one_array(rng):
    """Whoever adds to one in place must not change the other."""
    _, cache = engine.add(*rng.standard_normal((2, 3)))
    da, db = engine.add_backward(np.ones(3), cache)
    da += 1
    np.testing.assert_array_equal(db, np.ones(3))
