"""A COCO JSON file -> what it says of images and boxes, as it is written there, in pixels.

    {"categories":  [{"id": 18, "name": "dog"}, ...],
     "images":      [{"id": 139, "file_name": "000000000139.jpg", "width": 640, "height": 426}, ...],
     "annotations": [{"image_id": 139, "category_id": 18, "bbox": [x, y, width, height], "iscrowd": 0,
                      "area": square pixels inside of the outline}, ...]}

Ids may have gaps and come in any order; whatever else there is, is passed over.  Numbers may be strings or have a
point: 7, 7.0, "7" and "7.0" are one id.
"""

import json
import re
from collections import Counter, defaultdict
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from minissd.data.coco_kinds import what_it_is
from minissd.data.coco_outlines import box_around
from minissd.errors import MinissdError

STRANGERS = "images that annotations belong to but that are not listed, left out"
NO_BOX = "annotations without a box or an outline, left out"
SCORED = "annotations with a score, which a detector wrote, taken for objects that are there"
OUTLINED = "annotations without a box, that around their outline used"
LISTED_TWICE = "images listed more than once, used once"
ROOT = "categories that no box is of and that others belong to, as Roboflow writes its projects, no classes"

_WHOLE = re.compile(r"[+-]?[0-9]+(\.0*)?")
# Nearly all of such a file is outlines.  Dropped as soon as they are parsed, instances_train2017.json (450 MB)
# takes little more memory than its text.
_OUTLINES = ("segmentation", "keypoints")
_AROUND = " around"  # the key of a box that was made of an outline


class CocoImage(NamedTuple):
    """One image of the list; its boxes are in units of the pixels of this size."""

    file_name: str  # as it is written
    width: float  # 0 where the file does not say
    height: float
    id: Any  # as it is written


class CocoAnnotation(NamedTuple):
    """What a file says of I images and A boxes, C different names."""

    names: list[str]  # C, in the order of the category ids
    category_ids: list[Any]  # C, as they are written; of several with one name the first
    images: list[CocoImage]  # I
    image_of: np.ndarray  # (A,) int64, 0..I-1
    labels: np.ndarray  # (A,) int64, 0..C-1
    boxes: np.ndarray  # (A, 4) float64: x, y, width, height; x, y is the upper left edge, counted from 0
    crowd: np.ndarray  # (A,) bool: a region of many objects under one box
    areas: np.ndarray  # (A,) float64, square pixels; NaN where the file does not say
    remarks: dict[str, list[str]]  # each remark to what it is made on


def read_annotation(path):
    """The `CocoAnnotation` in a JSON file.

    Raises MinissdError naming the file and the entry if it is no JSON or another tool's, lacks a list or a key, has
    a value of the wrong kind, an id twice, a box of a category that is not listed, or boxes of none of its images.
    """
    content = _load(path)
    remarks = defaultdict(list)
    categories = _entries(content, "categories", path)
    images, position_of = _images(_entries(content, "images", path), path, remarks)
    entries = _entries(content, "annotations", path)
    names, category_ids, label_of = _categories(categories, entries, path, remarks)
    image_of, labels, boxes, crowd, areas, strangers = [], [], [], [], [], {}
    for number, entry in enumerate(entries):
        image_id, category = _id(entry.get("image_id")), _id(entry.get("category_id"))
        if image_id is None or category not in label_of:
            raise _fault(path, "annotations", number, "an image_id, and a category_id that is listed", entry)
        if image_id not in position_of:
            strangers[str(image_id)] = None
            continue
        file_name = images[position_of[image_id]].file_name[:100]  # it may be a whole picture, as data:image/...
        box = _numbers(entry.get("bbox"))
        if not entry.get("bbox"):
            box = entry.get(_AROUND) or []
            remarks[OUTLINED if box else NO_BOX].append(file_name)
            if not box:
                continue
        if len(box) != 4:
            raise _fault(path, "annotations", number, "a bbox of four numbers", entry)
        if "score" in entry:
            remarks[SCORED].append(file_name)
        image_of.append(position_of[image_id])
        labels.append(label_of[category])
        boxes.append(box)
        area = _numbers([entry.get("area")])
        areas.append(area[0] if area and area[0] > 0 else np.nan)
        crowd.append(str(entry.get("iscrowd")).strip().lower() in ("1", "1.0", "true", "yes"))
    if strangers and images and not image_of:
        raise MinissdError(
            f"{path}: no box belongs to any of its {len(images)} images: the first has the image_id "
            f"{next(iter(strangers))}, the first image the id {next(iter(position_of), None)}: correct one of them"
        )
    remarks[STRANGERS] += strangers
    return CocoAnnotation(
        names,
        category_ids,
        images,
        np.array(image_of, np.int64),
        np.array(labels, np.int64),
        np.array(boxes, np.float64).reshape(-1, 4),
        np.array(crowd, bool),
        np.array(areas, np.float64),
        remarks,
    )


