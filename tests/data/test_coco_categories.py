"""COCO categories that are no class, and those of two splits."""

from coco_scenes import whole
from voc_scenes import off_colour

from minissd.data.catalogue import open_dataset
from minissd.data.coco_annotation import ROOT
from minissd.data.samples import NO_CLASS, UNSEEN


def test_a_root_category_is_no_class(scenes):
    scenes.categories.insert(0, {"id": 0, "name": "cells", "supercategory": "none"})
    for category in scenes.categories[1:]:
        category["supercategory"] = "cells"
    assert scenes.open().classes == ("red", "blue")
    whole(scenes.open(), notes=[(ROOT, 1, "cells")])
    scenes.boxes.append({"image_id": 7, "category_id": 0, "bbox": [1, 1, 5, 5]})
    assert scenes.open().classes == ("cells", "red", "blue")  # a box is of it


def test_background_is_no_class(scenes):
    scenes.categories.append({"id": 9, "name": "_background_"})
    scenes.boxes.append({"image_id": 8, "category_id": 9, "bbox": [1, 1, 5, 5]})
    whole(scenes.open(), notes=[(NO_CLASS, 1, "train/img1.png")])


def test_categories_that_a_split_does_not_list(scenes):
    """Matched by name, whatever the order; what is not listed is not there."""
    scenes.save()
    scenes.path = scenes.root / "annotations" / "instances_val.json"
    scenes.categories.reverse()
    for number, category in enumerate(scenes.categories):
        category["id"] = 1 + number  # blue 1, red 2
    for box in scenes.boxes:
        box["category_id"] = 3 - box["category_id"]
    scenes.save()
    scenes.folder = scenes.root / "val"
    for image in scenes.images:
        scenes.draw(image["file_name"])
    train = open_dataset(scenes.root, "train")
    val = open_dataset(scenes.root, "val", classes=train.classes, keep_others=True)
    assert train.classes == val.classes == ("red", "blue")
    whole(val)
    scenes.categories = scenes.categories[1:]
    scenes.boxes = [box for box in scenes.boxes if box["category_id"] == 2]
    scenes.save()
    val = open_dataset(scenes.root, "val", classes=train.classes, keep_others=True)
    assert val.objects(0).labels.tolist() == [0] and off_colour(val) == []
    assert val.notes == [f"{UNSEEN}: 1 (first: blue)"]
