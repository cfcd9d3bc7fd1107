"""COCO JSON: the annotation format of the COCO challenge, one file for all boxes of a split.

A box is x, y, width, height in pixels, x and y being its upper left edge, counted from 0 and continuous: a box
around the first pixel is 0, 0, 1, 1.  Normalised corners are therefore

    (x / W, y / H, (x + width) / W, (y + height) / H)

W and H are compared with those of the image files (placing.py), whose headers are read for that: 0.1 ms an image,
half a second for val2017.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minissd.data.boxed_images import BoxedImages
from minissd.data.coco_annotation import read_annotation
from minissd.data.coco_images import MISSING, image_files
from minissd.data.images import read_header
from minissd.data.placing import CORNERS, OVER_THE_EDGE, place_boxes, seem_corners
from minissd.data.samples import (
    NO_CLASS,
    boxes_by_image,
    check_limit,
    choose_classes,
    ids_that_show,
    is_no_class,
    notes_from,
    read_all,
    remark_on_classes,
    remark_on_others,
)
from minissd.data.splits import MADE_NOTE, MADE_SPLITS, in_made_split
from minissd.detection import Objects
from minissd.errors import MinissdError
from minissd.metrics.coco import Extents

CROWD = "crowd regions, not learned"


class CocoDataset(BoxedImages):
    """The images of a COCO JSON file (see samples.py for what a dataset offers).

    path: the file; images: the folder its file names are relative to, None to look for it (coco_images.py).
    classes: the names to use, in the order of their labels; None for all categories of the file, in the order
    of their ids, whether an object is of them or not.  As in a VOC tree, images without any object stay, and
    if `classes` leaves names out, so are the images that show none of those given, unless `keep_others`: a
    score has to count what is found in them by mistake.  limit: at most so many images, the first.
    split: the part that is wanted of a file that holds all images of a set (splits.py); None for all of them.

    A crowd region (`iscrowd` 1) is one box around many objects: no object to learn, nor one to find.  With
    `keep_others`, for a score, it is there and marked `difficult`, so that whatever overlaps it as a whole is
    neither hit nor miss.  (COCO's score also forgives single detections inside of a crowd, that of VOC does not.)
    Without it, for training, crowd regions are left out, with a note.

    All boxes are read here, images on access.  Raises MinissdError for whatever is missing or broken.
    """

    def __init__(
        self,
        path: str | Path,
        images: str | Path | None = None,
        classes: Sequence[str] | None = None,
        limit: int | None = None,
        keep_others: bool = False,
        split: str | None = None,
    ):
        check_limit(limit)
        self.path = Path(path)
        self.name = self.path.stem
        annotation = read_annotation(self.path)
        if not annotation.images:
            raise MinissdError(f"{self.path} lists no image")
        folder, files = image_files(self.path, [image.file_name for image in annotation.images], images)
        remarks = annotation.remarks
        lost = [one.file_name for one, file in zip(annotation.images, files, strict=True) if file is None]
        remarks[MISSING] += [name[:100] for name in lost]

        known = [name for name in annotation.names if not is_no_class(name)]
        self.classes = choose_classes(classes, known, self.path, some=keep_others)
        chosen = [position for position, file in enumerate(files) if file is not None]
        # With the folder in front, the ids of two splits tell their images apart even where the names repeat.
        ids = {i: _id_of(files[i], folder) for i in chosen}
        if split in MADE_SPLITS:
            chosen = [i for i in chosen if in_made_split(annotation.images[i].file_name, split)]
            if not chosen:
                raise MinissdError(f"{self.path} has {len(files)} images, none of which falls into {split!r}")
        if keep_others:
            remark_on_others(self.classes, known, remarks)
        else:
            position_of = {ids[i]: i for i in chosen}
            shown = _names_by_id(annotation, {i: ids[i] for i in chosen})
            chosen = [position_of[one] for one in ids_that_show(self.classes, known, shown, remarks)]
        chosen = chosen[:limit]
        if not chosen:
            raise MinissdError(f"{self.path}: no image shows any of {', '.join(self.classes)}")

        self.image_ids = [annotation.images[i].id for i in chosen]  # of the file, as are those of the categories
        category_of = dict(zip(annotation.names, annotation.category_ids, strict=True))
        self.category_ids = [category_of.get(name) for name in self.classes]
        self.ids, self._paths = [ids[i] for i in chosen], [files[i] for i in chosen]
        self._objects, self._areas = self._make_objects(annotation, chosen, keep_others, remarks)
        remark_on_classes(self.classes, self._objects, remarks)
        self.remarks = remarks
        self.notes = notes_from(remarks)
        if split is not None:
            whole = f"no splits in {self.path.name}: {split!r} is all of it, the images of train and val too"
            self.notes.append(MADE_NOTE if split in MADE_SPLITS else whole)

    def _make_objects(self, annotation, chosen, keep_crowds, remarks):
        """For each chosen image its Objects, and their areas in pixels; what is wrong with boxes goes into the remarks.

        All boxes are clipped at once: there are 860,000 of them in COCO's training set.
        """
        place = np.full(len(annotation.images), -1)  # image -> its place among the chosen
        place[chosen] = np.arange(len(chosen))
        label_of = {name: label for label, name in enumerate(self.classes)}
        new_label = np.array([label_of.get(name, -1) for name in annotation.names])

        labels, places = new_label[annotation.labels], place[annotation.image_of]
        nothing = np.array([is_no_class(name) for name in annotation.names], bool)[annotation.labels]
        remarks[NO_CLASS] += [self.ids[i] for i in places[nothing & (places >= 0)]]
        wanted = (labels >= 0) & (places >= 0)
        if not keep_crowds:
            remarks[CROWD] += [self.ids[i] for i in places[wanted & annotation.crowd]]
            wanted &= ~annotation.crowd
        parts = labels, places, annotation.crowd, annotation.boxes, annotation.areas
        labels, places, crowd, boxes, areas = (part[wanted] for part in parts)

        headers = read_all(read_header, self._paths, "images")
        stated = [annotation.images[i][1:3] for i in chosen]
        with np.errstate(over="ignore"):  # what is infinite is outside of the image
            edges = np.hstack([boxes[:, :2], boxes[:, :2] + np.maximum(boxes[:, 2:], 0)])  # a negative width is none
        placed = place_boxes(edges, places, stated, headers, self.ids)
        for remark, where in placed.remarks.items():
            remarks[remark] += where
        shown = np.array([(header.width, header.height)[:: -1 if header.swaps_sides else 1] for header in headers])
        if seem_corners(boxes, shown[places], len(remarks[OVER_THE_EDGE])):
            remarks[CORNERS] += [self.ids[i] for i in places]
        parts = (part[placed.usable] for part in (places, placed.corners, labels, crowd, areas))
        places, corners, labels, crowd, areas = parts
        of_images = boxes_by_image(self.ids, places, corners, labels, remarks)
        return [Objects(corners[one], labels[one], crowd[one]) for one in of_images], [areas[one] for one in of_images]

    def extents(self, index: int) -> Extents:
        """As for all data sets; the areas are those that the file states, which are of the outlines."""
        extents, stated = super().extents(index), self._areas[index]
        areas = np.where(np.isnan(stated), extents.areas, stated)
        return extents._replace(areas=areas, crowd=self._objects[index].difficult)


def _id_of(file, folder):
    """folder/name of an image file below its folder, else its whole path."""
    return f"{folder.name}/{file.relative_to(folder).as_posix()}" if file.is_relative_to(folder) else file.as_posix()


def _names_by_id(annotation, ids):
    """id -> names of the classes that the image shows, crowds aside.  ids: position -> id of the images wanted."""
    shown = {image_id: set() for image_id in ids.values()}
    alone = ~annotation.crowd
    for position, label in zip(annotation.image_of[alone].tolist(), annotation.labels[alone].tolist(), strict=True):
        if position in ids:
            shown[ids[position]].add(annotation.names[label])
    return shown
