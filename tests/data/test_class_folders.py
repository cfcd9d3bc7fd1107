"""Class folders: which image is of which class and in which split, and what is said of the rest."""

import os

import numpy as np
import pytest
from PIL import Image

from minissd.data.class_folders import ALONE, BESIDE, DEEPER, EMPTY, NO_IMAGES, ClassFolders, is_class_folders
from minissd.data.samples import ALIKE
from minissd.errors import MinissdError


def put(root, *paths):
    """Images in which the red of every pixel is the number of the image."""
    for number, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 6), (number, 0, 0)).save(root / path)
    return root


@pytest.fixture
def pets(tmp_path):
    """Two splits; one class is in only one of them."""
    return put(
        tmp_path / "pets", "train/dog/b.png", "train/dog/a.png", "train/cat/a.png", "val/dog/a.png", "val/emu/z.png"
    )


def test_folders_of_splits_and_classes(pets):
    train, val = ClassFolders(pets, "train"), ClassFolders(pets, "val")
    assert train.task == "classify" and train.name == "pets" and len(train) == 3
    assert train.classes == val.classes == ("cat", "dog", "emu")  # labels mean the same in every split
    assert train.ids == ["train/cat/a.png", "train/dog/a.png", "train/dog/b.png"]
    assert train.labels.tolist() == [0, 1, 1] and train.labels.dtype == np.int64
    assert val.ids == ["val/dog/a.png", "val/emu/z.png"] and val.labels.tolist() == [1, 2]
    assert train.notes == [f"{EMPTY}: 1 (first: emu)"] and val.notes == [f"{EMPTY}: 1 (first: cat)"]
    assert not set(train.ids) & set(val.ids)  # though files of one name are in both


def test_a_sample_is_the_image_its_id_names(pets):
    dataset = ClassFolders(pets, "train")
    for index, red in enumerate([2, 1, 0]):
        sample = dataset[index]
        assert sample.id == dataset.ids[index] and sample.label == dataset.labels[index]
        assert sample.image.shape == (6, 8, 3) and (sample.image == (red, 0, 0)).all()
        assert dataset.image_path(index) == pets / sample.id
    assert type(dataset[0].label) is int


def test_without_splits_they_are_made(tmp_path):
    root = put(tmp_path / "leaves", *(f"{tree}/{number}.png" for tree in ("oak", "elm") for number in range(100)))
    train, val, both = (ClassFolders(root, split) for split in ("train", "val", "trainval"))
    assert sorted(train.ids + val.ids) == sorted(both.ids) and len(both) == 200
    assert not set(train.ids) & set(val.ids)
    assert 8 <= len(val) <= 35 and set(val.labels.tolist()) == {0, 1}  # about a tenth, of both classes
    assert any("10% of the images are val" in note for note in train.notes)
    (root / "oak" / "0.png").unlink()
    put(root, "oak/new.png", "ash/0.png")
    again = ClassFolders(root, "val")
    assert set(val.ids) - {"oak/0.png"} <= set(again.ids) <= set(val.ids) | {"oak/new.png", "ash/0.png"}


def test_images_may_lie_deeper_and_other_files_are_left_out(tmp_path):
    root = put(tmp_path / "tiny", "train/n01/images/x.PNG", "train/n01/images/y.jpeg", "train/.cache/z.png")
    (root / "train" / "n01" / "boxes.txt").touch()
    (root / "train" / "n01" / ".hidden").touch()
    dataset = ClassFolders(root, "train")
    assert dataset.classes == ("n01",) and dataset.ids == ["train/n01/images/x.PNG", "train/n01/images/y.jpeg"]
    assert dataset.notes == [f"{NO_IMAGES}: 1 (first: train/n01/boxes.txt)", ALONE]


def test_chosen_classes(pets):
    dataset = ClassFolders(pets, "train", classes=["dog", "cat"])
    assert dataset.classes == ("dog", "cat") and dataset.labels.tolist() == [0, 0, 1]
    assert ClassFolders(pets, "train", classes=["cat"]).ids == ["train/cat/a.png"]


