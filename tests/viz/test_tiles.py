"""Sheets of tiles: every image and caption in its place."""

import numpy as np
import pytest

from minissd.viz.boxes import GAP
from minissd.viz.tiles import CAPTION, HEAD, TILE, tile, tile_sheet


def plain(colour, side=10):
    return tile(np.full((side, side, 3), colour, np.uint8))


def test_small_images_keep_their_pixels_as_squares(rng):
    digit = rng.integers(0, 256, (24, 24, 1), dtype=np.uint8)
    picture = np.asarray(tile(digit))
    assert picture.shape == (TILE, TILE, 3)
    np.testing.assert_array_equal(picture[..., 0], np.kron(digit[..., 0], np.ones((10, 10), np.uint8)))


def test_every_tile_lies_in_its_place():
    colours = [[(250, 0, 0), (0, 250, 0)], [(0, 0, 250)]]
    sheet = np.asarray(tile_sheet([[(plain(c), "caption") for c in row] for row in colours], "title"))
    for i, row in enumerate(colours):
        for j, colour in enumerate(row):
            top, left = HEAD + i * (TILE + CAPTION + GAP) + CAPTION, GAP + j * (TILE + GAP)
            assert (sheet[top : top + TILE, left : left + TILE] == colour).all()
            assert (sheet[top - CAPTION : top - 2, left : left + TILE] < 128).any()  # something is written
    assert (sheet[-TILE:, -TILE:] > 200).all()  # the last row has one tile only


@pytest.mark.parametrize("rows", [[], [[]]])
def test_an_empty_sheet_is_a_mistake(rows):
    with pytest.raises(ValueError, match="at least one"):
        tile_sheet(rows)
