"""Colour changes: greys stay grey under hue and saturation, and the settings bound what happens."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minissd.data.photometric import LUMA, Photometric, hue_matrix, random_color_matrix, saturation_matrix

angles = st.floats(-np.pi, np.pi)
factors = st.floats(0, 3)
OFF = {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0}


@given(angle=angles, factor=factors)
def test_hue_and_saturation_leave_greys_and_luma_alone(angle, factor):
    for matrix in (hue_matrix(angle), saturation_matrix(factor)):
        np.testing.assert_allclose(matrix @ np.ones(3), np.ones(3), atol=1e-12)
        np.testing.assert_allclose(LUMA @ matrix, LUMA, atol=1e-12)


@given(a=angles, b=angles, factor=factors)
def test_hue_turns(a, b, factor):
    np.testing.assert_allclose(hue_matrix(a) @ hue_matrix(b), hue_matrix(a + b), atol=1e-12)
    np.testing.assert_allclose(hue_matrix(a + 2 * np.pi), hue_matrix(a), atol=1e-12)
    commuted = saturation_matrix(factor) @ hue_matrix(a)
    np.testing.assert_allclose(hue_matrix(a) @ saturation_matrix(factor), commuted, atol=1e-12)


def test_a_third_of_a_turn_makes_one_primary_lean_to_the_next():
    turned = hue_matrix(2 * np.pi / 3) @ (1, 0, 0)
    assert turned.argmax() == 1 and turned.argmin() in (0, 2)


def test_saturation_runs_from_grey_over_the_same_to_more():
    color = np.array([200.0, 100, 50])
    np.testing.assert_allclose(saturation_matrix(0) @ color, [LUMA @ color] * 3)
    np.testing.assert_array_equal(saturation_matrix(1), np.eye(3))
    assert np.ptp(saturation_matrix(1.5) @ color) == pytest.approx(1.5 * np.ptp(color))


@given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from(["brightness", "contrast", "saturation", "hue"]))
def test_one_change_alone_stays_within_its_bounds(seed, name):
    settings = Photometric(**{**OFF, name: getattr(Photometric(), name)}, probability=1)
    matrix = np.reshape(random_color_matrix(settings, np.random.default_rng(seed)), (3, 4))
    colors, shift = matrix[:, :3], matrix[:, 3]
    if name == "brightness":
        np.testing.assert_allclose(colors, np.eye(3), atol=1e-12)
        assert np.ptp(shift) < 1e-9 and abs(shift[0]) <= 32
        return
    np.testing.assert_array_equal(shift, 0)
    if name == "contrast":
        np.testing.assert_allclose(colors, np.eye(3) * colors[0, 0], atol=1e-12)
        assert 0.5 <= colors[0, 0] <= 1.5
    elif name == "saturation":
        factor = (np.trace(colors) - 1) / 2
        np.testing.assert_allclose(colors, saturation_matrix(factor), atol=1e-12)
        assert 0.5 <= factor <= 1.5
    else:
        angle = np.arccos(min((np.trace(colors) - 1) / 2, 1))
        assert np.rad2deg(angle) <= 18 + 1e-6


def test_each_change_happens_as_often_as_set():
    rng = np.random.default_rng(0)
    settings = Photometric(brightness=32, contrast=0, saturation=0, hue=0, probability=0.25)
    happened = [random_color_matrix(settings, rng) is not None for _ in range(1000)]
    assert 200 < sum(happened) < 300
    assert random_color_matrix(Photometric(probability=0), rng) is None
    assert random_color_matrix(Photometric(**OFF, probability=1), rng) is None


def test_contrast_scales_the_brightness_added_before_it():
    settings = Photometric(saturation=0, hue=0, probability=1)
    rng = np.random.default_rng(3)
    matrix = np.reshape(random_color_matrix(settings, rng), (3, 4))
    brightness = 32 * np.random.default_rng(3).uniform(-1, 1, 4)[0]
    np.testing.assert_allclose(matrix @ (10, 10, 10, 1), matrix[0, 0] * (10 + brightness))
