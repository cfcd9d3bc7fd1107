"""Lines of YOLO labels: boxes are on their colours; what is peculiar is said, and what is wrong in one line."""

import pytest
from PIL import Image
from refusals import refused
from yolo_sets import NAMES, add, check_colours, fractions, lines, yolo

from minissd.data.catalogue import open_dataset
from minissd.data.placing import OVER_THE_EDGE
from minissd.data.samples import NO_CLASS, REPEATED, UNSEEN
from minissd.data.yolo import BACKGROUND, EMPTY, ONE_LABEL
from minissd.data.yolo_labels import CONFIDENCES, OUTLINES


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
