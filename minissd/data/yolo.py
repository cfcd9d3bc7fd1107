"""YOLO sets: a text file of boxes for each image, in fractions of it, as most labelling tools write them today.

Where images and labels lie: yolo_places.py; data.yaml and obj.data: yolo_config.py; the lines: yolo_labels.py.
"""

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minissd.data.boxed_images import BoxedImages
from minissd.data.placing import CORNERS, OUTSIDE, OVER_THE_EDGE, clip_corners, seem_corners
from minissd.data.samples import (
    NO_CLASS,
    Remarks,
    check_limit,
    choose_classes,
    ids_that_show,
    is_no_class,
    notes_from,
    objects_by_image,
    remark_on_classes,
    remark_on_others,
)
from minissd.data.splits import MADE_NOTE, in_made_split
from minissd.data.yolo_config import config_in, read_config
from minissd.data.yolo_labels import read_labels
from minissd.data.yolo_names import ClassNames
from minissd.data.yolo_places import images_of_split, label_file, sources_without_config
from minissd.errors import MinissdError

BACKGROUND = "images without a label file, taken as background"
EMPTY = "images with an empty label file, taken as background"
OTHER_NAMES = "folders whose own names of classes are not those of the data.yaml, which are used"
ONE_LABEL = "images that share their label file with another one"
_ROUNDING = 1e-3  # of the image: labels have as few as three digits, and a box that fills it shall not reach over


class YoloDataset(BoxedImages):
    """One split of a YOLO set (see samples.py for what a dataset offers).

    place: its data.yaml or obj.data, or the folder; split: train, val or test, or of a folder that has no splits one
    of those that are made (splits.py).  classes: the names to use, in the order of their labels; None for all, in
    the order of their numbers.  Where no data.yaml names them, each folder of labels has the numbers of the
    classes.txt (or the like) nearest to it, and classes are matched by name.  If `classes` leaves names out, so are
    the images that show none of those given, unless `keep_others`.  limit: at most so many images, the first.

    An image without a label file, or with an empty one, shows no object.  All labels are read here, images on
    access.  Raises MinissdError for whatever is missing or broken.
    """

    def __init__(
        self,
        place: str | Path,
        split: str,
        classes: Sequence[str] | None = None,
        limit: int | None = None,
        keep_others: bool = False,
    ):
        check_limit(limit)
        place = Path(os.path.normpath(place))
        path = config_in(place) if place.is_dir() else place
        config = None if path is None else read_config(path)
        self.root = place if place.is_dir() else place.parent
        self.name = self.root.resolve().name
        remarks: Remarks = defaultdict(list)
        paths = images_of_split(self.root, config, split, remarks)
        bases = [self.root, *(config.bases if config is not None else ())]
        base = next((one for one in bases if paths[0].is_relative_to(one)), self.root)
        ids = [(one.relative_to(base) if one.is_relative_to(base) else one).as_posix() for one in paths]
        made = config is None and not sources_without_config(self.root)
        if made:
            kept = [i for i, one in enumerate(ids) if in_made_split(one, split)]
            paths, ids = [paths[i] for i in kept], [ids[i] for i in kept]
        names = ClassNames(self.root, config)
        boxes = _read_all(paths, ids, names, config and config.keypoints, remarks)

        known = [name for name in names.all if not is_no_class(name)]
        self.classes = choose_classes(classes, known, place, some=keep_others)
        chosen = list(range(len(ids)))
        if keep_others:
            remark_on_others(self.classes, known, remarks)
        else:
            shown: dict[str, set[str]] = {one: set() for one in ids}
            for image, name in zip(boxes.image_of, boxes.names, strict=True):
                shown[ids[image]].add(name)
            showing = set(ids_that_show(self.classes, known, shown, remarks))
            chosen = [i for i, one in enumerate(ids) if one in showing]
        chosen = chosen[:limit]
        if not chosen:
            raise MinissdError(f"{place}, split {split}: no image shows any of {', '.join(self.classes)}")

        self.ids, self._paths = [ids[i] for i in chosen], [paths[i] for i in chosen]
        remarks[OTHER_NAMES] += names.contradicted
        self._objects = self._make_objects(boxes, chosen, len(ids), remarks)
        remark_on_classes(self.classes, self._objects, remarks)
        self.remarks = remarks
        self.notes = notes_from(remarks) + ([MADE_NOTE] if made else [])

    def _make_objects(self, boxes, chosen, count, remarks):
        """One Objects for each chosen image of `count`; what is wrong with boxes goes into the remarks."""
        place = np.full(count, -1)  # image -> its place among the chosen
        place[chosen] = np.arange(len(chosen))
        label_of = {name: label for label, name in enumerate(self.classes)}
        labels = np.array([label_of.get(name, -1) for name in boxes.names], np.int64)
        places = place[np.array(boxes.image_of, np.int64)]
        nothing = np.array([is_no_class(name) for name in boxes.names], bool)
        remarks[NO_CLASS] += [self.ids[i] for i in places[nothing & (places >= 0)]]
        wanted = (labels >= 0) & (places >= 0)
        places, labels, corners = places[wanted], labels[wanted], np.reshape(boxes.corners, (-1, 4))[wanted]

        as_written = np.hstack([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]])
        edge = np.clip(corners, 0, 1)
        corners = np.where(np.abs(corners - edge) <= _ROUNDING, edge, corners)
        corners, usable, faults = clip_corners(corners, (corners[:, 2:] > corners[:, :2]).all(axis=1))
        for fault, where in faults.items():
            remarks[fault] += [self.ids[i] for i in places[where]]
        if seem_corners(as_written, 1, len(remarks[OVER_THE_EDGE]) + len(remarks[OUTSIDE])):
            remarks[CORNERS] += [self.ids[i] for i in places]
        parts = (part[usable] for part in (places, corners, labels, np.zeros(len(labels), bool)))
        return objects_by_image(self.ids, *parts, remarks)


class _Boxes(NamedTuple):
    """The boxes of I images, A in all."""

    image_of: list[int]  # A, 0..I-1
    names: list[str]  # A
    corners: list[tuple[float, float, float, float]]  # A, in fractions of the image


def _read_all(paths, ids, names, keypoints, remarks):
    """The `_Boxes` of all images."""
    found, used = _Boxes([], [], []), set()
    for image, path in enumerate(paths):
        file = label_file(path)
        if not file.is_file():
            remarks[BACKGROUND].append(ids[image])
            continue
        if file in used:
            remarks[ONE_LABEL].append(ids[image])
        used.add(file)
        of_numbers = names.beside(file.parent)
        labels = read_labels(file, len(of_numbers), keypoints)
        if not labels.numbers:
            remarks[EMPTY].append(ids[image])
        for remark in labels.remarks:
            remarks[remark].append(ids[image])
        found.image_of.extend([image] * len(labels.numbers))
        found.names.extend(of_numbers[number] for number in labels.numbers)
        found.corners.extend(labels.corners)
    return found
