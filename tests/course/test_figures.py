"""The forms that the site has of each figure: for dark pages, and for phones."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minissd.viz import style

LESSONS = Path(__file__).resolve().parents[2] / "lessons"


@pytest.fixture
def figures(monkeypatch):
    monkeypatch.syspath_prepend(LESSONS)
    import figures

    return figures


def two_panels():
    figure = style.new_figure(8, 3)
    left, right = figure.subplots(1, 2)
    left.imshow(np.full((4, 4, 3), (200, 30, 30), np.uint8))
    left.set_axis_off()
    right.plot([0, 1], [0, 1], color=style.BLUE)
    return figure


def test_the_dark_form_has_a_dark_ground_and_leaves_images_as_they_are(figures):
    light, pictures = figures.drawn(two_panels())
    dark = figures.darkened(light, pictures)
    assert (light[0, 0] == 255).all() and (dark[0, 0] == figures.DARK).all()
    assert 0.1 < pictures.mean() < 0.5
    assert (light[pictures] == (200, 30, 30)).all(axis=-1).mean() > 0.9, "it lies where the image is"
    assert (dark[pictures] == light[pictures]).all()


def test_a_colour_keeps_its_hue_and_changes_its_lightness(figures):
    blue, nowhere = np.array([[[0, 60, 120]]], np.uint8), np.zeros((1, 1), bool)
    red, green, bright = figures.darkened(blue, nowhere)[0, 0].astype(int)
    assert red < green < bright and bright > 200


def test_panels_side_by_side_are_stacked_for_a_phone(figures):
    forms = figures.forms(two_panels())
    assert set(forms) == {"dark", "narrow", "narrow-dark"}
    height, width = forms["narrow"].shape[:2]
    assert height > width and forms["dark"].shape[1] > forms["dark"].shape[0]
    assert forms["narrow"].shape == forms["narrow-dark"].shape


def test_a_single_panel_is_not_stacked(figures):
    figure = style.new_figure(6, 3)
    figure.subplots().plot([0, 1])
    assert set(figures.forms(figure)) == {"dark"}


def test_a_page_gets_the_forms_that_are_there(figures, tmp_path):
    name, other = "a" * 64, "b" * 64
    for form in ("dark", "narrow", "narrow-dark"):
        Image.new("RGB", (2, 2)).save(tmp_path / f"{name}-{form}.png")
    page = f'<p><img alt="A line" src="../_images/{name}.png" style="x" /></p><img src="../_images/{other}.png" />'
    made = figures.pictures(page, tmp_path, tmp_path / "site")
    assert made.count('<img alt="A line"') == 2 and made.count("<source") == 2
    assert made.endswith(f'<img src="../_images/{other}.png" />'), "one without other forms stays as it is"
    assert len(list((tmp_path / "site").iterdir())) == 3
