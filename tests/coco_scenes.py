"""COCO folders of scenes of known colours (scenes.py), and whether all boxes that are loaded lie on their colours."""

import json

import pytest
from PIL import Image
from scenes import BLUE_BOX, RED_BOX, scene
from voc_scenes import off_colour

from minissd.data.catalogue import open_dataset
from minissd.errors import MinissdError


def sized(box):
    """x, y, width, height."""
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


class Scenes:
    """A COCO folder of scenes, each with a red box (category 1) and a blue one (category 2)."""

    def __init__(self, root, count=3):
        self.root, self.folder = root, root / "train"
        self.path = root / "annotations" / "instances_train.json"
        names = [f"img{number}.png" for number in range(count)]
        self.images = [{"id": 7 + i, "file_name": name, "width": 160, "height": 120} for i, name in enumerate(names)]
        boxes = [(image["id"], 1 + i, sized(box)) for image in self.images for i, box in enumerate((RED_BOX, BLUE_BOX))]
        self.boxes = [{"id": 1, "image_id": i, "category_id": c, "bbox": box, "iscrowd": 0} for i, c, box in boxes]
        self.categories = [{"id": 1, "name": "red"}, {"id": 2, "name": "blue"}]
        for name in names:
            self.draw(name)

    def draw(self, name, pixels=None, orientation=None):
        exif = Image.Exif()
        if orientation:
            exif[0x0112] = orientation
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(scene() if pixels is None else pixels).save(self.folder / name, exif=exif)

    def save(self, encode=str.encode):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        content = {"images": self.images, "annotations": self.boxes, "categories": self.categories}
        self.path.write_bytes(encode(json.dumps(content)))
        return self.root

    def open(self, split="train", **options):
        return open_dataset(self.save(), split, **options)


def whole(dataset, count=3, notes=()):
    """Asserts that all boxes of `count` images are there and on their colours, and what is noted."""
    assert off_colour(dataset) == [] and len(dataset) == count
    for i in range(count):
        assert sorted(dataset.classes[label] for label in dataset.objects(i).labels) == ["blue", "red"]
    assert dataset.notes == [f"{remark}: {number} (first: {first})" for remark, number, first in notes]


def refused(one_line, scenes, *parts):
    with pytest.raises(MinissdError) as caught:
        scenes.open()
    one_line(caught, *parts)
