"""Detections of a whole data set in the formats in which others score them: VOC's text files and COCO's JSON.

VOC's development kit (Everingham et al.) reads a file for each class, `comp4_det_SPLIT_CLASS.txt`, with a line for each
detection: id of the image, score, xmin, ymin, xmax, ymax, where pixels count from 1 and both corners are included.
COCO's is one list of {"image_id", "category_id", "bbox": [x, y, width, height], "score"}, edges counted from 0.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minissd.data.placing import DRAWN_UNTURNED, SCALED
from minissd.data.samples import Dataset, extents_of
from minissd.detection import Detections
from minissd.errors import MinissdError
from minissd.files import write_atomically, write_json

COMPETITION = "comp4"  # VOC's name for detection with any training data


def check_savable(dataset: Dataset, formats: Sequence[str]) -> None:
    """MinissdError if the detections in this data set cannot be told in one of the formats, keys of SAVERS."""
    spaced = next((one for one in dataset.ids if not one or one.split() != [one]), None)
    if "voc" in formats and spaced is not None:
        raise MinissdError(f"--save voc: VOC's lines are cut at blanks, and an image is called {spaced!r}: rename it")
    if "coco" in formats and hasattr(dataset, "_parts"):
        raise MinissdError("--save coco: images of several data sets share their numbers: score one set at a time")


def other_pixels(dataset: Any) -> bool:
    """Whether the annotation counts other pixels than those of the image files, which the saved boxes count."""
    return any(getattr(dataset, "remarks", {}).get(remark) for remark in (SCALED, DRAWN_UNTURNED))


def save_voc(dataset: Any, detections: Sequence[Detections], folder: Path, split: str) -> Path:
    """Write the files of all classes, also of those of which nothing is found; returns the folder they are in."""
    lines: dict[str, list[str]] = {name: [] for name in dataset.classes}
    for i, found in enumerate(detections):
        # a box around the first pixel has the edges 0 and 1, and is pixel 1 to pixel 1
        boxes = pixels(dataset, i, found) + np.array((1, 1, 0, 0))
        for box, label, score in zip(boxes, found.labels, found.scores, strict=True):
            numbers = " ".join(f"{number:.3f}" for number in box)
            lines[dataset.classes[label]].append(f"{dataset.ids[i]} {score:.9f} {numbers}\n")
    for name, of_class in lines.items():
        content = "".join(of_class).encode()
        path = folder / "voc" / f"{COMPETITION}_det_{split}_{_in_a_file_name(name)}.txt"
        write_atomically(path, lambda file, content=content: file.write(content))
    return folder / "voc"


def save_coco(dataset: Any, detections: Sequence[Detections], folder: Path, split: str) -> Path:
    """Write `coco_SPLIT_results.json` and return its path.

    Images and classes have the ids of the COCO file that they are from.  Other data have none: there the number that an
    image is called by, else its name, and 1 for the first class.
    """
    images = getattr(dataset, "image_ids", None) or [_number(one) for one in dataset.ids]
    categories = getattr(dataset, "category_ids", None) or range(1, len(dataset.classes) + 1)
    entries = []
    for i, found in enumerate(detections):
        corners = pixels(dataset, i, found)
        boxes = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
        for box, label, score in zip(boxes, found.labels, found.scores, strict=True):
            bbox = [float(f"{number:.7g}") for number in box]
            entry = {"image_id": images[i], "category_id": categories[label], "bbox": bbox}
            entries.append(entry | {"score": float(f"{score:.9g}")})
    return write_json(folder / f"coco_{_in_a_file_name(split)}_results.json", entries, indent=None)


SAVERS: dict[str, Callable[[Any, Sequence[Detections], Path, str], Path]] = {"voc": save_voc, "coco": save_coco}


def pixels(dataset: Any, i: int, found: Detections) -> np.ndarray:
    """(K, 4) float64 edges in pixels of the image at a place, counted from 0."""
    return np.asarray(found.corners, np.float64) * np.tile(extents_of(dataset, i).size, 2)


def _number(image_id):
    name = Path(image_id).stem
    return int(name) if re.fullmatch("[0-9]+", name) else name


def _in_a_file_name(name):
    return re.sub(r"[\x00-\x1f/\\:]", "_", name)