def test_the_limit_takes_of_every_class(tmp_path):
    names = [f"train/a/{i}.png" for i in range(5)] + ["train/b/0.png"] + [f"train/c/{i}.png" for i in range(5)]
    root = put(tmp_path / "few", *names)
    for limit, counts in [(1, [1, 0, 0]), (3, [1, 1, 1]), (5, [2, 1, 2]), (6, [3, 1, 2]), (99, [5, 1, 5])]:
        dataset = ClassFolders(root, "train", limit=limit)
        assert np.bincount(dataset.labels, minlength=3).tolist() == counts
        assert len(dataset) == len(dataset.ids) == sum(counts)
        assert [dataset.classes[label] for label in dataset.labels] == [one.split("/")[1] for one in dataset.ids]


@pytest.mark.parametrize("name", ["valid", "validation", "Val"])
def test_other_words_for_val(tmp_path, name):
    root = put(tmp_path / "a", "train/x/1.png", f"{name}/x/2.png")
    assert ClassFolders(root, "val").ids == [f"{name}/x/2.png"]


def test_the_training_folder_of_a_larger_tree(tmp_path):
    """ILSVRC: CLS-LOC/train/n01440764/*.JPEG, while val is one folder without classes."""
    root = put(tmp_path / "CLS-LOC", "train/n01/a.jpeg", "train/n02/b.jpeg", "val/c.jpeg")
    assert ClassFolders(root, "train").classes == ClassFolders(root / "train", "trainval").classes == ("n01", "n02")


def test_what_are_class_folders(pets, tmp_path):
    put(tmp_path / "flat", "a.png")
    (tmp_path / "bare" / "train" / "dog").mkdir(parents=True)
    assert is_class_folders(pets) and is_class_folders(pets / "train")
    for other in ("flat", "bare", "flat/a.png"):
        assert not is_class_folders(tmp_path / other)


@pytest.mark.parametrize(
    "paths",
    [
        ("train/1.png", "valid/2.png", "test/3.png"),  # splits without classes
        ("train/1.png",),
        ("train/1.png", "test/2.png", "sample/3.png"),
        ("images/1.png", "labels/2.png"),
        ("train/images/1.png", "train/labels/x.png", "val/images/2.png"),
        ("__MACOSX/1.png", ".ipynb_checkpoints/2.png", "@eaDir/3.png"),
        ("JPEGImages/1.png", "Annotations/2.png"),
    ],
)
def test_what_are_no_class_folders(tmp_path, paths):
    assert not is_class_folders(put(tmp_path / "a", *paths))


def test_annotations_of_the_images_in_another_folder_are_no_class(tmp_path):
    root = put(tmp_path / "a", "photos/1.png", "more/2.png")
    (root / "boxes").mkdir()
    (root / "boxes" / "notes.txt").write_text("x")
    assert is_class_folders(root)
    (root / "boxes" / "1.txt").write_text("x")
    assert not is_class_folders(root)


def test_a_picture_of_a_train_among_others(tmp_path):
    root = put(tmp_path / "a", "train/1.png", "bus/2.png", "car/3.png")
    assert is_class_folders(root) and ClassFolders(root, "trainval").classes == ("bus", "car", "train")


def test_folders_of_programs_are_no_classes(tmp_path):
    root = put(tmp_path / "a", "cat/1.png", "dog/2.png", "__MACOSX/cat/1.png", ".git/x.png", "images/3.png")
    dataset = ClassFolders(root, "trainval")
    assert dataset.classes == ("cat", "dog") and dataset.ids == ["cat/1.png", "dog/2.png"]


@pytest.mark.parametrize("names", [("Training", "Testing"), ("training", "testing"), ("TRAIN", "TEST")])
def test_other_words_for_train_and_test(tmp_path, names):
    root = put(tmp_path / "a", f"{names[0]}/cat/1.png", f"{names[0]}/dog/3.png", f"{names[1]}/dog/2.png")
    assert ClassFolders(root, "train").ids == [f"{names[0]}/cat/1.png", f"{names[0]}/dog/3.png"]
    assert ClassFolders(root, "test").ids == ClassFolders(root, names[1]).ids == [f"{names[1]}/dog/2.png"]


