"""What networks take as images, and what they say of all else: floats 0..255 above all, which look like images."""

import numpy as np
import pytest
from model_table import CASES, narrow_networks

from minissd.models import Normalized, build
from minissd.weights.vgg_layouts import CAFFE, IMAGENET, TORCHVISION_CAFFE

SIZE = 64


@pytest.fixture
def model():
    return build("ssd-tiny", classes=("a", "b"), input_size=SIZE)


@pytest.fixture(scope="module")
def pixels():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)


def answers_of(model):
    """The ways to put images into a network."""
    own = {"detect": "detect", "classify": "classify", "segment": "segment", "regress": "estimate"}[model.task]
    return model.forward, model.infer, getattr(model, own), lambda images: list(model.trace(images))


@pytest.mark.parametrize("case", [case for case in CASES.values() if not case.full], ids=str)
def test_no_network_takes_float_pixels_for_normalised_ones(case, monkeypatch):
    narrow_networks(monkeypatch)
    model = build(case.name, classes=("a", "b"), **case.options)
    shape = (1, model.input_size, model.input_size, model.channels)
    whole = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    for floats in (whole.astype(np.float32), whole / 255, (whole // 128).astype(np.float64)):
        for answer in answers_of(model):
            with pytest.raises(ValueError, match="normalised pixels.*as uint8"):
                answer(floats)


@pytest.mark.parametrize("reading", [CAFFE, IMAGENET, TORCHVISION_CAFFE], ids=["caffe", "imagenet", "torchvision"])
def test_published_normalisations_are_told_from_pixels(model, pixels, reading):
    """Those without a scale put pixels into -124..151, so that the size of the numbers tells nothing."""
    for key, values in reading._asdict().items():
        model.buffers[f"pixels.{key}"][...] = values
    normalised = model.normalize(pixels)
    for ours, theirs in zip(model.forward(normalised)[0], model.forward(pixels)[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match="from 0 to 255"):
        model.forward(pixels.astype(np.float32))


@pytest.mark.parametrize("change", [lambda x: x / 255, lambda x: 1.05 * x - 6, lambda x: x + np.float32(3)])
def test_pixels_that_a_filter_has_pushed_beyond_their_range_are_still_pixels(model, pixels, change):
    with pytest.raises(ValueError, match="normalised pixels"):
        model.detect(change(pixels.astype(np.float32)))


def test_who_says_that_floats_are_normalised_is_believed(model):
    bright = np.random.default_rng(1).integers(200, 256, (1, SIZE, SIZE, 3), np.uint8)
    normalised = model.normalize(bright)
    with pytest.raises(ValueError, match=r"minissd\.models\.Normalized\(images\)"):
        model.detect(normalised)
    for ours, theirs in zip(model.infer(Normalized(normalised)), model.infer(bright), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(model, pixels, bad):
    images = model.normalize(pixels)
    images[0, 3, 4, 1] = bad
    with pytest.raises(ValueError, match="nan|inf"):
        model.detect(images)


def test_black_and_grey_and_dark_pictures_that_are_normalised_pass(model):
    for colour in ((0, 0, 0), (123, 117, 104), (60, 60, 60), (200, 100, 90)):
        images = np.broadcast_to(np.array(colour, np.uint8), (1, SIZE, SIZE, 3))
        np.testing.assert_array_equal(model.infer(model.normalize(images))[0], model.infer(images)[0])
    model.forward(np.zeros((1, SIZE, SIZE, 3)))


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((SIZE, SIZE, 3), np.uint8), r"image\[None\]"),
        (np.zeros((2, 3, SIZE, SIZE), np.uint8), r"transpose\(0, 2, 3, 1\)"),
        (np.zeros((2, SIZE, SIZE, 4), np.uint8), "3 channels; minissd.data.as_rgb"),
        (np.zeros((2, SIZE, SIZE, 1), np.uint8), "3 channels; minissd.data.as_rgb"),
        (np.zeros((2, SIZE, SIZE), np.uint8), "3 channels; minissd.data.as_rgb"),
        (np.zeros((2, 90, 80, 3), np.uint8), r"model\.resized"),
        (np.zeros((0, SIZE, SIZE, 3), np.uint8), "at least one"),
        (np.zeros((SIZE, SIZE, 3)), r"image\[None\]"),
        ([np.zeros((SIZE, SIZE, 3), np.uint8)], "got list"),
        ("photo.jpg", "got str"),
        (None, "got NoneType"),
        (np.zeros((1, SIZE, SIZE, 3), np.uint16), "uint16.*as uint8"),
        (np.zeros((1, SIZE, SIZE, 3), bool), "bool.*as uint8"),
    ],
)
def test_other_images_are_refused_with_what_to_do(model, images, words):
    for answer in answers_of(model):
        with pytest.raises((TypeError, ValueError), match=words) as raised:
            answer(images)
        assert "ssd-tiny reads" in str(raised.value)


def test_grey_digits_without_an_axis_of_channels_are_told_which():
    model = build("lenet5", classes=tuple("0123456789"))
    for shape in ((28, 28), (5, 28, 28)):
        with pytest.raises(ValueError, match=r"images\[\.\.\., None\]"):
            model.classify(np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match="1 channel;"):
        model.classify(np.zeros((5, 28, 28, 3), np.uint8))


def test_resized_makes_what_the_network_reads(model):
    for shape in ((30, 40, 3), (90, 200, 1), (SIZE, SIZE, 3)):
        image = model.resized(np.full(shape, 77, np.uint8))
        np.testing.assert_array_equal(image, np.full((SIZE, SIZE, 3), 77))
    with pytest.raises(ValueError, match=r"\(30, 40, 4\).*as_rgb"):
        model.resized(np.zeros((30, 40, 4), np.uint8))


def test_images_on_another_device_than_the_network_are_refused(strict, pixels):
    there = build("ssd-tiny", classes=("a", "b"), input_size=SIZE, device="cuda")
    with pytest.raises(TypeError, match="two devices"):
        there.detect(pixels)
