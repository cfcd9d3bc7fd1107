"""Colours, text and saving, common to all pictures."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.font_manager import findfont
from matplotlib.ft2font import FT2Font
from PIL import Image

from minissd.errors import MinissdError
from minissd.viz import style


def test_twenty_one_classes_have_clearly_different_colours():
    colours = np.array([style.rgb(style.class_colour(label)) for label in range(21)])
    distance = np.linalg.norm(cielab(colours)[:, None] - cielab(colours), axis=-1)
    assert distance[~np.eye(21, dtype=bool)].min() > 10  # about 2 is just noticeable


def cielab(colours):
    """sRGB 0..255 (n, 3) -> CIE L*a*b* (n, 3), where distance is about how different two colours look."""
    parts = colours / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(linear @ to_xyz.T / [0.9505, 1, 1.089]).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def test_any_label_has_a_colour_numpy_labels_too():
    for label in (0, 20, 21, 80, np.int64(3), np.float32(3)):
        assert all(0 <= part <= 255 for part in style.rgb(style.class_colour(label)))
    assert style.class_colour(np.int64(3)) == style.class_colour(3)


def test_text_on_a_class_colour_is_readable():
    for label in range(21):
        background = style.class_colour(label)
        pair = np.array([style.rgb(background), style.rgb(style.text_colour(background))])
        dark, light = sorted(((cielab(pair)[:, 0] + 16) / 116) ** 3)  # relative luminance
        assert (light + 0.05) / (dark + 0.05) > 3  # the contrast that WCAG asks of large text


@pytest.fixture
def no_wide_font(monkeypatch):
    monkeypatch.setattr(style, "_wide_font", lambda: None)


@given(st.text(max_size=60))
def test_drawable_text_is_one_short_line_of_known_characters(no_wide_font, text):
    line = style.drawable(text)
    assert len(line) <= 28 and len(line.splitlines()) <= 1
    font = FT2Font(findfont("DejaVu Sans"))
    assert all(font.get_char_index(ord(character)) for character in line)


def test_letters_that_an_installed_font_has_are_drawn_with_it(monkeypatch, tmp_path):
    """In the place of a Chinese font one that comes with matplotlib, and a letter that DejaVu lacks."""
    other = findfont("STIXGeneral")
    letter = chr(min(FT2Font(other).get_charmap().keys() - FT2Font(findfont("DejaVu Sans")).get_charmap().keys()))
    monkeypatch.setattr(style, "_wide_font", lambda: None)
    assert style.drawable(letter) != letter and style.spelled_out(["cat", letter]) == [letter]
    monkeypatch.setattr(style, "_wide_font", lambda: other)
    assert style.drawable(f"a {letter}") == f"a {letter}" and not style.spelled_out(["cat", letter, f"a {letter}"])
    assert style.pillow_font(20, letter).getname()[0] == "STIXGeneral"
    assert style.pillow_font(20, "cat").getname()[0] == "DejaVu Sans"
    figure = style.new_figure(2, 1)
    style.figure_title(figure, letter)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a glyph that is missing
        style.save_picture(figure, tmp_path / "title.png")


def test_drawable_keeps_what_the_font_has_and_spells_out_the_rest(no_wide_font):
    assert style.drawable("Größe Жук café") == "Größe Жук café"
    assert style.drawable("猫") == "\\u732b" != style.drawable("犬")
    assert style.drawable(" two\n words\t") == "two words"
    assert style.drawable("x" * 40, longest=10) == "x" * 9 + "…"


@pytest.fixture(params=["figure", "image"])
def picture(request):
    if request.param == "image":
        return Image.new("RGB", (30, 20), "red")
    figure = style.new_figure(2, 1)
    figure.subplots().plot([1, 2])
    return figure


def test_a_picture_is_a_complete_png_whatever_its_name(picture, tmp_path):
    path = style.save_picture(picture, tmp_path / "new" / "picture.out")
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        assert image.size in {(30, 20), (300, 150)}


@pytest.mark.parametrize("name", ["photo.jpg", "photo.JPEG"])
def test_an_image_with_the_name_of_a_jpeg_is_one_and_keeps_thin_coloured_lines(tmp_path, name):
    image = Image.new("RGB", (64, 48), "white")
    image.paste((0, 114, 178), (20, 0, 22, 48))  # two pixels wide: less than what JPEG usually gives a colour
    with Image.open(style.save_picture(image, tmp_path / name)) as saved:
        assert saved.format == "JPEG"
        assert max(abs(a - b) for a, b in zip(saved.getpixel((21, 24)), (0, 114, 178), strict=True)) < 20


def test_a_picture_that_cannot_be_written_leaves_the_old_one(picture, tmp_path, monkeypatch):
    path = style.save_picture(picture, tmp_path / "picture.png")
    before = path.read_bytes()

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(MinissdError, match="No space left on device"):
        style.save_picture(picture, path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["picture.png"]


ALL_PICTURES = """
import warnings
warnings.filterwarnings("ignore", module="matplotlib|pyparsing")  # what they say of each other
import sys, numpy as np
from types import SimpleNamespace as Some
from minissd.detection import SSD300, default_boxes
from minissd.viz import boxes, curves, default_boxes as maps
from minissd.viz.style import save_picture
image = np.full((60, 80, 3), 200, np.uint8)
box = dict(corners=np.array([[.1, .1, .5, .6]]), labels=np.array([0]))
detections, objects = Some(**box, scores=np.array([.9])), Some(**box, difficult=np.array([False]))
curve = Some(recall=np.array([.5, 1.]), precision=np.array([1., .7]))
pictures = [
    boxes.detection_sheet([boxes.detections_beside_truth(image, detections, objects, ["cat"])]),
    curves.loss_curves([dict(step=1, epoch=1, loss=2., localization=1., confidence=1., lr=.1)]),
    curves.precision_recall_curves({"cat": curve}, {"cat": .8}),
    curves.average_precision_chart({"cat": .8}),
    maps.default_box_maps(image, SSD300),
    maps.matched_boxes(image, objects, ["cat"], default_boxes(SSD300)),
]
for number, picture in enumerate(pictures):
    save_picture(picture, f"{sys.argv[1]}/{number}.png")
assert "matplotlib.pyplot" not in sys.modules
"""


def test_pictures_need_neither_pyplot_nor_a_screen_and_warn_of_nothing(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "MPLBACKEND")}
    command = [sys.executable, "-W", "error", "-c", ALL_PICTURES, str(tmp_path)]
    subprocess.run(command, check=True, env=environment)
    assert len(os.listdir(tmp_path)) == 6
