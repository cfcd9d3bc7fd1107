"""VOC trees: what is read, what is dropped and said so, and one line for everything that is wrong."""

import numpy as np
import pytest
from PIL import Image
from voc_trees import annotation_xml

from minissd.data.images import read_image
from minissd.data.placing import DRAWN_UNTURNED, NO_EXTENT, OUTSIDE, OVER_THE_EDGE, SWAPPED, WRONG_SIZE
from minissd.data.samples import OTHERS, UNSEEN
from minissd.data.voc import VocDataset
from minissd.errors import MinissdError


def open_train(tree, *arguments, **options):
    return VocDataset(tree.root, "train", *arguments, **options)


def refused(tree, one_line, *parts, **options):
    with pytest.raises(MinissdError) as caught:
        VocDataset(tree.root, options.pop("split", "train"), **options)
    one_line(caught, *parts)


def test_a_tree_is_read_as_it_is_written(pets):
    dataset = open_train(pets)
    assert dataset.name == "tree" and dataset.classes == ("cat", "dog") and dataset.notes == []
    assert dataset.ids == ["one", "two", "three"] and len(dataset) == 3
    sample = dataset[1]
    assert sample.id == "two" and sample.image.shape == (30, 40, 3)
    expected = np.array([[10, 5, 30, 25], [4, 4, 9, 9]]) / (40, 30, 40, 30)
    np.testing.assert_allclose(sample.corners, expected, rtol=1e-6)
    assert sample.labels.tolist() == [0, 1] and sample.difficult.tolist() == [True, False]
    assert (sample.corners.dtype, sample.labels.dtype, sample.difficult.dtype) == (np.float32, np.int64, bool)
    for ours, same in zip(dataset.objects(1), sample.objects, strict=True):
        np.testing.assert_array_equal(ours, same)


def test_an_image_without_objects_stays(pets):
    sample = open_train(pets)[2]
    assert sample.corners.shape == (0, 4) and sample.labels.shape == (0,) and sample.difficult.shape == (0,)


def test_a_dataset_can_be_iterated(pets):
    assert [sample.id for sample in open_train(pets)] == ["one", "two", "three"]


def test_classes_are_sorted(tree):
    names = ["pear", "fig", "kiwi", "Apple", "plum", "date", "lime"]
    tree.add("a", [(name, (1, 1, 9, 9)) for name in names])
    assert open_train(tree).classes == ("Apple", "date", "fig", "kiwi", "lime", "pear", "plum")


def test_labels_are_the_same_in_every_split(pets):
    pets.list("val", "one\n")  # no cat in there
    val = VocDataset(pets.root, "val")
    assert val.classes == ("cat", "dog") and val.objects(0).labels.tolist() == [1]


def test_chosen_classes_give_the_labels_and_the_images(pets):
    dataset = open_train(pets, classes=["dog", "cat"])
    assert dataset.classes == ("dog", "cat") and dataset.ids == ["one", "two", "three"]
    assert dataset.objects(1).labels.tolist() == [1, 0]
    cats = open_train(pets, classes=["cat"])
    assert cats.ids == ["two"] and cats.objects(0).labels.tolist() == [0]
    (note,) = cats.notes
    assert note.startswith("images that show no chosen class, left out: 2 (first: one")


def test_a_score_of_classes_some_of_which_are_not_there(pets, one_line):
    """A network of dogs and horses is scored on pets: horses are none there, and cats are not asked for."""
    dataset = open_train(pets, classes=["horse", "dog"], keep_others=True)
    assert dataset.classes == ("horse", "dog") and len(dataset) == 3
    assert [dataset.objects(i).labels.tolist() for i in range(3)] == [[1], [1], []]
    assert dataset.notes == [f"{OTHERS}: 1 (first: two)", f"{UNSEEN}: 1 (first: horse)"]
    refused(pets, one_line, "'horse'", "cat, dog", classes=["horse", "dog"])
    refused(pets, one_line, "'horse'", "cat, dog", classes=["horse"], keep_others=True)


