"""The published Penn-Fudan layout becomes a VOC tree."""

import numpy as np
import pytest
from pennfudan_set import SIZE, publish
from PIL import Image

from minissd.data.pennfudan import to_voc_tree
from minissd.data.voc import VocDataset
from minissd.errors import MinissdError


@pytest.fixture
def published(tmp_path):
    folder = tmp_path / "PennFudanPed"
    for number in range(17):
        publish(folder, f"Ped{number:05d}", [(3, 2, 10, 20), (15, 5, 21 + number, 29)], "\r\n" if number % 2 else "\n")
    return folder


def test_it_reads_as_a_voc_tree(published, tmp_path):
    to_voc_tree(published, tmp_path / "tree")
    train, val, both = (VocDataset(tmp_path / "tree", split) for split in ("train", "val", "trainval"))
    assert (len(train), len(val)) == (12, 5) and sorted(train.ids + val.ids) == both.ids
    assert train.classes == ("person",) and both.notes == []
    for index in range(17):
        sample = both[index]
        assert sample.image.shape == (*SIZE[::-1], 3) and sample.labels.tolist() == [0, 0]
        for number, corners in enumerate(sample.corners, start=1):  # each box is tight around its own person
            rows, columns = np.nonzero(sample.image[..., 1] == number)
            tight = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            np.testing.assert_allclose(corners * (*SIZE, *SIZE), tight, rtol=1e-5)


def test_masks_of_objects_and_of_the_class(published, tmp_path):
    tree = tmp_path / "tree"
    before = np.asarray(Image.open(published / "PedMasks" / "Ped00003_mask.png"))
    to_voc_tree(published, tree)
    objects, classes = (
        Image.open(tree / part / "Ped00003.png") for part in ("SegmentationObject", "SegmentationClass")
    )
    assert objects.mode == classes.mode == "P"
    np.testing.assert_array_equal(np.asarray(objects), before)
    np.testing.assert_array_equal(np.asarray(classes), before > 0)
    assert classes.convert("RGB").getpixel((4, 4)) == (128, 0, 0)  # the first colour of VOC
    for split in ("train", "val", "trainval"):
        lists = [(tree / "ImageSets" / part / f"{split}.txt").read_text() for part in ("Main", "Segmentation")]
        assert lists[0] == lists[1]


def test_the_split_is_that_of_the_sample_data(shared, tmp_path):
    """Which was drawn from the 170 names alone, with the same seed."""
    sample = shared / "data" / "pennfudan" / "ImageSets" / "Main"
    for stem in (sample / "trainval.txt").read_text().split():
        publish(tmp_path / "PennFudanPed", stem, [(1, 1, 9, 9)])
    to_voc_tree(tmp_path / "PennFudanPed", tmp_path / "tree")
    for split in ("train", "val"):
        ours = (tmp_path / "tree" / "ImageSets" / "Main" / f"{split}.txt").read_text().split()
        assert sorted(ours) == sorted((sample / f"{split}.txt").read_text().split())


@pytest.mark.parametrize("part", ["PNGImages/Ped00002.png", "PedMasks/Ped00002_mask.png"])
def test_missing_parts(published, tmp_path, one_line, part):
    (published / part).unlink()
    refused(published, tmp_path, one_line, "Ped00002.txt", part.split("/")[1])


@pytest.mark.parametrize("part", ["PedMasks/Ped00002_mask.png", "Annotation/Ped00002.txt"])
def test_damaged_parts(published, tmp_path, one_line, part):
    (published / part).write_bytes(b"something else")
    refused(published, tmp_path, one_line, published / part)


def test_what_is_something_else(tmp_path, one_line):
    refused(tmp_path, tmp_path, one_line, "not the Penn-Fudan set")


def refused(source, folder, one_line, *parts):
    with pytest.raises(MinissdError) as caught:
        to_voc_tree(source, folder / "tree")
    one_line(caught, *parts)
