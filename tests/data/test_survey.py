"""What is in a data set: all its splits, their images and objects, and what is wrong."""

import numpy as np
import pytest
from coco_sets import CocoSet
from PIL import Image
from yolo_sets import NAMES, add_split, yolo

from minissd.data.samples import UNSEEN
from minissd.data.survey import look_at_images, remarks_of, survey
from minissd.detection import Objects


@pytest.fixture
def pets(tree):
    """Three images to train on, one of them empty, two for val, and lists that repeat these."""
    tree.add("a", [("dog", (1, 1, 20, 30)), ("cat", (21, 1, 40, 15))]).add("b", [("dog", (1, 1, 40, 30), True)])
    tree.add("empty").add("v", [("cat", (11, 1, 30, 15))]).add("w", [("cat", (1, 1, 10, 15))], size=(80, 60))
    tree.list("train", "a\nb\nempty\n").list("val", "v\nw\n").list("trainval", "a\nb\nempty\nv\nw\n")
    return tree.list("some", "a\nw\n")


def test_the_objects_of_all_splits_with_their_images(pets):
    found = survey(pets.root)
    assert list(found.splits) == ["train", "val"] and found.unions == {"some": 2, "trainval": 5} and not found.unusable
    assert found.classes == ("cat", "dog") and found.name == "tree"
    assert [found.id(image) for image in range(5)] == ["a", "b", "empty", "v", "w"]
    assert found.image_of.tolist() == [0, 0, 1, 3, 4] and found.labels.tolist() == [1, 0, 1, 0, 0]
    assert found.difficult.tolist() == [False, False, True, False, False]
    np.testing.assert_allclose(found.sides, [(0.5, 1), (0.5, 0.5), (1, 1), (0.5, 0.5), (0.125, 0.25)])
    assert found.in_split("val").tolist() == [False, False, False, True, True]
    assert found.splits_of([0, 1]) == ["train"] and found.splits_of([4, 0, 3]) == ["val", "train"]
    assert [len(one.labels) for one in found.objects("train")] == [2, 1, 0]
    assert isinstance(found.objects("val")[0], Objects) and found.sample(4).image.shape == (60, 80, 3)


def test_what_readers_remark_has_all_its_images(pets):
    remarks, notes = remarks_of(survey(pets.root).splits["val"])
    assert remarks == {UNSEEN: ["dog"]} and notes == []
    pets.list("val", "v\n").list("test", "w\n")
    for name in ("train", "val", "trainval", "some", "test"):
        (pets.splits / f"{name}.txt").unlink()
    remarks, notes = remarks_of(survey(pets.root).splits["train"])
    assert notes[0].startswith("no splits in these data")


def test_a_split_that_cannot_be_used_has_all_its_faults(pets):
    for name in ("v", "w"):
        pets.xml(name).write_text("<annotation>")
    found = survey(pets.root)
    assert list(found.splits) == ["train"] and set(found.unusable) == {"val", "trainval", "some"}
    assert len(found.unusable["val"]) == 2
    assert all(str(pets.xml(name)) in fault for name, fault in zip("vw", found.unusable["val"], strict=True))


def test_nothing_that_can_be_used(pets, refused):
    for name in ("a", "b", "empty", "v", "w"):
        pets.xml(name).write_text("<annotation>")
    with refused(pets.root, "for 5 faults", pets.xml("a")):
        survey(pets.root)


def test_images_of_train_on_the_list_of_val_count_in_both(pets):
    pets.list("val", "a\nv\n").list("trainval", "a\nb\nempty\nv\n").list("some", "a\n")
    found = survey(pets.root)
    assert [found.id(image) for image in range(len(found.places))] == ["a", "b", "empty", "a", "v"]
    pets.list("val", "a\n")
    assert "val" in survey(pets.root).splits


def test_the_files_of_all_images(pets):
    pets.image("b").write_bytes(pets.image("b").read_bytes()[:60])
    Image.new("RGB", (30, 40)).save(pets.image("v"), exif=exif_turned(6))
    told = []
    look = look_at_images(survey(pets.root), report=lambda *done: told.append(done))
    assert look.sizes.tolist() == [[40, 30], [0, 0], [40, 30], [40, 30], [80, 60]]
    assert len(look.damaged) == 1 and str(pets.image("b")) in look.damaged[0]
    assert list(look.prints) == [0, 2, 3, 4] and told[-1] == (5, 5)
    quick = look_at_images(survey(pets.root), decode=False)
    assert quick.prints == {} and quick.damaged == [] and quick.sizes[1].tolist() == [40, 30]


def exif_turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def test_splits_of_coco_with_other_categories(tmp_path):
    CocoSet(tmp_path / "set" / "train", {1: "cat", 2: "dog"}).add("a.png", [(2, [0, 0, 20, 15])]).save(
        tmp_path / "set" / "annotations" / "instances_train.json"
    )
    CocoSet(tmp_path / "set" / "val", {2: "cow", 5: "cat"}).add("b.png", [(2, [0, 0, 4, 3]), (5, [0, 0, 4, 6])]).save(
        tmp_path / "set" / "annotations" / "instances_val.json"
    )
    found = survey(tmp_path / "set")
    assert found.classes == ("cat", "dog", "cow")
    assert [found.classes[label] for label in found.labels] == ["dog", "cow", "cat"]
    chosen = survey(tmp_path / "set", classes=["cat"])
    assert chosen.classes == ("cat",) and "train" in chosen.unusable


def test_a_yolo_set(tmp_path):
    root = yolo(tmp_path, "train: images/train\nval: images/val\n" + NAMES)
    add_split(root, "val", count=3)
    found = survey(root)
    assert {name: len(dataset) for name, dataset in found.splits.items()} == {"train": 2, "val": 3}
    assert np.bincount(found.labels).tolist() == [5, 5]


def test_generated_images_have_no_files(monkeypatch):
    monkeypatch.setattr("minissd.data.catalogue.SHAPES_COUNTS", {"train": 3, "val": 2, "test": 1})
    found = survey("shapes", classes=["cross", "ellipse"])
    assert {name: len(dataset) for name, dataset in found.splits.items()} == {"train": 3, "val": 2, "test": 1}
    assert look_at_images(found, decode=False).sizes.tolist() == [[240, 240]] * 6
