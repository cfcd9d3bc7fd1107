"""What numbers and colours in masks mean: by labelmap.txt, by a list of names, with the background in front or not."""

import numpy as np
import pytest
from mask_trees import MaskTree
from PIL import Image
from scenes import BLUE, BLUE_BOX, RED, RED_BOX, as_stored, scene
from voc_trees import annotation_xml

from minissd.data import VocMasks
from minissd.data.mask_names import ALPHABET, BY_BOXES
from minissd.data.voc_masks import TURNED
from minissd.errors import MinissdError
from minissd.metrics.segmentation import VOID

LABELMAP = "# label:color_rgb:parts:actions\nbackground:0,0,0::\nred:250,50,83::\nblue : 50, 183, 250 :a,b:c\n"


@pytest.fixture
def masks(tmp_path):
    return MaskTree(tmp_path / "tree")


@pytest.fixture
def refused(masks, one_line):
    def check(*parts):
        with pytest.raises(MinissdError) as caught:
            VocMasks(masks.root, "train")
        one_line(caught, *parts)

    return check


@pytest.fixture
def coloured(masks):
    """The scene and its mask in the colours of CVAT."""
    (masks.root / "labelmap.txt").write_text(LABELMAP)
    numbers = np.zeros((120, 160), np.uint8)
    for number, (x_min, y_min, x_max, y_max) in enumerate((RED_BOX, BLUE_BOX), 1):
        numbers[y_min:y_max, x_min:x_max] = number
    masks.add("a", numbers)
    Image.fromarray(scene()).save(masks.root / "JPEGImages" / "a.png")
    masks.numbers, masks.colours = numbers, np.array([(0, 0, 0), (250, 50, 83), (50, 183, 250)], np.uint8)[numbers]
    Image.fromarray(masks.colours).save(masks.mask("a"))
    return masks


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "numbers"])
def test_colours_mean_what_labelmap_says(coloured, mode):
    picture = Image.fromarray(coloured.colours)
    if mode == "P":
        picture = picture.quantize(3)  # a palette in an order of its own: the colours count
        assert (np.asarray(picture) != coloured.numbers).any()
    elif mode == "numbers":
        picture = Image.fromarray(coloured.numbers)
    else:
        picture = picture.convert(mode)
    picture.save(coloured.mask("a"))
    dataset = VocMasks(coloured.root, "train")
    assert dataset.classes == ("red", "blue") and dataset.notes == []
    sample = dataset[0]
    np.testing.assert_array_equal(sample.mask, coloured.numbers)
    assert (sample.image[sample.mask == 1] == RED).all() and (sample.image[sample.mask == 2] == BLUE).all()
    chosen = VocMasks(coloured.root, "train", classes=["blue"])
    np.testing.assert_array_equal(chosen.mask(0), coloured.numbers == 2)


def test_colours_that_nothing_names(coloured, refused):
    coloured.colours[0, :2] = (1, 2, 3)
    Image.fromarray(coloured.colours).save(coloured.mask("a"))
    refused(coloured.mask("a"), "2 pixels of colours that labelmap.txt does not name", "1,2,3")
    Image.fromarray(coloured.colours).resize((90, 60)).resize((160, 120)).save(coloured.mask("a"))
    refused(coloured.mask("a"), "blur the edges")


def test_void_and_background_by_colour(coloured):
    (coloured.root / "labelmap.txt").write_text(LABELMAP + "ignored:1,1,1::\n__ignore__:9,9,9::\n")
    coloured.colours[0, :4] = [(224, 224, 192), (9, 9, 9), (0, 0, 0), (1, 1, 1)]
    Image.fromarray(coloured.colours).save(coloured.mask("a"))
    dataset = VocMasks(coloured.root, "train")
    assert dataset.classes == ("red", "blue", "ignored") and dataset.mask(0)[0, :4].tolist() == [VOID, VOID, 0, 3]


@pytest.mark.parametrize(
    "text", ["red=1,2,3", "red:1,2", "red:1,2,300", "red:1,2,3\nblue:1,2,3", "", "a:1,1,1\na:2,2,2"]
)
def test_a_labelmap_that_says_nothing(coloured, refused, text):
    (coloured.root / "labelmap.txt").write_text(text)
    refused("labelmap.txt", "expected")


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_without_a_labelmap(masks, refused, mode):
    masks.add("a", [[0, 1]])
    Image.new(mode, (2, 1), "red").save(masks.mask("a"))
    refused(masks.mask("a"), "in colours", "labelmap.txt", "NAME:R,G,B", "palette or grey")


