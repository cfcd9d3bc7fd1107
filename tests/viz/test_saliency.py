"""Saliency maps over images: colours by sign, the cross at the maximum, boxes where they are."""

import numpy as np
import pytest

from minissd.viz.saliency import FOUND, TRUE, answer_tile, saliency_tile
from minissd.viz.style import class_colour, rgb
from minissd.viz.tiles import TILE

IMAGE = np.full((20, 20, 3), 128, np.uint8)
CELL = TILE // 20


def middle_of(picture, row, column):
    return np.asarray(picture)[int((row + 0.5) * CELL), int((column + 0.5) * CELL)].astype(int)


def test_red_for_blue_against_grey_for_nothing():
    heat = np.zeros((20, 20))
    heat[3:7, 3:7], heat[12:16, 12:16] = 1.0, -2.0
    picture = saliency_tile(IMAGE, heat)
    red, blue, grey = (middle_of(picture, *place) for place in ((5, 5), (14, 14), (2, 17)))
    assert red[0] > red[2] + 40
    assert blue[2] > blue[0] + 80  # twice as strong
    assert len(set(grey.tolist())) == 1


@pytest.mark.parametrize(("row", "column"), [(4, 15), (10, 2)])
def test_the_cross_is_at_the_maximum(row, column):
    heat = np.zeros((20, 20))
    heat[row, column] = 1
    picture = np.asarray(saliency_tile(IMAGE, heat))
    white = np.argwhere((picture == 255).all(axis=-1))
    np.testing.assert_allclose(white.mean(axis=0), [(row + 0.5) * CELL, (column + 0.5) * CELL], atol=1.5)


def test_a_map_that_says_nothing_has_no_cross():
    picture = np.asarray(saliency_tile(IMAGE, np.zeros((20, 20))))
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 1


def test_boxes_found_and_true():
    picture = np.asarray(answer_tile(IMAGE, np.array([0.1, 0.1, 0.5, 0.5]), np.array([[0.5, 0.5, 0.9, 0.9]] * 4)))
    for colour, low, high in ((FOUND, 0.1, 0.5), (TRUE, 0.5, 0.9)):
        places = np.argwhere((picture == rgb(class_colour(colour))).all(axis=-1))
        np.testing.assert_allclose([places.min(), places.max() + 1], [low * TILE, high * TILE])
    assert (np.asarray(answer_tile(IMAGE, None, None)) == 128).all()
