"""YOLO sets: whichever way they lie, boxes are on their colours; what is peculiar is said."""

import codecs

import pytest
from PIL import Image
from yolo_sets import add, add_split, check_colours, fractions, lines

from minissd.data.catalogue import known_splits, open_dataset
from minissd.data.placing import OVER_THE_EDGE
from minissd.data.samples import NO_CLASS, REPEATED, UNSEEN
from minissd.data.splits import MADE_NOTE
from minissd.data.yolo import BACKGROUND, EMPTY, ONE_LABEL, OTHER_NAMES, YoloDataset
from minissd.data.yolo_labels import CONFIDENCES, OUTLINES
from minissd.data.yolo_places import LISTED_TWICE, MISSING
from minissd.errors import MinissdError

NAMES = "names: [red, blue]\n"


@pytest.fixture
def root(tmp_path):
    """An empty folder two levels below that of the test."""
    (tmp_path / "sets" / "pets").mkdir(parents=True)
    return tmp_path / "sets" / "pets"


def yolo(root, yaml="train: images/train\n" + NAMES, **labels):
    """A set of one split and its data.yaml."""
    (root / "data.yaml").write_text(yaml)
    return add_split(root, **labels)


def refused(one_line, place, *parts, split="train"):
    with pytest.raises(MinissdError) as caught:
        open_dataset(place, split)
    one_line(caught, *parts)


# Where images and labels lie.


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


def test_ids_do_not_depend_on_where_the_set_lies(root):
    yolo(root)
    (root.parent / "some.yaml").write_text("path: pets\ntrain: images/train\n" + NAMES)
    (root / "deeper").mkdir()
    (root / "deeper" / "some.yaml").write_text(f"path: ..\ntrain: images/train\n{NAMES}")
    assert open_dataset(root, "train").ids[0] == "images/train/train0.png"
    assert open_dataset(root.parent / "some.yaml", "train").ids[0] == "pets/images/train/train0.png"
    assert open_dataset(root / "deeper" / "some.yaml", "train").ids[0] == "images/train/train0.png"


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


def test_names_that_yaml_would_take_for_something_else(root):
    yolo(root, "train: images/train\nnames: [no, 007, 1.0, null, on]\n")
    assert open_dataset(root, "train").classes == ("no", "007", "1.0", "null", "on")


# What is in the lines.


def test_outlines_and_rotated_boxes_give_their_surrounding_box(root):
    cx, cy, w, h = fractions("red")
    rhombus = [cx - w / 2, cy, cx, cy - h / 2, cx + w / 2, cy, cx, cy + h / 2]
    x, y, width, height = fractions("blue")
    hexagon = [x - width / 2, y, x, y - height / 2, x + width / 2, y, x, y + height / 2, x - 0.01, y, x - 0.02, y]
    text = "".join(f"{number} {' '.join(map(str, shape))}\n" for number, shape in enumerate((rhombus, hexagon)))
    dataset = open_dataset(yolo(root, text=text), "train")
    check_colours(dataset)
    assert dataset.notes == [f"{OUTLINES}: 4 (first: images/train/train0.png)"]


def test_keypoints_are_passed_over(root):
    red, blue = fractions("red"), fractions("blue")
    seen = [red[0], red[1], 2, 0, 0, 0]  # a point in the box, and one that nobody sees
    first = " ".join(map(str, (0, *red, *seen)))
    second = " ".join(map(str, (1, *blue, blue[0], blue[1], 1, blue[0], blue[1] + 0.01, 2)))
    check_colours(open_dataset(yolo(root, text=f"{first}\n{second}\n"), "train"))


def test_keypoints_of_two_numbers_are_known_from_the_yaml(root):
    rows = [" ".join(map(str, (n, *fractions(name), 0.9, 0.9, 0.1, 0.1))) for n, name in enumerate(("red", "blue"))]
    yaml = f"train: images/train\nkpt_shape: [2, 2]\n{NAMES}"
    dataset = open_dataset(yolo(root, yaml, text="\n".join(rows)), "train")
    check_colours(dataset)
    assert dataset.notes == []


def test_what_a_detector_wrote_is_noticed(root):
    text = "".join(f"{line} 0.87\n" for line in lines().splitlines())
    dataset = open_dataset(yolo(root, text=text), "train")
    check_colours(dataset)
    assert dataset.notes == [f"{CONFIDENCES}: 4 (first: images/train/train0.png)"]


