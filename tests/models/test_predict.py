"""predict(): pictures of any kind and size in, boxes in their own pixels with names and scores out."""

from pathlib import Path

import numpy as np
import pytest
from model_table import CASES, narrow_networks
from PIL import Image

from minissd.detection import Detections
from minissd.device import to_numpy
from minissd.errors import MinissdError
from minissd.layers import Initializer
from minissd.models import MODELS, build
from minissd.models.detector import Detector

RED, GREEN, GREY = (255, 0, 0), (0, 200, 0), (128, 128, 128)
SIZE = 400, 200  # width, height of the scene
THINGS = {"red": (40, 60, 120, 160), "green": (240, 20, 380, 100)}  # corners in its pixels
NEAR = 5  # pixels: the finder sees a tenth of the width


class Finder(Detector):
    """Finds what is red and what is green, by its pixels."""

    def __init__(self):
        init = Initializer(np.random.default_rng(0), "float32")
        super().__init__("finder", ("red", "green"), input_size=100, init=init, pixel_mean=(0, 0, 0), pixel_scale=1)
        self.batches = []

    def detect(self, images, score_threshold):
        self.batches.append(len(images))
        return [self.found(image.astype(int), score_threshold) for image in to_numpy(images)]

    def found(self, image, least):
        rows = []
        for label, channel in enumerate((0, 1)):
            others = image.sum(axis=-1) - image[..., channel]
            y, x = np.nonzero((image[..., channel] > 150) & (others < 100))
            score = 0.9 - 0.3 * label
            if len(x) and score >= least:
                rows.append((x.min(), y.min(), x.max() + 1, y.max() + 1, label, score))
        rows = np.array(rows).reshape(-1, 6)
        return Detections((rows[:, :4] / 100).astype(np.float32), rows[:, 4].astype(int), rows[:, 5])


@pytest.fixture
def finder():
    return Finder()


def scene(size=SIZE):
    """The things on grey; of another size, scaled."""
    picture = Image.new("RGB", SIZE, GREY)
    for colour, corners in zip((RED, GREEN), THINGS.values(), strict=True):
        picture.paste(colour, corners)
    return picture.resize(size, Image.Resampling.NEAREST)


def expect(found, scale=(1, 1)):
    assert found.names == ["red", "green"]
    np.testing.assert_allclose(found.scores, [0.9, 0.6])
    assert (found.boxes.dtype, found.boxes.shape) == (np.float64, (2, 4))
    for box, corners in zip(found.boxes, THINGS.values(), strict=True):
        np.testing.assert_allclose(box / [*scale, *scale], corners, atol=NEAR)


# --- what a picture may be ---


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp"])
@pytest.mark.parametrize("kind", [str, Path])
def test_a_path(finder, tmp_path, suffix, kind):
    path = tmp_path / f"scene{suffix}"
    scene().save(path, **({"lossless": True} if suffix == ".webp" else {}))
    expect(finder.predict(kind(path)))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_pillow_image(finder, mode):
    expect(finder.predict(scene().convert(mode)))


def test_an_array(finder):
    pixels = np.asarray(scene())
    expect(finder.predict(pixels))
    expect(finder.predict(pixels[:, ::-1][:, ::-1]))  # not in one piece
    expect(finder.predict(np.asarray(scene().convert("RGBA"))))


def test_what_is_transparent_is_white_in_an_array_as_in_a_file(finder, tmp_path):
    pixels = np.asarray(scene().convert("RGBA")).copy()
    pixels[:, :200, 3] = 0  # hides the red thing
    Image.fromarray(pixels).save(tmp_path / "half.png")
    for picture in (pixels, Image.fromarray(pixels), tmp_path / "half.png"):
        assert finder.predict(picture).names == ["green"]
        np.testing.assert_array_equal(finder.seen(picture)[0][:, :40], 255)


