"""Splits that are made, and which ones there are."""

import pytest
from coco_sets import CocoSet

from minissd.data.catalogue import known_splits, open_dataset
from minissd.data.splits import MADE_NOTE, in_made_split
from minissd.errors import MinissdError


@pytest.mark.parametrize("name", ["img{}.jpg", "photo-{}-a", "image ({})", "IMG_2026_{:04d}", "frame{}_jpg.rf.0"])
def test_every_image_is_in_one_of_the_made_splits_and_a_tenth_held_out(name):
    names = [name.format(number) for number in range(2000)]
    held_out = [name for name in names if in_made_split(name, "val")]
    assert [name for name in names if not in_made_split(name, "train")] == held_out
    assert all(in_made_split(name, "trainval") for name in names)
    assert 150 < len(held_out) < 250
    assert all(any(one in held_out for one in names[k : k + 100]) for k in range(0, 2000, 100))


def one_file(folder, count=60, name="result.json"):
    coco = CocoSet(folder / "images")
    for number in range(count):
        coco.add(f"{number}.png", [(1, (1, 1, 9, 9))])
    return coco.save(folder / name)


@pytest.mark.parametrize("name", ["result.json", "annotations/instances_default.json", "labels.json"])
def test_one_file_for_all_is_parted(tmp_path, name):
    path = one_file(tmp_path / "set", name=name)
    for data in (path, tmp_path / "set"):
        assert known_splits(data) == ["train", "val", "trainval"]
        train, val = open_dataset(data, "train"), open_dataset(data, "val")
        assert not set(train.ids) & set(val.ids) and len(train) + len(val) == 60 and len(val) > 0
        assert MADE_NOTE in train.notes and len(open_dataset(data, "trainval")) == 60
        for index, image_id in enumerate(val.ids):
            assert val.image_path(index).name == image_id.rpartition("/")[2]
        asked = open_dataset(data, "test")
        assert len(asked) == 60 and "the images of train and val too" in asked.notes[-1]


def test_a_file_too_small_to_be_parted(tmp_path, one_line):
    path = one_file(tmp_path / "set", count=1)
    empty = "train" if in_made_split("0.png", "val") else "val"
    with pytest.raises(MinissdError) as caught:
        open_dataset(path, empty)
    one_line(caught, path, "1 image", empty)


@pytest.mark.parametrize(
    ("files", "given", "splits"),
    [
        (["annotations/instances_train2017.json", "annotations/instances_val2017.json"], "", ["train", "val"]),
        (["annotations/instances_train2017.json", "annotations/captions_train2017.json"], "", ["train"]),
        (["train/_annotations.coco.json", "valid/_annotations.coco.json"], "", ["train", "val"]),
        (["train/labels.json", "validation/labels.json", "test/labels.json"], "", ["train", "val", "test"]),
        (["annotations/pets_train.json", "annotations/pets_test.json"], "", ["train", "test"]),
        (["val2014.json", "val2017.json"], "", ["val2014", "val2017"]),
        (["train.json", "val.json"], "train.json", ["train", "val"]),
        (["train.json"], "train.json", ["train"]),
        (["train.json", "val.json"], "val.json", ["val"]),
        (["train.json", "instances_val2017.json"], "instances_val2017.json", ["val2017"]),
        (["boxes.json"], "boxes.json", ["train", "val", "trainval"]),
        (["valve_boxes.json"], "valve_boxes.json", ["train", "val", "trainval"]),
        (["latest.json"], "latest.json", ["train", "val", "trainval"]),
        (["trains.json"], "trains.json", ["train", "val", "trainval"]),
        (["boxes_trainset.json", "boxes_test.json"], "boxes_trainset.json", ["train", "test"]),
        (["Training.json", "Validation.json"], "Training.json", ["train"]),
    ],
)
def test_the_splits_of_coco_files(tmp_path, files, given, splits):
    root = tmp_path / "coco"
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    assert known_splits(root / given) == splits


def test_the_splits_of_other_data(pets):
    assert known_splits("shapes") == ["train", "val", "test"]
    assert "train" in known_splits(pets.root)
    for split in known_splits(pets.root):
        open_dataset(pets.root, split)
