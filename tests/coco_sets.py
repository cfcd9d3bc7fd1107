"""Small COCO sets for tests: a JSON file and its images."""

import json
from pathlib import Path

from PIL import Image

NAMES = {3: "dog", 1: "person", 7: "cat"}  # in the order of the ids: person, dog, cat


class CocoSet:
    """Builds the content of a JSON file entry by entry, and writes it with `save`."""

    def __init__(self, folder, names=NAMES):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True)
        self.content = {
            "images": [],
            "annotations": [],
            "categories": [{"id": number, "name": name} for number, name in names.items()],
        }

    def add(self, name, objects=(), size=(40, 30), saved_size=None, orientation=None):
        """An image of one colour; objects: (category, [x, y, width, height]), and True for a crowd."""
        image_id = 100 - len(self.content["images"])
        entry = {"id": image_id, "file_name": name, "width": size[0], "height": size[1]}
        self.content["images"].append(entry)
        for category, box, *crowd in objects:
            annotation = {
                "id": len(self.content["annotations"]),
                "image_id": image_id,
                "category_id": category,
                "bbox": list(box),
                "iscrowd": int(any(crowd)),
                "segmentation": [[1, 2, 3, 4, 5, 6]],
            }
            self.content["annotations"].append(annotation)
        exif = Image.Exif()
        if orientation is not None:
            exif[0x0112] = orientation
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", saved_size or size, (200, 100, 50)).save(self.folder / name, exif=exif)
        return self

    def save(self, path=None):
        """Writes the file, beside the images unless told where -> its path."""
        path = Path(path or self.folder / "boxes.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.content))
        return path
