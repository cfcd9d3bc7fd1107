"""Small YOLO sets for tests: scenes of known colours, and a text file of labels for each."""

import numpy as np
from PIL import Image

SIZE = 160, 120
BOXES = {"red": (10, 20, 60, 50), "blue": (90, 70, 150, 110)}  # x_min, y_min, x_max, y_max in pixels
COLOURS = {"red": (220, 20, 20), "blue": (20, 20, 220)}


def scene():
    """A grey picture with a red and a blue box."""
    pixels = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
    for name, (x_min, y_min, x_max, y_max) in BOXES.items():
        pixels[y_min:y_max, x_min:x_max] = COLOURS[name]
    return pixels


def fractions(name):
    """cx, cy, w, h of a box."""
    x_min, y_min, x_max, y_max = BOXES[name]
    width, height = SIZE
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


def check_colours(dataset, expected=("red", "blue")):
    """Asserts that each image has the expected boxes, each on its colour and nothing else."""
    for index in range(len(dataset)):
        sample = dataset[index]
        height, width = sample.image.shape[:2]
        assert sorted(dataset.classes[label] for label in sample.labels) == sorted(expected), dataset.ids[index]
        for corners, label in zip(sample.corners, sample.labels, strict=True):
            x_min, y_min, x_max, y_max = np.round(corners * [width, height, width, height]).astype(int)
            inside = sample.image[y_min:y_max, x_min:x_max].reshape(-1, 3)
            colour = COLOURS[dataset.classes[label]]
            assert len(inside) > 0 and (abs(inside.astype(int) - colour) < 10).all()
            everywhere = (abs(sample.image.reshape(-1, 3).astype(int) - colour) < 10).all(axis=1).sum()
            assert everywhere == len(inside)
