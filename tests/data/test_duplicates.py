"""One picture in several files."""

import io

import numpy as np
import pytest
from PIL import Image

from minissd.data import ShapesDataset
from minissd.data.duplicates import find_copies, fingerprint
from minissd.data.survey import look_at_images, survey


@pytest.fixture(scope="module")
def pictures():
    """Twelve different ones, (120, 120, 3)."""
    scenes = ShapesDataset(12, size=120)
    return [scenes[i].image for i in range(12)]


def groups(*images):
    return find_copies(dict(enumerate(map(fingerprint, images))))


def again_as_jpeg(image, quality=60):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def resized(image, width, height):
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


def brighter(image):
    return (image.astype(int) * 9 // 10 + 20).clip(0, 255).astype(np.uint8)


def captioned(image):
    image = image.copy()
    image[10:18, 70:110] = 255
    return image


CHANGES = {
    "compressed": again_as_jpeg,
    "smaller": lambda image: resized(image, 60, 60),
    "larger": lambda image: resized(image, 300, 280),
    "brighter": brighter,
    "captioned": captioned,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_copy_is_found_and_is_not_exact(pictures, change):
    assert groups(*pictures, change(pictures[3])) == [([3, 12], False)]


@pytest.mark.parametrize("other", [lambda image: image[:, ::-1], lambda image: 255 - image], ids=["mirror", "negative"])
def test_what_is_another_picture(pictures, other):
    for image in pictures:
        assert groups(image, np.ascontiguousarray(other(image))) == []


def test_exact_copies_and_groups_of_more_than_two(pictures):
    a, b = pictures[:2]
    assert groups(*pictures, a.copy()) == [([0, 12], True)]
    assert groups(a, b, again_as_jpeg(b), brighter(b), a) == [([0, 4], True), ([1, 2, 3], False)]
    numbered = {7: fingerprint(b), 2: fingerprint(a), 9: fingerprint(a)}
    assert find_copies(numbered) == [([2, 9], True)]


def test_blank_and_grey_pictures():
    """Where nothing tells images apart but their colour; and the digits of MNIST have one channel."""
    blank = [np.full((20, 30, 3), grey, np.uint8) for grey in (0, 10, 200, 255)]
    assert groups(*blank) == [([0, 1], False)]
    assert groups(blank[0][..., :1], blank[0][..., :1], blank[3][..., :1]) == [([0, 1], True)]
    assert groups() == []


def test_pairs_far_apart_in_a_long_list_are_found(monkeypatch, pictures):
    monkeypatch.setattr("minissd.data.duplicates._ROWS", 5)
    told = []
    prints = dict(enumerate(map(fingerprint, [*pictures, pictures[1], again_as_jpeg(pictures[6])])))
    assert find_copies(prints, report=lambda *done: told.append(done)) == [([1, 12], True), ([6, 13], False)]
    assert told == [(5, 14), (10, 14), (14, 14)]


def test_the_copies_among_the_raccoons(shared):
    """Those that its README names, and number 51 with a caption, which is 85."""
    found = survey(shared / "data" / "raccoon")
    copies = find_copies(look_at_images(found).prints)
    named = [sorted(int(found.id(image).removeprefix("raccoon-")) for image in one.images) for one in copies]
    assert sorted(named) == [[11, 116], [21, 45], [50, 52, 74], [51, 85], [65, 98], [83, 120]]
    assert all(len(found.splits_of(one.images)) == 1 for one in copies)