def _load(path):
    """The parsed file, without outlines; where these are all that there is, with the box around them."""

    def lighten(entry):
        if "segmentation" in entry and not entry.get("bbox"):
            entry[_AROUND] = box_around(entry["segmentation"])
        for key in _OUTLINES:
            entry.pop(key, None)
        return entry

    try:
        content = json.loads(path.read_bytes(), object_hook=lighten)  # UTF-8, 16 or 32, with a mark or without
    except OSError as error:
        raise MinissdError(f"annotations {path} cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise MinissdError(f"{path} is neither UTF-8 nor UTF-16: save it as UTF-8") from None
    except (ValueError, RecursionError) as error:
        if "Extra data" in str(error):
            raise MinissdError(f"{path} has one JSON after another ({error}); COCO is one object: convert it") from None
        raise MinissdError(f"{path} is no well-formed JSON ({error}): repair it") from None
    if not isinstance(content, dict) or "annotations" not in content or "images" not in content:
        what = what_it_is(content) if isinstance(content, dict | list) else ""
        if what:
            raise MinissdError(f"{path} is no COCO annotation but {what}")
    if not isinstance(content, dict):
        raise MinissdError(f"{path} is no COCO annotation: it holds a {type(content).__name__}, expected an object")
    return content


def _entries(content, key, path):
    """One of the lists of the file, every entry of which is an object."""
    entries = content.get(key)
    if not isinstance(entries, list):
        hint = ", only images, so there is nothing to learn or to score" if key == "annotations" else ""
        raise MinissdError(f"{path} is no COCO annotation: it has no list {key!r}{hint}")
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise _fault(path, key, number, "an object", entry)
    return entries


def _categories(entries, annotations, path, remarks):
    """Class names in the order of their ids, these ids, and id -> label.  Categories of one name are one class."""
    name_of = {}
    for number, entry in enumerate(entries):
        category, name = _id(entry.get("id")), str(entry.get("name") or "")
        if category is None or not name.strip() or isinstance(entry["name"], dict | list | bool):
            raise _fault(path, "categories", number, "a whole number as id, and a name", entry)
        name = " ".join(name.split())
        if name_of.setdefault(category, name) != name:
            raise MinissdError(f"{path}: categories have the id {category!r} more than once: drop one of them")
    used = {_id(entry.get("category_id")) for entry in annotations}
    above = {str(entry.get("supercategory")) for entry in entries}
    for entry in entries:
        category = _id(entry["id"])
        is_root = entry.get("supercategory") == "none" and name_of.get(category) in above - {"none"}
        if is_root and category not in used:
            remarks[ROOT].append(name_of.pop(category))
    ids = sorted(name_of, key=lambda category: (isinstance(category, str), category))
    names = list(dict.fromkeys(name_of[category] for category in ids))
    label = {name: position for position, name in enumerate(names)}
    written = {_id(entry["id"]): entry["id"] for entry in entries}
    first = {name_of[category]: written[category] for category in reversed(ids)}
    return names, [first[name] for name in names], {category: label[name] for category, name in name_of.items()}


def _images(entries, path, remarks):
    """The images in the order of the file, and id -> position."""
    images, position_of = [], {}
    for number, entry in enumerate(entries):
        image_id, name = _id(entry.get("id")), entry.get("file_name")
        width, height = (_side(entry.get(side)) for side in ("width", "height"))
        if image_id is None or not isinstance(name, str) or not name.strip() or name.splitlines() != [name]:
            raise _fault(path, "images", number, "an id and a file_name", entry)
        if width is None or height is None:
            raise _fault(path, "images", number, "width and height in pixels", entry)
        if image_id in position_of:
            if images[position_of[image_id]].file_name != name:
                raise MinissdError(f"{path}: images has the id {image_id!r} more than once: drop one of them")
            remarks[LISTED_TWICE].append(name[:100])
            continue
        position_of[image_id] = len(images)
        images.append(CocoImage(name, *((width, height) if width and height else (0, 0)), entry["id"]))
    names = Counter(image.file_name for image in images)
    if len(names) < len(images):
        twice = next(name for name, count in names.items() if count > 1)
        raise MinissdError(f"{path} lists the file {twice[:100]!r} under several ids: keep one of them")
    return images, position_of


def _id(value):
    """An id by which 7, 7.0, "7" and "7.0" are one: an int, or a string that is no number; None if it is neither."""
    if isinstance(value, str):
        text = value.strip()
        return int(text.partition(".")[0]) if len(text) < 30 and _WHOLE.fullmatch(text) else text or None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _side(value):
    """Width or height; 0 where it is not given or not known, None if it is nothing of the kind."""
    if value is None or value == "":
        return 0
    side = _numbers([value])
    return max(side[0], 0) if side else None


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