def test_classes_that_only_another_split_shows_are_known(pets):
    pets.list("val", "one\n")
    assert VocDataset(pets.root, "val", classes=["cat", "dog"]).ids == ["one"]


def test_the_limit_takes_the_first_images(pets):
    assert open_train(pets, limit=2).ids == ["one", "two"]
    assert open_train(pets, classes=["cat"], limit=2).ids == ["two"]


def test_lists_may_have_a_column_of_marks_and_repeat_ids(tree):
    tree.add("a").add("b", [("x", (1, 1, 9, 9))]).add("my photo 1").add("last")
    tree.list("train", "\ufeffa  -1\nb\t1\n\nmy photo 1\n  b   1\nlast 0")
    dataset = open_train(tree)
    assert dataset.ids == ["a", "b", "my photo 1", "last"]
    assert dataset.notes == ["images listed more than once, used once: 1 (first: b)"]


@pytest.mark.parametrize("suffix", [".jpg", ".JPG", ".jpeg", ".JPEG", ".png", ".PNG"])
def test_images_of_all_suffixes(tree, suffix):
    tree.add("a", [("x", (1, 1, 9, 9))], suffix=suffix)
    assert open_train(tree)[0].image.shape == (30, 40, 3)


def test_parts_of_an_object_are_no_objects(tree):
    tree.add("a", [("person", (1, 1, 9, 9))])
    xml = annotation_xml([("head", (1, 1, 3, 3))], (40, 30))
    part = xml[xml.index("<object>") : xml.index("</annotation>")].replace("object>", "part>")
    tree.xml("a").write_text(tree.xml("a").read_text().replace("</object>", f"{part}</object>"))
    dataset = open_train(tree)
    assert dataset.classes == ("person",) and len(dataset.objects(0).labels) == 1


def test_faulty_boxes_are_dropped_or_clipped_and_counted(tree):
    tree.add(
        "a",
        [
            ("x", (5, 5, 5, 9)),  # no width
            ("x", (9, 5, 7, 8)),  # drawn from right to left
            ("x", (50, 5, 60, 9)),  # beyond the right edge
            ("x", (-9, -9, 0, 0)),  # beyond the upper left corner
            ("x", (30, 20, 50, 40)),  # over the edge
            ("x", (1.5, 2.5, 7.25, 8)),  # fractions are fine
        ],
    )
    dataset = open_train(tree)
    np.testing.assert_allclose(
        dataset.objects(0).corners,
        [[6 / 40, 4 / 30, 9 / 40, 8 / 30], [29 / 40, 19 / 30, 1, 1], [0.5 / 40, 0.05, 7.25 / 40, 8 / 30]],
        rtol=1e-6,
    )
    assert sorted(dataset.notes) == sorted(
        f"{remark}: {count} (first: a)"
        for remark, count in [(NO_EXTENT, 1), (OUTSIDE, 2), (OVER_THE_EDGE, 1), (SWAPPED, 1)]
    )


@pytest.mark.parametrize("xml_size", [(0, 0), (80, 50), (30, 40)])
def test_the_size_of_the_file_counts(tree, xml_size):
    tree.add("a", [("x", (1, 1, 20, 15))], xml_size=xml_size)
    dataset = open_train(tree)
    np.testing.assert_allclose(dataset.objects(0).corners, [[0, 0, 0.5, 0.5]])
    assert dataset.notes == [f"{WRONG_SIZE}: 1 (first: a)"]