def test_grey_becomes_three_equal_channels(finder, tmp_path):
    grey = scene().convert("L")
    grey.save(tmp_path / "grey.png")
    pixels, with_alpha = np.asarray(grey), np.asarray(grey.convert("LA"))
    expected = np.repeat(np.asarray(grey.resize((100, 100), Image.Resampling.BILINEAR))[..., None], 3, axis=2)
    for picture in (pixels, pixels[..., None], with_alpha, grey, tmp_path / "grey.png"):
        np.testing.assert_array_equal(finder.seen(picture)[0], expected)
        assert finder.predict(picture).names == []


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_are_those_of_the_picture_as_it_is_shown(finder, tmp_path, orientation):
    stored = scene()
    back = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE"}
    back |= {6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270"}  # 6 is shown turned to the right
    if orientation > 1:
        stored = stored.transpose(getattr(Image.Transpose, back[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    for suffix, options in ((".jpg", {"quality": 95, "subsampling": 0}), (".tif", {})):
        path = tmp_path / f"turned{suffix}"
        stored.save(path, exif=exif, **options)
        expect(finder.predict(path))
        with Image.open(path) as opened:
            expect(finder.predict(opened))


def test_a_large_photograph_has_boxes_in_its_full_size(finder, tmp_path):
    """Though it is decoded at a part of it."""
    scene((4800, 2400)).save(tmp_path / "large.jpg", quality=90)
    expect(finder.predict(tmp_path / "large.jpg"), scale=(12, 12))
    expect(finder.predict(scene((100, 400))), scale=(0.25, 2))


# --- several ---


def test_a_list_gives_a_list_and_the_empty_list_an_empty_one(finder):
    assert finder.predict([]) == []
    assert finder.predict(np.zeros((0, 5, 5, 3), np.uint8)) == []
    one, other = finder.predict([scene(), np.asarray(scene((200, 300)))])
    expect(one)
    expect(other, scale=(0.5, 1.5))
    (alone,) = finder.predict((scene(),))
    expect(alone)
    for found in finder.predict(np.stack([np.asarray(scene())] * 3)):
        expect(found)


def test_a_generator_is_taken_a_batch_at_a_time(finder):
    alive = []

    def pictures():
        for _ in range(7):
            alive.append(len(finder.batches))
            yield scene()

    assert len(finder.predict(pictures(), batch_size=3)) == 7
    assert finder.batches == [3, 3, 1]
    assert alive == [0, 0, 0, 1, 1, 1, 2]  # the fourth is asked for when the first three are done


def test_only_what_scores_enough_is_named(finder):
    assert finder.predict(scene(), score=0.7).names == ["red"]
    nothing = finder.predict(scene(), score=0.95)
    assert (nothing.boxes.shape, nothing.names, nothing.scores.shape) == ((0, 4), [], (0,))
    assert finder.predict([scene()], score=0.7)[0].names == ["red"]


# --- what is no picture ---


def test_a_missing_file_is_one_line_with_its_name(finder, tmp_path):
    for images in (tmp_path / "none.jpg", [scene(), str(tmp_path / "none.jpg")]):
        with pytest.raises(MinissdError, match=r"none\.jpg does not exist") as raised:
            finder.predict(images)
        assert "\n" not in str(raised.value)


def test_a_file_that_is_none_and_an_image_cut_short_are_named(finder, tmp_path):
    (tmp_path / "notes.jpg").write_text("no picture")
    scene().save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:1500])
    for name in ("notes.jpg", "cut.jpg"):
        with pytest.raises(MinissdError, match=name.replace(".", r"\.")):
            finder.predict(tmp_path / name)
    with Image.open(tmp_path / "cut.jpg") as opened, pytest.raises(MinissdError, match=r"cut\.jpg"):
        finder.predict(opened)
    with pytest.raises(MinissdError):
        finder.predict(tmp_path)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((20, 30, 3)), "float64.*uint8"),
        (np.zeros((20, 30, 3), np.uint16), "uint16"),
        (np.zeros((20, 30), bool), "bool"),
        (np.zeros((3, 20, 30), np.uint8), r"\(3, 20, 30\).*move the channels"),
        (np.zeros((20, 0, 3), np.uint8), r"\(20, 0, 3\)"),
        (np.zeros((20, 30, 5), np.uint8), r"\(20, 30, 5\)"),
        (np.zeros((2, 2, 20, 30, 3), np.uint8), r"\(2, 20, 30, 3\)"),
        (np.zeros(7, np.uint8), r"\(7,\)"),
        (None, "NoneType"),
        (7, "int"),
        (b"bytes", "int"),
        ([["a.jpg"]], "list"),
        ([None], "NoneType"),
    ],
)
def test_what_is_no_picture_is_refused_with_what_would_be(finder, images, words):
    with pytest.raises((TypeError, ValueError), match=words) as raised:
        finder.predict(images)
    assert "path" in str(raised.value)


def test_a_batch_needs_a_picture(finder):
    with pytest.raises(ValueError, match="batch_size"):
        finder.predict([scene()], batch_size=0)


# --- every detector ---

DETECTORS = {name: case for name, case in CASES.items() if MODELS[case.name].task == "detect" and not case.full}


@pytest.mark.parametrize("case", DETECTORS.values(), ids=DETECTORS)
def test_every_detector_predicts_what_it_detects_in_pixels(case, monkeypatch):
    narrow_networks(monkeypatch)
    model = build(case.name, classes=("a", "b"), **case.options)
    pixels = np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8)
    found = model.predict(pixels, score=0)
    with model.inference():
        (expected,) = model.detect(model.resized(pixels)[None], score_threshold=0)
    np.testing.assert_allclose(found.boxes, expected.corners * [160, 90, 160, 90], rtol=1e-6)
    assert found.names == [("a", "b")[label] for label in expected.labels]
    np.testing.assert_array_equal(found.scores, expected.scores)


def test_on_the_card_the_pictures_are_taken_there(strict):
    models = [build("ssd-tiny", classes=("a", "b"), input_size=64, device=device) for device in ("cpu", "cuda")]
    pixels = np.random.default_rng(0).integers(0, 256, (2, 90, 160, 3), np.uint8)
    for expected, found in zip(*(model.predict(pixels, score=0.4) for model in models), strict=True):
        assert found.names == expected.names
        np.testing.assert_allclose(found.boxes, expected.boxes, atol=0.01)