def test_doubled_lines_count_once(root):
    dataset = open_dataset(yolo(root, text=lines() + lines()), "train")
    check_colours(dataset)
    assert dataset.notes == [f"{REPEATED}: 4 (first: images/train/train0.png)"]


def test_images_without_labels_are_background(root):
    yolo(root)
    add(root / "images" / "train" / "a.png")
    add(root / "images" / "train" / "b.png", root / "labels" / "train" / "b.txt", text="\n")
    add(root / "images" / "train" / "train0.jpg")
    dataset = open_dataset(root, "train")
    assert [len(dataset.objects(i).labels) for i in range(5)] == [0, 0, 2, 2, 2]
    expected = [BACKGROUND, EMPTY, ONE_LABEL]
    assert [note.split(":")[0] for note in dataset.notes] == expected and all(": 1 (" in note for note in dataset.notes)


def test_labels_of_turned_pictures_are_on_the_picture_as_shown(root):
    """The scene as a viewer shows it, stored turned by a quarter."""
    yolo(root)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = root / "images" / "train" / "train0.png"
    with Image.open(path) as image:
        image.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    check_colours(open_dataset(root, "train"))


def test_rounding_is_no_reaching_over_the_edge(root):
    dataset = open_dataset(yolo(root, text="0 0.5 0.5 1.0004 1.0\n1 0.9 0.5 0.4 0.2\n"), "train")
    assert dataset.objects(0).corners[0].tolist() == [0, 0, 1, 1]
    assert dataset.notes == [f"{OVER_THE_EDGE}: 2 (first: images/train/train0.png)"]


def test_classes_limit_and_others(root):
    yolo(root, "train: images/train\nnames: [blue, background, red, none]\n", text=lines((2, 1)))
    add(root / "images" / "train" / "x.png", root / "labels" / "train" / "x.txt", text=lines((0,), ("blue",)))
    dataset = open_dataset(root, "train")
    assert dataset.classes == ("blue", "red", "none") and len(dataset) == 3
    assert f"{NO_CLASS}: 2 (first: images/train/train0.png)" in dataset.notes
    assert f"{UNSEEN}: 1 (first: none)" in dataset.notes
    assert [dataset.objects(i).labels.tolist() for i in range(3)] == [[1], [1], [0]]
    chosen = open_dataset(root, "train", classes=["red"])
    assert chosen.ids == ["images/train/train0.png", "images/train/train1.png"] and chosen.classes == ("red",)
    scored = open_dataset(root, "train", classes=["red"], keep_others=True)
    assert [len(scored.objects(i).labels) for i in range(3)] == [1, 1, 0]
    assert len(open_dataset(root, "train", limit=1)) == 1


# What is wrong, in one line each.


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("0 80 60 50 30", ["line 1", "80", "no fraction", "divide"]),
        ("0 50.5 50 20 20", ["no fraction"]),
        ("2 .5 .5 .1 .1", ["class 2", "2 names", "0 to 1"]),
        ("\n-1 .5 .5 .1 .1", ["line 2", "class -1"]),
        ("0.5 .5 .5 .1 .1", ["class 0.5"]),
        ("red .5 .5 .1 .1", ["line 1", "number of a class", "'red"]),
        ("0,.5,.5,.1,.1", ["blanks", "'0,.5"]),
        ("0 0,5 0,5 0,1 0,1", ["'0 0,5"]),
        ("0 .5 .5 .1 nan", ["number of a class"]),
        ("0 .5 .5 .1", ["3 numbers"]),
        ("0", ["0 numbers"]),
        ("0 .5 .5 .1 .1 -0.7", ["-0.7", "angle"]),
        ("0 .1 .1 .2 .2 .3 .3 .4", ["7 numbers"]),
    ],
)
def test_lines_that_are_wrong(root, one_line, text, parts):
    yolo(root, text=lines())
    path = root / "labels" / "train" / "train1.txt"
    path.write_text(text + "\n")
    refused(one_line, root, path, *parts)


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


def test_a_test_part_that_was_not_made_is_no_split(root):
    yolo(root, f"train: ../train/images\nval: ../valid/images\ntest: ../test/images\n{NAMES}", pattern="{}/images")
    add_split(root, "valid", "{}/images")
    assert known_splits(root) == ["train", "val"]


def test_another_programs_data_yaml(tmp_path):
    for name in ("oak", "elm"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / name / "1.png")
    (tmp_path / "data.yaml").write_text("version: 3\nauthor: Ann\n")
    assert open_dataset(tmp_path, "trainval", task="classify").classes == ("elm", "oak")


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
