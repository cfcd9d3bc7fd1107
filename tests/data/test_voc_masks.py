"""Masks of VOC trees: read number by number, and one line for everything that is wrong."""

import numpy as np
import pytest
from mask_trees import COLOURS, MaskTree, square_mask
from PIL import Image

from minissd.data import VocDataset, VocMasks, open_dataset
from minissd.data.mask_names import ALPHABET
from minissd.data.voc_masks import NOBODY
from minissd.errors import MinissdError
from minissd.metrics.segmentation import VOID


@pytest.fixture
def masks(tmp_path):
    return MaskTree(tmp_path / "tree")


@pytest.fixture
def refused(masks, one_line):
    def check(*parts, split="train", **options):
        with pytest.raises(MinissdError) as caught:
            VocMasks(masks.root, split, **options)
        one_line(caught, *parts)

    return check


def test_image_and_mask_are_read_as_they_are_written(masks, rng):
    written = rng.choice(np.array([0, 1, 2, VOID], np.uint8), (20, 30))
    masks.add("a", written).add("b", square_mask(rng))
    dataset = VocMasks(masks.root, "train")
    assert (dataset.ids, dataset.classes, len(dataset)) == (["a", "b"], ("cat", "dog"), 2)
    assert dataset.notes == [f"{ALPHABET}: 1 cat, 2 dog (classes.txt can say otherwise)"]
    sample = dataset[0]
    np.testing.assert_array_equal(sample.mask, written)
    np.testing.assert_array_equal(sample.image[written == 2], np.broadcast_to(COLOURS[2], ((written == 2).sum(), 3)))
    np.testing.assert_array_equal(dataset.mask(0), written)
    assert sample.id == "a" and sample.mask.dtype == np.uint8


def test_classes_that_are_chosen_are_numbered_anew_and_the_others_are_background(masks):
    masks.add("a", [[0, 1, 2, VOID]]).add("b", [[1, 1, 1, 1]])
    swapped = VocMasks(masks.root, "train", classes=["dog", "cat"])
    assert swapped.mask(0).tolist() == [[0, 2, 1, VOID]]
    dogs = VocMasks(masks.root, "train", classes=["dog"])
    assert dogs.mask(0).tolist() == [[0, 0, 1, VOID]]
    assert dogs.notes[1:] == [f"{NOBODY}: 1 (first: b)"]  # kept all the same: its pixels are background


def test_classes_txt_goes_before_the_annotations(masks):
    (masks.root / "classes.txt").write_text("zebra\napple\n")
    dataset = VocMasks(masks.add("a", [[0, 1, 2]]).root, "train")
    assert dataset.classes == ("zebra", "apple") and dataset.mask(0).tolist() == [[0, 1, 2]]


def test_grey_masks_and_the_lists_of_main(masks):
    masks.add("a", [[0, 1, VOID]])
    Image.fromarray(np.array([[0, 2, VOID]], np.uint8)).save(masks.mask("a"))
    masks.lists.rename(masks.root / "ImageSets" / "Main")
    assert VocMasks(masks.root, "train").mask(0).tolist() == [[0, 2, VOID]]


def test_a_limit_takes_the_first(masks):
    for name in "abc":
        masks.add(name, [[1]])
    assert VocMasks(masks.root, "train", limit=2).ids == ["a", "b"]


def test_the_catalogue_opens_them_for_their_task(masks):
    masks.add("a", [[0, 1]])
    assert open_dataset(str(masks.root), "train", task="segment", keep_others=True).mask(0).tolist() == [[0, 1]]
    with pytest.raises(MinissdError, match="not to classify"):
        open_dataset(str(masks.root), "train", task="classify")


def test_penn_fudan_counts_the_people_it_has_boxes_of(shared):
    """A mask holds as many pixels of people as the masks of its persons, and the centre of most boxes."""
    root = shared / "data" / "pennfudan"
    dataset, boxes = VocMasks(root, "val"), VocDataset(root, "val")
    assert dataset.classes == ("person",) and dataset.ids == boxes.ids and len(dataset) == 50
    inside, total = 0, 0
    for i in range(0, 50, 5):
        sample, corners = dataset[i], boxes.objects(i).corners
        assert sample.mask.shape == sample.image.shape[:2] and set(np.unique(sample.mask)) == {0, 1}
        height, width = sample.mask.shape
        x, y = (corners[:, 0] + corners[:, 2]) / 2 * width, (corners[:, 1] + corners[:, 3]) / 2 * height
        inside += sample.mask[y.astype(int), x.astype(int)].sum()
        total += len(corners)
    assert inside > 0.8 * total


def test_a_mask_of_another_size_than_its_image(masks, refused):
    masks.add("a", np.ones((20, 30)))
    Image.fromarray(np.ones((10, 30), np.uint8)).save(masks.mask("a"))
    refused(masks.mask("a"), "30x10", "a.png is 30x20")


def test_a_class_number_out_of_range(masks, refused):
    masks.add("a", [[0, 1, 3]])
    refused(masks.mask("a"), "class number 3", "2 classes", "cat, dog")


def test_a_missing_mask_or_image(masks, refused):
    masks.add("a", [[0, 1]]).add("b", [[0, 1]])
    masks.mask("b").unlink()
    refused("train.txt", "'b'", "SegmentationClass has no b.png")
    (masks.root / "JPEGImages" / "a.png").unlink()
    refused("train.txt", "'a'", "JPEGImages has no image of the name")


def test_a_damaged_mask(masks, refused):
    masks.add("a", square_mask(np.random.default_rng(0)))
    masks.mask("a").write_bytes(masks.mask("a").read_bytes()[:-40])
    refused(masks.mask("a"), "cannot be read")


def test_masks_of_0_and_255_teach_nothing(masks, refused):
    masks.add("a", [[0, VOID]])
    refused("no mask shows any of cat, dog", "1 to 2", "0 and 255 alone", "write 1 for 255")


def test_a_tree_without_names_or_the_split(masks, refused):
    masks.add("a", [[1]])
    refused("'test'", "train", split="test")
    refused("zebra", "cat, dog", classes=["zebra"])
    (masks.root / "classes.txt").write_text("cat\ncat\n")
    refused("classes.txt", "different names")
    (masks.root / "classes.txt").unlink()
    (masks.root / "Annotations" / "names.xml").unlink()
    refused("name the classes in classes.txt")


def test_boxes_alone_are_no_masks(pets, one_line):
    with pytest.raises(MinissdError) as caught:
        open_dataset(str(pets.root), "train", task="segment")
    one_line(caught, pets.root, "no SegmentationClass", "ID.png")