@pytest.mark.parametrize(
    ("orientation", "drawn_on_stored"),
    [*((one, False) for one in range(1, 9)), *((one, True) for one in (5, 6, 7, 8))],
)
def test_boxes_of_exif_turned_images_lie_on_what_they_mark(tree, orientation, drawn_on_stored):
    """A red block is boxed on the picture as it is shown; or on the stored pixels, which the size in the XML
    tells.

    (Of half turns and mirror images the size tells nothing: their boxes belong to the picture as it is
    shown.)
    """
    stored = np.zeros((30, 40, 3), np.uint8)
    stored[3:9, 4:20] = (255, 0, 0)
    tree.add("a")
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tree.image("a"), exif=exif)
    shown = read_image(tree.image("a"))
    drawn_on = stored if drawn_on_stored else shown
    left, top, right, bottom = red_edges(drawn_on)
    voc_box = (left + 1, top + 1, right, bottom)
    tree.xml("a").write_text(annotation_xml([("red", voc_box)], drawn_on.shape[1::-1]))

    dataset = open_train(tree)
    in_pixels = dataset.objects(0).corners * np.tile(shown.shape[1::-1], 2)
    np.testing.assert_allclose(in_pixels, [red_edges(shown)], rtol=1e-6)
    assert dataset.notes == ([f"{DRAWN_UNTURNED}: 1 (first: a)"] if drawn_on_stored else [])


def red_edges(image):
    rows, columns = np.nonzero(image[..., 0])
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


# What is wrong, in one line each.


def test_a_folder_that_is_no_tree(tmp_path, pets, one_line):
    with pytest.raises(MinissdError) as caught:
        VocDataset(tmp_path / "empty", "train")
    one_line(caught, "no Annotations", "no JPEGImages", "ImageSets/Main", "SPLIT.txt")
    with pytest.raises(MinissdError) as caught:
        VocDataset(tmp_path, "train")
    one_line(caught, f"there is one in {pets.root}")


def test_a_missing_split_lists_those_there_are(pets, one_line):
    refused(pets.list("val", "one"), one_line, "'test'", "train, val", split="test")


def test_an_empty_split(pets, one_line):
    refused(pets.list("none", "\n \n"), one_line, "none.txt lists no image", split="none")


def test_an_id_without_image(pets, one_line):
    pets.image("two").unlink()
    refused(pets, one_line, "'two'", "JPEGImages has no image", "train.txt")


def test_unknown_classes_list_those_there_are(pets, one_line):
    refused(pets, one_line, "'horse'", "cat, dog", classes=["dog", "horse"])
    refused(pets, one_line, "empty", "cat, dog", classes=[])


def test_nothing_left_to_use(pets, tree, one_line):
    pets.list("val", "one\nthree\n")
    refused(pets, one_line, "no image shows any of cat", split="val", classes=["cat"])
    refused(pets, one_line, "limit", limit=0)


def test_a_tree_without_a_single_object(tree, one_line):
    refused(tree.add("a"), one_line, "no annotation names any object")


BOMB = """<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]><annotation>&y;</annotation>"""


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["no well-formed XML"]),
        ("<annotation><object>", ["no well-formed XML"]),
        ('<?xml version="1.0" encoding="klingon"?><annotation/>', ["no well-formed XML"]),
        (BOMB, ["entities"]),
        ("<html/>", ["<html>", "<annotation>"]),
        ("<annotation><object><name> </name></object></annotation>", ["object 1 has no <name>"]),
        ("<annotation><object><name>a</name></object></annotation>", ["object 1", "<bndbox>", "xmin"]),
    ],
)
def test_broken_annotations(pets, one_line, text, parts):
    pets.xml("two").write_text(text)
    refused(pets, one_line, pets.xml("two"), *parts)


@pytest.mark.parametrize("value", ["", "wide", "nan", "inf"])
def test_a_box_needs_four_numbers(tree, one_line, value):
    tree.add("a", [("x", (1, 1, 2, 2)), ("x", (1, 1, value, 2))])
    refused(tree, one_line, tree.xml("a"), "object 2")


def test_a_broken_annotation_outside_of_the_split_does_no_harm(pets):
    pets.list("val", "one\n")
    pets.xml("two").write_text("")
    assert VocDataset(pets.root, "val").classes == ("dog",)


def test_a_broken_image_is_named(pets, one_line):
    pets.image("two").write_bytes(b"")
    refused(pets, one_line, pets.image("two"))
