"""VOC trees: the annotations of the PASCAL VOC challenge, which most labelling tools write (where: voc_places.py).

VOC boxes count pixels from 1 and include both corners.  Here they become continuous edges, normalised,

    ((xmin - 1) / W, (ymin - 1) / H, xmax / W, ymax / H)

so that the plain overlap of two boxes is the inclusive-pixel overlap of the VOC development kit.  W and H are
those of the image file; where the XML says otherwise, placing.py decides and a note says so.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minissd.data.boxed_images import BoxedImages
from minissd.data.images import read_header
from minissd.data.placing import place_boxes
from minissd.data.samples import (
    NO_CLASS,
    OTHERS,
    Remarks,
    check_limit,
    choose_classes,
    ids_that_show,
    is_no_class,
    notes_from,
    objects_by_image,
    read_all,
    remark_on_classes,
)
from minissd.data.splits import MADE_NOTE
from minissd.data.voc_annotation import NO_OBJECTS, read_annotation, read_names
from minissd.data.voc_files import the_image
from minissd.data.voc_places import find_places
from minissd.errors import MinissdError

CHOSEN_BY_NAME = "ids with several images, that of <filename> used"
OTHER_NAME = "annotations whose <filename> is another image of the set, that of their own name used"


class VocDataset(BoxedImages):
    """One split of a VOC tree (see samples.py for what a dataset offers).

    root: the folder; split: the name of a list in ImageSets/Main, or what stands for it (voc_places.py); classes: the
    names to use, in the order of their labels, None for all names in the tree, sorted (the same in every split).
    If `classes` leaves names out, so are the images that show none of those given, unless `keep_others`: a score has
    to count what is found in them by mistake.  Images without any object stay.  limit: at most so many images, the
    first.

    All annotations are read here, images on access.  Raises MinissdError for whatever is missing or broken.
    """

    def __init__(
        self,
        root: str | Path,
        split: str,
        classes: Sequence[str] | None = None,
        limit: int | None = None,
        keep_others: bool = False,
    ):
        check_limit(limit)
        self.root = Path(root)
        self.name = self.root.resolve().name
        places = find_places(self.root)
        remarks: Remarks = defaultdict(list)  # remark -> the ids it was made on
        listed = places.ids(split, remarks)
        if not listed:
            raise MinissdError(f"{self.root}: no image with an annotation falls into split {split!r}")
        annotations = _read_annotations(listed, places.xmls, remarks)

        known = names_in_tree(places.xmls, annotations)
        self.classes = choose_classes(classes, known, self.root, some=keep_others)
        if keep_others:
            shown = listed
            others = set(known) - set(self.classes)
            remarks[OTHERS] += [one for one in listed for name in annotations[one].names if name in others]
        else:
            names = {image_id: one.names for image_id, one in annotations.items()}
            shown = ids_that_show(self.classes, known, names, remarks)
        self.ids = shown[:limit]
        if not self.ids:
            raise MinissdError(f"{self.root}, split {split}: no image shows any of {', '.join(self.classes)}")

        self._paths = _choose_images(self.ids, places.images, annotations, remarks)
        self._objects = self._make_objects([annotations[one] for one in self.ids], remarks)
        remark_on_classes(self.classes, self._objects, remarks)
        self.remarks = remarks
        self.notes = notes_from(remarks) + [MADE_NOTE] * (not places.has_splits)

    def _make_objects(self, annotations, remarks):
        """The Objects of each image, of the chosen classes, normalised; what is wrong goes into the remarks."""
        label_of = {name: label for label, name in enumerate(self.classes)}
        labels = np.array([label_of.get(name, -1) for one in annotations for name in one.names], np.int64)
        image_of = np.repeat(np.arange(len(annotations)), [len(one.names) for one in annotations])
        boxes = np.concatenate([one.boxes for one in annotations])
        difficult = np.concatenate([one.difficult for one in annotations])
        wanted = labels >= 0
        image_of, labels, difficult = image_of[wanted], labels[wanted], difficult[wanted]

        headers = read_all(read_header, self._paths, "images")
        sizes = [one.size for one in annotations]
        placed = place_boxes(boxes[wanted], image_of, sizes, headers, self.ids, inclusive=True)
        for remark, where in placed.remarks.items():
            remarks[remark] += where
        parts = (part[placed.usable] for part in (image_of, placed.corners, labels, difficult))
        return objects_by_image(self.ids, *parts, remarks)


def names_in_tree(xmls, annotations=None):
    """Sorted class names of the whole tree, so that labels mean the same in every split.

    xmls: id -> path of all annotations; annotations: id -> VocAnnotation of those that were read already.
    """
    annotations = annotations or {}
    names = {name for annotation in annotations.values() for name in annotation.names}
    for image_id, path in xmls.items():
        if image_id not in annotations:
            try:
                names |= read_names(path)
            except MinissdError:
                continue  # whoever opens the split it belongs to will hear of it
    return sorted(name for name in names if not is_no_class(name))


def _read_annotations(ids, xmls, remarks):
    """id -> VocAnnotation, without objects for an image that has none."""
    read = read_all(lambda one: read_annotation(xmls[one]) if one in xmls else NO_OBJECTS, ids, "annotations")
    annotations = dict(zip(ids, read, strict=True))
    for image_id, annotation in annotations.items():
        for remark in annotation.remarks:
            remarks[remark].append(image_id)
        remarks[NO_CLASS] += [image_id for name in annotation.names if is_no_class(name)]
    return annotations


def _choose_images(ids, images, annotations, remarks):
    """The image of each id.  Where there are several, <filename> decides, or it is an error."""
    file_names = {path.name for paths in images.values() for path in paths}
    chosen = []
    for image_id in ids:
        name = annotations[image_id].file_name
        chosen.append(the_image(image_id, images[image_id], name))
        remarks[CHOSEN_BY_NAME] += [image_id] * (len(images[image_id]) > 1)
        remarks[OTHER_NAME] += [image_id] * (chosen[-1].name != name and name in file_names)
    return chosen
