"""YOLO sets: whichever way images, labels and names lie, boxes are on their colours."""

import pytest
from refusals import refused
from yolo_sets import NAMES, add, add_split, check_colours, yolo

from minissd.data.catalogue import known_splits, open_dataset
from minissd.data.splits import MADE_NOTE
from minissd.data.yolo import YoloDataset
from minissd.data.yolo_places import LISTED_TWICE, MISSING
from minissd.errors import MinissdError


@pytest.mark.parametrize(
    ("pattern", "yaml"),
    [
        ("images/{}", "train: images/train\nval: images/val\n" + NAMES),
        ("images/{}", "path: .\ntrain: ./images/train/\nval: [images/val]\nnames: {0: red, 1: blue}\n"),
        ("images/{}", "path: ../pets\ntrain: images/train\nval: images/val\nnc: 2\n" + NAMES),
        ("images/{}", "path: pets\ntrain: images/train\nval: images/val\nnames:\n  0: red\n  1: blue\n"),
        ("images/{}", "path: /content/pets # of Colab\ntrain: images/train\nval: images/val\n" + NAMES),
        ("images/{}", "train: C:\\data\\pets\\images\\train\nval: C:\\data\\pets\\images\\val\n" + NAMES),
        ("{}/images", "train: ../train/images\nval: ../val/images\nnc: 2\n" + NAMES),  # Roboflow: it is train/images
        ("{}/images", "train: train\nval: val\ntest:\n" + NAMES),
        ("{}", "train: train\nval: val\ntest: null\n" + NAMES),  # labels beside the images
    ],
)
def test_the_usual_trees_with_a_yaml(root, pattern, yaml):
    (root / "data.yaml").write_text(yaml)
    add_split(root, "train", pattern, count=3)
    add_split(root, "val", pattern)
    for place in (root, root / "data.yaml"):
        assert known_splits(place) == ["train", "val"]
        train, val = open_dataset(place, "train"), open_dataset(place, "val")
        assert train.classes == ("red", "blue") and (len(train), len(val)) == (3, 2) and train.notes == []
        assert train.ids[0] == f"{pattern.format('train')}/train0.png" and train.task == "detect"
        assert train.name == "pets" and train.image_path(0).is_file()
        check_colours(train)
        check_colours(val)


@pytest.mark.parametrize("pattern", ["images/{}", "{}/images", "{}"])
@pytest.mark.parametrize("val", ["val", "valid", "validation"])
def test_the_usual_trees_without_a_yaml(root, pattern, val):
    (root / "classes.txt").write_text("red\nblue\n")
    for split in ("train", val):
        add_split(root, split, pattern)
    assert known_splits(root) == ["train", "val"]
    for split in ("train", "val"):
        dataset = open_dataset(root, split)
        assert isinstance(dataset, YoloDataset) and len(dataset) == 2 and dataset.classes == ("red", "blue")
        check_colours(dataset)


@pytest.mark.parametrize("place", ["classes.txt", "labels/classes.txt", "obj.names"])
def test_all_images_in_one_folder_are_parted(root, place):
    """Label Studio, labelImg: images/ and labels/ and the names, no splits."""
    add_split(root, "x", "images", count=40)
    (root / place).write_text("red\nblue\n")
    train, val = open_dataset(root, "train"), open_dataset(root, "val")
    assert len(train) + len(val) == 40 and not set(train.ids) & set(val.ids) and MADE_NOTE in train.notes
    assert known_splits(root) == ["train", "val", "trainval"] and len(open_dataset(root, "trainval")) == 40
    check_colours(val)


def test_labels_beside_pictures_and_nothing_else(root):
    add_split(root, "x", ".", count=30)
    (root / "classes.txt").write_text("red\nblue\n")
    dataset = open_dataset(root, "trainval")
    assert len(dataset) == 30
    check_colours(dataset)


@pytest.mark.parametrize("where", ["obj.data", "data/obj.data"])
def test_darknet(root, where):
    """As CVAT exports it: the lists name data/obj_train_data/..., which lies in obj_train_data."""
    add_split(root, "train", "obj_{}_data")
    (root / where).parent.mkdir(exist_ok=True)
    (root / where).write_text("classes = 2\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n")
    (root / where).with_name("obj.names").write_text("red\nblue\n")
    listed = "".join(f"data/obj_train_data/train{number}.png\n" for number in range(2))
    (root / where).with_name("train.txt").write_text(listed)
    dataset = open_dataset(root, "train")
    assert known_splits(root) == ["train"] and len(dataset) == 2 and dataset.classes == ("red", "blue")
    check_colours(dataset)


