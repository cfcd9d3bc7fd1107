"""Small YOLO sets for tests: scenes of known colours (scenes.py), and a text file of labels for each."""

from PIL import Image
from scenes import BLUE_BOX, RED_BOX, scene
from voc_scenes import off_colour

NAMES = "names: [red, blue]\n"  # of a data.yaml
BOXES = {"red": RED_BOX, "blue": BLUE_BOX}


def fractions(name):
    """cx, cy, w, h of a box."""
    x_min, y_min, x_max, y_max = BOXES[name]
    height, width, _ = scene().shape
    return (x_min + x_max) / 2 / width, (y_min + y_max) / 2 / height, (x_max - x_min) / width, (y_max - y_min) / height


def lines(numbers=(0, 1), names=("red", "blue")):
    """The labels of the scene: the numbers under which its boxes are listed."""
    rows = ((number, *fractions(name)) for number, name in zip(numbers, names))
    return "".join(" ".join(f"{value:.6g}" for value in row) + "\n" for row in rows)


def add(image, label=None, text=None, exif=None):
    """Saves the scene at a path, and its labels at another unless that is None."""
    image.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene()).save(image, exif=exif or Image.Exif())
    if label is not None:
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text(lines() if text is None else text)


def add_split(root, split="train", pattern="images/{}", count=2, **labels):
    """`count` scenes of a split, their labels in labels/ for images/ or beside them."""
    folder = root / pattern.format(split)
    for number in range(count):
        image = folder / f"{split}{number}.png"
        label = str(image.relative_to(root)).replace("images", "labels")
        add(image, (root / label).with_suffix(".txt"), **labels)
    return root


def yolo(root, yaml="train: images/train\n" + NAMES, **labels):
    """A set of one split and its data.yaml."""
    (root / "data.yaml").write_text(yaml)
    return add_split(root, **labels)


def check_colours(dataset, expected=("blue", "red")):
    """Asserts that each image has a box of each expected class, on its colour."""
    assert off_colour(dataset) == []
    for index in range(len(dataset)):
        names = sorted(dataset.classes[label] for label in dataset.objects(index).labels)
        assert names == sorted(expected), dataset.ids[index]
