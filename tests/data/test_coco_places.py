"""Where the parts of a COCO set are looked for."""

import pytest
from coco_sets import CocoSet

from minissd.data.coco import CocoDataset
from minissd.data.coco_places import sibling_file, split_file
from minissd.errors import MinissdError

PERSON = 1


@pytest.fixture
def one(tmp_path):
    """A set of one image."""
    return CocoSet(tmp_path / "set").add("one.png", [(PERSON, (0, 0, 20, 30))])


@pytest.mark.parametrize(
    ("annotations", "images"),
    [
        ("annotations/instances_val2017.json", "val2017"),
        ("annotations/instances_val2017.json", "images/val2017"),
        ("annotations/instances_val2017.json", "images"),
        ("annotations/val.json", "val"),
        ("val.json", "images"),
        ("val.json", "val"),
        ("val.json", "images/val"),
        ("instances_val2014.json", "val2014"),
        ("val/_annotations.coco.json", "val"),
        ("valid/_annotations.coco.json", "valid"),
        ("val.json", "."),
    ],
)
def test_the_usual_trees(tmp_path, annotations, images):
    root = tmp_path / "coco"
    coco = CocoSet(root / images).add("a.png", [(PERSON, (1, 1, 5, 5))])
    path = coco.save(root / annotations)
    assert split_file(root, "val") == path
    dataset = CocoDataset(path)
    assert dataset.image_path(0).resolve() == (coco.folder / "a.png").resolve() and len(dataset[0].labels) == 1


def test_splits_that_are_not_there_or_not_one(tmp_path, one, one_line):
    root = tmp_path / "coco"
    for name in ("annotations/instances_val2014", "annotations/instances_val2017", "annotations/instances_train2017"):
        one.save(root / f"{name}.json")
    for split, parts in [("val", ["val2014", "val2017"]), ("test", ["train2017", "val2014"]), ("../x", ["'../x'"])]:
        with pytest.raises(MinissdError) as caught:
            split_file(root, split)
        one_line(caught, root, repr(split), *parts)
    assert split_file(root, "val2014").name == "instances_val2014.json"
    assert split_file(root, "train").name == "instances_train2017.json"


@pytest.mark.parametrize(
    ("given", "split", "opened"),
    [
        ("instances_train2017.json", "train", "instances_train2017.json"),
        ("instances_train2017.json", "train2017", "instances_train2017.json"),
        ("instances_train2017.json", "val", "instances_val2017.json"),
        ("instances_trainval2017.json", "test", "instances_test2017.json"),
        ("train.json", "val", "val.json"),
        ("pets-train.json", "val", "pets-valid.json"),
        ("train/_annotations.coco.json", "val", "valid/_annotations.coco.json"),
        ("val.json", "train", "val.json"),  # only a training file stands for its siblings
        ("constraints.json", "val", "constraints.json"),  # "train" within a word is none
        ("boxes.json", "test", "boxes.json"),
    ],
)
def test_the_file_given_or_its_sibling(tmp_path, given, split, opened):
    for name in (given, opened, "train.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert sibling_file(tmp_path / given, split) == tmp_path / opened


def test_a_training_file_does_not_stand_for_a_split_that_is_not_there(tmp_path, one_line):
    with pytest.raises(MinissdError) as caught:
        sibling_file(tmp_path / "instances_train2017.json", "val")
    one_line(caught, "instances_train2017.json", "'val'", "instances_val2017.json")


def test_images_in_no_usual_place(tmp_path, one, one_line):
    path = one.save(tmp_path / "elsewhere" / "annotations" / "instances_val2017.json")
    with pytest.raises(MinissdError) as caught:
        CocoDataset(path)
    one_line(caught, "one.png", tmp_path / "elsewhere" / "val2017", tmp_path / "elsewhere" / "images")
    assert len(CocoDataset(path, images=one.folder)) == 1
