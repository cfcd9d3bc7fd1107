"""Pictures of a data set."""

import io

import numpy as np
import pytest
from PIL import Image

from minissd.detection import DefaultBoxSpec, coverage
from minissd.viz import dataset as pictures
from minissd.viz.boxes import GAP
from minissd.viz.tiles import TILE

SPEC = DefaultBoxSpec.from_sizes(100, [8, 1], sizes=(10, 50, 90), ratios=((2,), ()))


def test_bars_of_each_class_are_as_long_as_its_counts():
    figure = pictures.class_counts({"train": np.array([3, 9, 0]), "val": np.array([1, 0, 0])}, ("$a$", "b", "_c"))
    panel = figure.axes[0]
    bars = sorted((bar.get_y(), bar.get_x(), bar.get_width()) for bar in panel.patches)
    assert [(left, width) for _, left, width in bars] == [(0, 9), (9, 0), (0, 3), (3, 1), (0, 0), (0, 0)]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["b", "$a$", "_c"]
    figure.savefig(io.BytesIO(), format="png", dpi=30)


def test_of_many_classes_the_most_frequent():
    figure = pictures.class_counts({"train": np.arange(200)}, [f"c{k}" for k in range(200)])
    assert len(figure.axes[0].patches) == pictures.BARS and figure.axes[0].patches[0].get_width() == 199


def test_objects_and_boxes_are_where_their_sides_say(rng):
    sides = rng.uniform(0.05, 0.9, (40, 2))
    corners = np.hstack([0.5 - sides / 2, 0.5 + sides / 2])
    sets = {"own": coverage(SPEC, corners), "other": coverage(SPEC.with_shapes([[(0.3, 0.1)], [(0.5, 0.9)]]), corners)}
    figure = pictures.object_sizes(sides, sets)
    for panel, one in zip(figure.axes, sets.values(), strict=True):
        covered, uncovered, *maps = (np.transpose(line.get_data()) for line in panel.get_lines())
        np.testing.assert_allclose(sorted(covered.tolist()), sorted(sides[one.covered].tolist()))
        np.testing.assert_allclose(sorted(uncovered.tolist()), sorted(sides[~one.covered].tolist()))
        for drawn, of_map in zip(maps, one.spec.maps, strict=True):
            np.testing.assert_allclose(drawn, of_map.shapes)
        assert f"{one.covered.mean():.1%}" in panel.get_title(loc="left")
    figure.savefig(io.BytesIO(), format="png", dpi=30)


@pytest.mark.parametrize("centre", [(0.5, 0.5), (0.02, 0.97)])
def test_an_object_is_shown_with_its_surroundings(centre):
    """A white object of 4 % on black: a quarter of the image around it, so the object takes 16 % of the tile."""
    image = np.zeros((200, 100, 3), np.uint8)
    low, high = np.clip(np.subtract(centre, 0.02), 0, 1), np.clip(np.add(centre, 0.02), 0, 1)
    rows, columns = (
        slice(*np.round([low[axis] * side, high[axis] * side]).astype(int)) for axis, side in ((1, 200), (0, 100))
    )
    image[rows, columns] = 255
    corners = np.array([*low, *high])
    sheet = pictures.least_covered([(image, corners, np.array([*low, *high]) + 0.5, "")] * 5)
    tile = np.asarray(sheet)[-TILE - 2 * GAP : -2 * GAP, GAP : TILE + GAP]
    white = (tile == 255).all(axis=2).mean()
    share = np.prod((high - low) / pictures.LEAST_SHOWN)
    assert 0.3 * share < white < share  # its rim is under the line of the box


def test_copies_stand_beside_each_other():
    red, blue = np.full((30, 50, 3), (255, 0, 0), np.uint8), np.full((60, 20, 3), (0, 0, 255), np.uint8)
    sheet = np.asarray(pictures.copies_sheet([[(red, "train: a"), (red, "val: b")], [(blue, "c")] * 7], 9))
    assert isinstance(pictures.copies_sheet([[(red, "a")]], 1), Image.Image)
    colours = [(sheet == colour).all(axis=2).sum() / TILE**2 for colour in ((255, 0, 0), (0, 0, 255))]
    np.testing.assert_allclose(colours, [2, pictures.COPIES], rtol=0.02)
