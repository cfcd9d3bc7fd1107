"""A COCO JSON file -> what it says of images and boxes, as it is written there, in pixels.

    {"categories":  [{"id": 18, "name": "dog"}, ...],
     "images":      [{"id": 139, "file_name": "000000000139.jpg", "width": 640, "height": 426}, ...],
     "annotations": [{"image_id": 139, "category_id": 18, "bbox": [x, y, width, height], "iscrowd": 0}, ...]}

Ids may have gaps and come in any order; whatever else there is, is passed over.
"""

import json
from math import isfinite
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minissd.errors import MinissdError

# Nearly all of such a file is outlines.  Dropped as soon as they are parsed, instances_train2017.json (450 MB)
# takes little more memory than its text.
_OUTLINES = ("segmentation", "keypoints")


class CocoImage(NamedTuple):
    """One image of the list; its boxes are in units of the pixels of this size."""

    file_name: str  # relative to the folder of images, inside it
    width: int
    height: int


class CocoAnnotation(NamedTuple):
    """What a file says of I images and A boxes, C different names."""

    names: list[str]  # C, in the order of the category ids
    images: list[CocoImage]  # I
    image_of: np.ndarray  # (A,) int64, 0..I-1
    labels: np.ndarray  # (A,) int64, 0..C-1
    boxes: np.ndarray  # (A, 4) float64: x, y, width, height; x, y is the upper left edge, counted from 0
    crowd: np.ndarray  # (A,) bool: a region of many objects under one box
    strangers: list[str]  # ids of images that annotations belong to and the list of images does not have


def read_annotation(path):
    """The `CocoAnnotation` in a JSON file.

    Raises MinissdError naming the file and the entry if it is no JSON, lacks a list or a key, has a value of
    the wrong kind, an image outside of its folder, an id twice, or a box of a category that is not listed.
    """
    content = _load(path)
    names, label_of = _categories(_entries(content, "categories", path), path)
    images, position_of = _images(_entries(content, "images", path), path)
    image_of, labels, boxes, crowd, strangers = [], [], [], [], {}
    for number, entry in enumerate(_entries(content, "annotations", path)):
        image_id, category = entry.get("image_id"), entry.get("category_id")
        if not isinstance(image_id, int | str) or not isinstance(category, int) or category not in label_of:
            raise _fault(path, "annotations", number, "an image_id, and a category_id that is listed", entry)
        if image_id not in position_of:
            strangers[str(image_id)] = None
            continue
        box = _numbers(entry.get("bbox"))
        if len(box) != 4:
            raise _fault(path, "annotations", number, "a bbox of four numbers", entry)
        image_of.append(position_of[image_id])
        labels.append(label_of[category])
        boxes.append(box)
        crowd.append(entry.get("iscrowd") in (1, True))
    return CocoAnnotation(
        names,
        images,
        np.array(image_of, np.int64),
        np.array(labels, np.int64),
        np.array(boxes, np.float64).reshape(-1, 4),
        np.array(crowd, bool),
        list(strangers),
    )


def _load(path):
    """The parsed file, without outlines."""

    def lighten(entry):
        for key in _OUTLINES:
            entry.pop(key, None)
        return entry

    try:
        with open(path, encoding="utf-8-sig") as file:
            content = json.load(file, object_hook=lighten)
    except OSError as error:
        raise MinissdError(f"annotations {path} cannot be read ({error.strerror or error})") from None
    except (ValueError, RecursionError) as error:  # the first: also a wrong encoding
        raise MinissdError(f"{path} is no well-formed JSON ({error}): repair it") from None
    if not isinstance(content, dict):
        raise MinissdError(f"{path} is no COCO annotation: it holds a {type(content).__name__}, expected an object")
    return content


def _entries(content, key, path):
    """One of the lists of the file, every entry of which is an object."""
    entries = content.get(key)
    if not isinstance(entries, list):
        raise MinissdError(f"{path} is no COCO annotation: it has no list {key!r}")
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise _fault(path, key, number, "an object", entry)
    return entries


def _categories(entries, path):
    """Class names in the order of their ids, and id -> label.  Categories of one name are one class."""
    for number, entry in enumerate(entries):
        name = entry.get("name")
        if not isinstance(entry.get("id"), int) or not isinstance(name, str) or not name.strip():
            raise _fault(path, "categories", number, "a whole number as id, and a name", entry)
    _check_unique([entry["id"] for entry in entries], "categories", path)
    name_of = {entry["id"]: " ".join(entry["name"].split()) for entry in sorted(entries, key=lambda one: one["id"])}
    names = list(dict.fromkeys(name_of.values()))
    return names, {category: names.index(name) for category, name in name_of.items()}


def _images(entries, path):
    """The images in the order of the file, and id -> position."""
    images = []
    for number, entry in enumerate(entries):
        name, size = entry.get("file_name"), (entry.get("width"), entry.get("height"))
        if not isinstance(entry.get("id"), int | str) or not isinstance(name, str) or not name:
            raise _fault(path, "images", number, "an id and a file_name", entry)
        if not all(isinstance(side, int) and side > 0 for side in size):
            raise _fault(path, "images", number, "width and height in pixels", entry)
        if Path(name).anchor or ".." in Path(name).parts or name.splitlines() != [name]:
            raise _fault(path, "images", number, "a file_name inside the folder of images", entry)
        images.append(CocoImage(name, *size))
    ids = [entry["id"] for entry in entries]
    _check_unique(ids, "images", path)
    return images, {image_id: position for position, image_id in enumerate(ids)}


def _check_unique(ids, key, path):
    if len(set(ids)) < len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise MinissdError(f"{path}: {key} has the id {twice!r} more than once: drop one of them")


def _numbers(values):
    """A list of finite numbers as floats; [] if that is not what is given."""
    try:
        numbers = [float(value) for value in values] if isinstance(values, list) else []
    except (TypeError, ValueError, OverflowError):
        return []
    return numbers if all(map(isfinite, numbers)) else []


def _fault(path, key, number, expected, entry):
    """The MinissdError for an entry that is not as expected."""
    given = json.dumps(entry)
    given = given if len(given) <= 100 else given[:97] + "..."
    return MinissdError(f"{path}: {key}[{number}] needs {expected}; it is {given}: correct it")
