"""Folders of annotations in formats that are not read here: what they are, and what to do about each."""

import itertools
import json
import os
from pathlib import Path

from minissd.data.coco_kinds import what_it_is
from minissd.data.images import IMAGE_SUFFIXES
from minissd.data.texts import read_text
from minissd.data.voc_xml import read_xml
from minissd.errors import MinissdError

EXPORT = "export it as PASCAL VOC, COCO or YOLO"
_BY_SUFFIX = {
    ".csv": f"a table: {EXPORT}",
    ".tfrecord": f"records of TensorFlow: {EXPORT}",
    ".tfrecords": f"records of TensorFlow: {EXPORT}",
    ".record": f"records of TensorFlow: {EXPORT}",
    ".parquet": f"a table: {EXPORT}",
    ".arrow": f"a table: {EXPORT}",
    ".mat": f"a file of Matlab: {EXPORT}",
    ".zip": "packed: unpack it, and give the folder",
    ".tar": "packed: unpack it, and give the folder",
    ".gz": "packed: unpack it, and give the folder",
    ".7z": "packed: unpack it, and give the folder",
    ".rar": "packed: unpack it, and give the folder",
}
_BY_ROOT = {  # of XML files
    "annotations": f"CVAT's own XML: {EXPORT}",
    "dataset": f"XML of dlib's imglab: {EXPORT}",
    "annotation": "VOC's XML, but no images of their names lie beside them, nor in a folder images beside their folder",
}
_KITTI = f"a label file of KITTI: {EXPORT}"
_IMAGES_ALONE = (
    "there are images alone: draw boxes in a labelling tool (labelImg, CVAT, Label Studio) and export them as PASCAL "
    "VOC, COCO or YOLO; or, to classify, sort the images into a folder for each class"
)
_LOOKED_AT, _DEEP, _LARGE = 2000, 3, 50_000_000  # files, folders, bytes


def other_annotations(path):
    """What annotations a folder or a file holds that no reader here takes, and what to do; "" if there are none."""
    found = {}
    for file in itertools.islice(_files(path), _LOOKED_AT):
        found.setdefault(file.suffix.lower(), file)
    for suffix in (".json", ".xml", ".txt", *_BY_SUFFIX):
        what = _what(found[suffix], suffix) if suffix in found else ""
        if what:
            return f"{found[suffix]} is {what}"
    return ""


def images_alone(path):
    """What to do with a folder of images, or an image, without any annotations; "" for anything else."""
    suffixes = {file.suffix.lower() for file in itertools.islice(_files(path), _LOOKED_AT)}
    return _IMAGES_ALONE if suffixes and suffixes.issubset(IMAGE_SUFFIXES) else ""


def _files(path):
    """The files in a folder and two below, or the file that the path is."""
    if path.is_file():
        yield path
        return
    for where, below, names in os.walk(path):
        depth = len(Path(where).relative_to(path).parts)
        below[:] = sorted(name for name in below if not name.startswith((".", "__"))) if depth < _DEEP - 1 else []
        yield from (Path(where, name) for name in sorted(names) if not name.startswith("."))


def _what(file, suffix):
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    try:
        if file.stat().st_size > _LARGE:
            return ""
        if suffix == ".txt":
            return _KITTI if _is_kitti(read_text(file)) else ""
        return what_it_is(json.loads(file.read_bytes())) if suffix == ".json" else _BY_ROOT.get(read_xml(file).tag, "")
    except (OSError, ValueError, RecursionError, MinissdError):
        return ""


def _is_kitti(text):
    """Whether each line has a class and 14 numbers, or 15 with a score, as KITTI's labels."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    try:
        return bool(lines) and all(len([float(word) for word in line[1:]]) in (14, 15) for line in lines)
    except ValueError:
        return False
