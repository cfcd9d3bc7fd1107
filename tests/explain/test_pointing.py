"""The pointing game: hits, and the two guesses beside them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.explain import box_mask, ink_mask, pointing_game


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 9))
def test_against_a_loop(seed, n, side):
    rng = np.random.default_rng(seed)
    maps, objects = rng.standard_normal((n, side, side)), rng.random((n, side, side)) < 0.4
    hits, score = pointing_game(maps, objects)
    for one, mask, hit in zip(maps, objects, hits, strict=True):
        row, column = np.unravel_index(one.argmax(), one.shape)
        assert hit == mask[row, column]
    assert score.hits == pytest.approx(hits.mean())
    assert score.chance == pytest.approx(objects.mean())
    assert score.centre == pytest.approx(objects[:, side // 2, side // 2].mean())


def test_random_maps_hit_as_often_as_chance(rng):
    objects = np.stack([box_mask(np.array([[0.1, 0.2, 0.5, 0.9]]), 20)] * 4000)
    _, score = pointing_game(rng.random(objects.shape), objects)
    assert score.chance == pytest.approx(0.28)
    assert score.hits == pytest.approx(score.chance, abs=0.03)


def test_no_image_no_score():
    hits, score = pointing_game(np.zeros((0, 4, 4)), np.zeros((0, 4, 4), bool))
    assert len(hits) == 0
    assert np.isnan(score).all()


def test_a_mask_for_every_map():
    with pytest.raises(ValueError, match=r"\(2, 4, 4\) and \(1, 4, 4\)"):
        pointing_game(np.zeros((2, 4, 4)), np.zeros((1, 4, 4), bool))


def test_masks():
    mask = box_mask(np.array([[0.0, 0.5, 0.5, 1.0], [0.25, 0.5, 0.75, 0.75]]), 8)
    expected = np.zeros((8, 8), bool)
    expected[4:8, 0:4] = expected[4:6, 2:6] = True  # rows are y
    np.testing.assert_array_equal(mask, expected)
    image = np.array([[0, 127], [128, 255]], np.uint8)[..., None]
    np.testing.assert_array_equal(ink_mask(image), [[False, False], [True, True]])