def test_paths_from_where_the_command_is_run(root, monkeypatch):
    """Darknet reads all paths so; of a data.yaml `path` may be one, and the rest is beside it or below that."""
    add_split(root)
    (root / "train.txt").write_text("sets/pets/images/train/train0.png\n")
    (root.parent / "obj.data").write_text("train = sets/pets/train.txt\nnames = sets/pets/obj.names\n")
    (root / "obj.names").write_text("red\nblue\n")
    (root.parent / "pets.yaml").write_text(f"path: sets/pets\ntrain: images/train\n{NAMES}")
    monkeypatch.chdir(root.parent.parent)
    check_colours(open_dataset("sets/obj.data", "train"))
    check_colours(open_dataset("sets/pets.yaml", "train"))
    (root.parent / "pets.yaml").write_text(f"train: images/train\n{NAMES}")
    monkeypatch.chdir(root)  # whose images/train is not meant
    with pytest.raises(MinissdError, match="not there"):
        open_dataset("../pets.yaml", "train")


def test_roboflow_darknet(root):
    for split in ("train", "valid"):
        add_split(root, split, "{}")
        (root / split / "_darknet.labels").write_text("red\nblue\n")
    assert known_splits(root) == ["train", "val"]
    check_colours(open_dataset(root, "val"))


def test_ids_do_not_depend_on_where_the_set_lies(root):
    yolo(root)
    (root.parent / "some.yaml").write_text("path: pets\ntrain: images/train\n" + NAMES)
    (root / "deeper").mkdir()
    (root / "deeper" / "some.yaml").write_text(f"path: ..\ntrain: images/train\n{NAMES}")
    assert open_dataset(root, "train").ids[0] == "images/train/train0.png"
    assert open_dataset(root.parent / "some.yaml", "train").ids[0] == "pets/images/train/train0.png"
    assert open_dataset(root / "deeper" / "some.yaml", "train").ids[0] == "images/train/train0.png"


def test_a_list_names_images_wherever_they_are(root, tmp_path):
    yolo(root, "train: [train.txt, more]\n" + NAMES)
    add_split(root, "more", "{}")
    far = tmp_path / "elsewhere" / "far.png"
    add(far, far.with_suffix(".txt"))
    listed = ["/gone/pets/images/train/train0.png", "images/train/train0.png", str(far), "no.png"]
    (root / "train.txt").write_text("\n".join(listed))
    dataset = open_dataset(root, "train")
    assert dataset.ids == ["images/train/train0.png", far.as_posix(), "more/more0.png", "more/more1.png"]
    assert any(note.startswith(f"{MISSING}: 1 (first: no.png") for note in dataset.notes)
    assert any(note.startswith(f"{LISTED_TWICE}: 1") for note in dataset.notes)
    check_colours(dataset)


def test_a_test_part_that_was_not_made_is_no_split(root):
    yolo(root, f"train: ../train/images\nval: ../valid/images\ntest: ../test/images\n{NAMES}", pattern="{}/images")
    add_split(root, "valid", "{}/images")
    assert known_splits(root) == ["train", "val"]


def test_links_that_go_round(root):
    yolo(root)
    for name in ("again", "more"):
        (root / "images" / "train" / name).symlink_to(root / "images", target_is_directory=True)
    assert open_dataset(root, "train", limit=2).ids == ["images/train/train0.png", "images/train/train1.png"]


def test_a_path_that_may_be_two_folders(root, one_line):
    """../train/images beside another set's folder of that name."""
    yolo(root, "train: ../train/images\n" + NAMES)
    for place in (root, root.parent):
        add_split(place, "train", "{}/images")
    refused(one_line, root, "'../train/images'", root / "train" / "images", root.parent / "train" / "images")


def test_pictures_with_captions_are_no_yolo_set(root, one_line):
    add_split(root, "train", "{}", text="a red box and a blue one\n")
    refused(one_line, root, "holds no data")


def test_a_part_of_a_set_or_a_folder_around_it_is_answered_with_the_set(root, one_line):
    add_split(root)
    (root / "classes.txt").write_text("red\nblue\n")
    refused(one_line, root / "images", f"a part of {root}")
    refused(one_line, root.parent, f"in {root}, give that")


def test_the_year_of_a_split_may_be_left_out(root):
    """As in coco128."""
    add_split(root, "train2017")
    (root / "classes.txt").write_text("red\nblue\n")
    assert known_splits(root) == ["train"]
    for split in ("train", "train2017"):
        check_colours(open_dataset(root, split))
