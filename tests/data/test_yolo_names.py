"""The data.yaml of a YOLO set and its other files of names: read, or one line says what is wrong."""

import codecs

import pytest
from PIL import Image
from refusals import refused
from yolo_sets import NAMES, add_split, check_colours, lines, yolo

from minissd.data.catalogue import open_dataset
from minissd.data.yolo import EMPTY, OTHER_NAMES


def test_numbers_of_each_folder_are_those_of_its_own_names(root):
    """Two people labelled with labelImg, which counts classes in the order in which they come."""
    for split, names, numbers in (("train", "red\nblue\n", (0, 1)), ("val", "blue\ngreen\nred\n", (2, 0))):
        add_split(root, split, text=lines(numbers))
        (root / "labels" / split / "classes.txt").write_text(names)
    for split in ("train", "val"):
        dataset = open_dataset(root, split)
        assert dataset.classes == ("red", "blue", "green")
        check_colours(dataset)


def test_names_that_contradict_the_yaml_are_noted(root):
    yolo(root)
    (root / "labels" / "train" / "classes.txt").write_text("red\nblue\n")
    assert open_dataset(root, "train").notes == []
    (root / "labels" / "train" / "classes.txt").write_text("blue\nred\n")
    dataset = open_dataset(root, "train")
    assert dataset.notes == [f"{OTHER_NAMES}: 1 (first: {root / 'labels' / 'train'})"]
    check_colours(dataset)  # the data.yaml is right


@pytest.mark.parametrize(
    "encode",
    [
        str.encode,
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n", "\r\n").encode(),
    ],
)
def test_files_as_windows_writes_them(root, encode):
    yolo(root, "train: train.txt\nnames: [red, blau-grün]\n")
    (root / "train.txt").write_text("./images/train/train0.png\nimages\\train\\train1.png\n\n")
    for path in (root / "data.yaml", root / "train.txt", *(root / "labels" / "train").iterdir()):
        path.write_bytes(encode(path.read_text()))
    dataset = open_dataset(root, "train")
    assert dataset.classes == ("red", "blau-grün") and len(dataset) == 2
    assert dataset.objects(1).labels.tolist() == [0, 1] and dataset.notes == []


def test_names_that_yaml_would_take_for_something_else(root):
    yolo(root, "train: images/train\nnames: [no, 007, 1.0, null, on]\n")
    assert open_dataset(root, "train").classes == ("no", "007", "1.0", "null", "on")


@pytest.mark.parametrize(
    ("yaml", "parts"),
    [
        ("train: images/train\n", ["data.yaml", "no names", "classes.txt"]),
        ("train: images/train\nnc: 3\n" + NAMES, ["nc is 3", "2 names"]),
        ("train: images/train\nnames: {1: red, 2: blue}\n", ["[1, 2]", "without gaps"]),
        ("train: images/train\nnames: {a: red}\n", ["a number each"]),
        ("train: images/train\nnames: [red, [blue]]\n", ["must be a word"]),
        ("train: images/train\nnames: gone.names\n", ["'gone.names'"]),
        ("train: images/gone\n" + NAMES, ["'images/gone'", "not there"]),
        ("val: images/train\n" + NAMES, ["no split 'train'", "there are val"]),
        ("train: images/train\nkpt_shape: 17\n" + NAMES, ["kpt_shape", "17"]),
        ("train: [images\n" + NAMES, ["no YAML"]),
        ("train: images/train\nnames: [blue, red]\n" + NAMES, ["no YAML", "a key is there twice"]),
        ("train: images/train\nnames: {0: red, 1: blue, 1: red}\n", ["no YAML", "a key is there twice"]),
        ("[1, 2]", ["no data.yaml"]),
        ("a: " + "[" * 10**5, ["no YAML", "nested"]),
        ("".join(" " * n + "a:\n" for n in range(1300)), ["no YAML"]),
        ("x: " + "y" * 2**20, ["no YAML", "characters"]),
    ],
)
def test_a_yaml_that_is_wrong(root, one_line, yaml, parts):
    refused(one_line, yolo(root, yaml), root / "data.yaml", *parts)


def test_nothing_in_a_yaml_is_executed_or_grows(root, tmp_path):
    made = tmp_path / "made"
    bomb = "\n".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]" for n in range(1, 40))
    yolo(root, f"train: images/train\n{NAMES}x: !!python/object/apply:os.mkdir ['{made}']\nb0: &b0 [y, y]\n{bomb}\n")
    assert len(open_dataset(root, "train")) == 2 and not made.exists()


def test_another_programs_data_yaml(tmp_path):
    for name in ("oak", "elm"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / name / "1.png")
    (tmp_path / "data.yaml").write_text("version: 3\nauthor: Ann\n")
    assert open_dataset(tmp_path, "trainval", task="classify").classes == ("elm", "oak")


def test_no_images_or_no_names_or_no_objects(root, one_line):
    yolo(root, "train: train.txt\n" + NAMES)
    (root / "train.txt").write_text("gone.png\n")
    refused(one_line, root, "of 1 that are listed none", "gone.png")
    (root / "train.txt").write_text("images/train/train0.png\n")
    (root / "labels" / "train" / "train0.txt").write_text("")
    refused(one_line, root, EMPTY, "nothing to learn")
    (root / "data.yaml").unlink()
    (root / "train.txt").unlink()
    refused(one_line, root, "no data.yaml", "classes.txt")


def test_several_yamls_and_none_is_data_yaml(root, one_line):
    add_split(root)
    for name in ("cats.yaml", "dogs.yaml"):
        (root / name).write_text("train: images/train\n" + NAMES)
    refused(one_line, root, "cats.yaml, dogs.yaml")
    assert len(open_dataset(root / "dogs.yaml", "train")) == 2