def test_what_deserves_a_note(tmp_path):
    root = put(tmp_path / "a", "train/Cat/1.png", "train/cat/2.png", "train/3.png", "val/Cat/4.png", "val/owl/5.png")
    (root / "train" / "ant").mkdir()
    (root / "train" / "Cat" / "phone.HEIC").touch()
    dataset = ClassFolders(root, "train")
    assert dataset.classes == ("Cat", "ant", "cat", "owl") and dataset.labels.tolist() == [0, 2]
    assert dataset.notes == [
        f"{ALIKE}: 1 (first: 'Cat' and 'cat')",
        f"{BESIDE}: 1 (first: 3.png)",
        f"{NO_IMAGES}: 1 (first: train/Cat/phone.HEIC)",
        f"{EMPTY}: 2 (first: ant)",
    ]
    assert f"{EMPTY}: 2 (first: ant)" in ClassFolders(root, "val").notes


def test_a_class_of_several_folders_is_noted(tmp_path):
    paths = ("pets/cat/1.png", "pets/dog/2.png", "owl/3.png", "ant/4.png", "ant/x/5.png", "ant/y/6.png")
    root = put(tmp_path / "a", *paths)
    dataset = ClassFolders(root, "trainval")
    assert dataset.classes == ("ant", "owl", "pets") and f"{DEEPER}: 1 (first: pets)" in dataset.notes


def test_one_class_is_noted(tmp_path):
    assert ALONE in ClassFolders(put(tmp_path / "a", "train/cat/1.png"), "train").notes


def test_names_of_any_signs(tmp_path):
    root = put(tmp_path / "a", "[red]/1.png", "$1_$5/2.png", "止血钳/3.png", " blank /4.png", "a, b/5.png")
    odd = os.fsencode(root) + b"/caf\xe9"
    os.mkdir(odd)
    os.replace(root / "[red]" / "1.png", odd + b"/1.png")
    dataset = ClassFolders(root, "trainval")
    assert dataset.classes == (" blank ", "$1_$5", "[red]", "a, b", r"caf\xe9", "止血钳")
    assert dataset.labels.tolist() == [0, 1, 3, 4, 5] and dataset[3].image.shape == (6, 8, 3)
    "".join(dataset.classes).encode()  # can be stored


# What is wrong, in one line each.


def test_a_split_without_class_folders(tmp_path, one_line):
    root = put(tmp_path / "a", "train/cats/1.png", "train/dogs/2.png", "test/3.png")
    assert is_class_folders(root) and ClassFolders(root, "train").classes == ("cats", "dogs")
    with pytest.raises(MinissdError) as caught:
        ClassFolders(root, "test")
    one_line(caught, root / "test", "no class folders", "test/CLASS/", "there are train")


def test_folders_one_level_too_high_or_without_classes(tmp_path, one_line):
    root = put(tmp_path / "a", "pets/cat/1.png", "pets/dog/2.png")
    with pytest.raises(MinissdError) as caught:
        ClassFolders(root, "train")
    one_line(caught, root, "one folder alone", "cat, dog", f"give {root / 'pets'}")
    flat = put(tmp_path / "b", "train/1.png", "val/2.png")
    with pytest.raises(MinissdError) as caught:
        ClassFolders(flat, "train")
    one_line(caught, flat, "no class folders")


def test_missing_splits(pets, one_line):
    for root, split, parts in [
        (pets, "test", ["'test'", "train, val"]),
        (pets / "val", "test", ["'test'", "trainval"]),
    ]:
        with pytest.raises(MinissdError) as caught:
            ClassFolders(root, split)
        one_line(caught, root, *parts)


def test_nothing_left_to_use(pets, one_line):
    cases = [
        ({"classes": ["fox"]}, ["'fox'", "cat, dog, emu"]),
        ({"classes": ["emu"]}, ["no image in any of emu"]),
        ({"limit": 0}, ["limit"]),
    ]
    for options, parts in cases:
        with pytest.raises(MinissdError) as caught:
            ClassFolders(pets, "train", **options)
        one_line(caught, *parts)


def test_a_broken_image_is_named(pets, one_line):
    (pets / "train" / "cat" / "a.png").write_bytes(b"no image")
    with pytest.raises(MinissdError) as caught:
        ClassFolders(pets, "train")[0]
    one_line(caught, pets / "train" / "cat" / "a.png")