@pytest.mark.parametrize("mode", ["RGB", "I;16"])
def test_numbers_may_be_stored_three_times_or_in_sixteen_bits(masks, mode):
    masks.add("a", [[0, 1, 2, VOID]])
    grey = np.array([[0, 1, 2, VOID]], np.uint16 if mode == "I;16" else np.uint8)
    Image.fromarray(grey if mode == "I;16" else np.stack([grey] * 3, axis=-1)).save(masks.mask("a"))
    assert VocMasks(masks.root, "train").mask(0).tolist() == [[0, 1, 2, VOID]]


def boxed(masks, image_id, numbers, *objects):
    masks.add(image_id, numbers)
    text = annotation_xml([(name, (x + 1, y + 1, x_max, y_max)) for name, (x, y, x_max, y_max) in objects], (160, 120))
    (masks.root / "Annotations" / f"{image_id}.xml").write_text(text)


@pytest.mark.parametrize("numbers", [(1, 2), (2, 1)])
def test_boxes_tell_which_number_is_which_class(masks, numbers):
    """cat lies in the red box and dog in the blue one, whatever their numbers."""
    pixels = np.zeros((120, 160), np.uint8)
    for number, (x_min, y_min, x_max, y_max) in zip(numbers, (RED_BOX, BLUE_BOX)):
        pixels[y_min:y_max, x_min:x_max] = number
    for image_id in "abc":
        boxed(masks, image_id, pixels, ("cat", RED_BOX), ("dog", BLUE_BOX))
    dataset = VocMasks(masks.root, "train")
    order = ("cat", "dog") if numbers == (1, 2) else ("dog", "cat")
    assert dataset.classes == order and dataset.notes[0].startswith(f"{BY_BOXES}: 1 {order[0]}, 2 {order[1]}")
    assert (
        dataset.classes[dataset.mask(0)[35, 35] - 1] == "cat" and dataset.classes[dataset.mask(0)[90, 120] - 1] == "dog"
    )
    named = VocMasks(masks.root, "train", classes=["cat"])
    assert named.mask(0)[35, 35] == 1 and named.mask(0)[90, 120] == 0


def test_boxes_that_contradict_each_other_tell_nothing(masks):
    pixels = np.zeros((120, 160), np.uint8)
    for number, (x_min, y_min, x_max, y_max) in ((2, RED_BOX), (1, BLUE_BOX)):
        pixels[y_min:y_max, x_min:x_max] = number
    boxed(masks, "a", pixels, ("cat", RED_BOX), ("dog", BLUE_BOX))
    boxed(masks, "b", pixels, ("dog", RED_BOX), ("cat", BLUE_BOX))
    dataset = VocMasks(masks.root, "train")
    assert dataset.classes == ("cat", "dog") and dataset.notes[0].startswith(f"{ALPHABET}: 1 cat, 2 dog")


@pytest.mark.parametrize("first", ["_background_", "background", "__ignore__\n_background_", "BACKGROUND"])
@pytest.mark.parametrize("name", ["classes.txt", "class_names.txt"])
def test_the_background_in_front_is_number_0(masks, first, name):
    (masks.root / name).write_text(f"{first}\nred\nblue\n")
    dataset = VocMasks(masks.add("a", [[0, 1, 2]]).root, "train")
    assert dataset.classes == ("red", "blue") and dataset.mask(0).tolist() == [[0, 1, 2]]
    assert len(dataset.notes) == 1 and "background first" in dataset.notes[0] and "1 red, 2 blue" in dataset.notes[0]


def test_the_background_elsewhere_is_refused(masks, refused):
    (masks.root / "classes.txt").write_text("red\nbackground\nblue\n")
    masks.add("a", [[0, 1, 2]])
    refused("classes.txt", "'background'", "number 0")


def test_shades_of_blurred_edges(masks, refused):
    masks.add("a", [np.arange(100)])
    refused(masks.mask("a"), "class number 3 and 96 more", "blur the edges")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_masks_of_pictures_that_exif_turns(coloured, orientation):
    """Made on the picture as it is shown, or, where the sides tell, on its stored pixels."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(as_stored(scene(), orientation)))
    stored.save(coloured.root / "JPEGImages" / "a.png", exif=exif)
    np.testing.assert_array_equal(VocMasks(coloured.root, "train").mask(0), coloured.numbers)
    if orientation >= 5:
        Image.fromarray(np.ascontiguousarray(as_stored(coloured.colours, orientation))).save(coloured.mask("a"))
        dataset = VocMasks(coloured.root, "train")
        np.testing.assert_array_equal(dataset.mask(0), coloured.numbers)
        assert dataset.notes == [f"{TURNED}: 1 (first: a)"]
