"""VOC trees: the folder layout of the PASCAL VOC challenge, which most labelling tools write.

    ROOT/Annotations/ID.xml            the boxes of one image
    ROOT/JPEGImages/ID.jpg             the image; .jpeg and .png too
    ROOT/ImageSets/Main/SPLIT.txt      one ID a line, perhaps followed by 1 or -1

VOC boxes count pixels from 1 and include both corners.  Here they become continuous edges, normalised,

    ((xmin - 1) / W, (ymin - 1) / H, xmax / W, ymax / H)

so that the plain overlap of two boxes is the inclusive-pixel overlap of the VOC development kit.  W and H are
those of the image file; where the XML says otherwise, the file is believed and the difference noted.
"""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from minissd.data.images import ENOUGH_PIXELS, read_header, read_image
from minissd.data.placing import place_boxes
from minissd.data.samples import Sample, check_limit, choose_classes, ids_that_show, notes_from, objects_by_image
from minissd.data.voc_annotation import read_annotation
from minissd.errors import MinissdError

SUFFIXES = (".jpg", ".jpeg", ".png")
SPLITS = Path("ImageSets", "Main")
PARTS = ("Annotations", "JPEGImages", str(SPLITS))


class VocDataset:
    """One split of a VOC tree (see samples.py for what a dataset offers).

    root: the folder; split: the name of a list in ImageSets/Main; classes: the names to use, in the order of
    their labels, None for all names in the tree, sorted (the same in every split).  If `classes` leaves names
    out, so are the images that show none of those given, unless `keep_others`: a score has to count what is
    found in them by mistake.  Images without any object stay.  limit: at most so many images, the first.

    All annotations are read here, images on access.  Raises MinissdError for whatever is missing or broken.
    """

    task = "detect"

    def __init__(self, root, split, classes=None, limit=None, keep_others=False):
        check_limit(limit)
        self.root = Path(root)
        _check_tree(self.root)
        self.name = self.root.resolve().name
        remarks = defaultdict(list)  # remark -> the ids it was made on
        self._files = images_by_id(self.root)
        listed = read_split(self.root, split, self._files, remarks)
        annotations = {image_id: read_annotation(self._xml(image_id)) for image_id in listed}

        known = names_in_tree(self.root, annotations)
        self.classes = choose_classes(classes, known, self.root)
        if keep_others:
            shown = listed
        else:
            names = {image_id: one.names for image_id, one in annotations.items()}
            shown = ids_that_show(self.classes, known, names, remarks)
        self.ids = shown[:limit]
        if not self.ids:
            raise MinissdError(f"{self.root}, split {split}: no image shows any of {', '.join(self.classes)}")

        self._objects = self._make_objects([annotations[one] for one in self.ids], remarks)
        self.notes = notes_from(remarks)

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, index):
        """The Sample at a position; its image is decoded now, if large at reduced size (ENOUGH_PIXELS)."""
        image = read_image(self.image_path(index), ENOUGH_PIXELS)
        return Sample(self.ids[index], image, *self._objects[index])

    def objects(self, index):
        """The Objects at a position, without reading the image."""
        return self._objects[index]

    def image_path(self, index):
        """The image file at a position, to be read at full size."""
        return self._files[self.ids[index]]

    def _xml(self, image_id):
        return self.root / "Annotations" / f"{image_id}.xml"

    def _make_objects(self, annotations, remarks):
        """The Objects of each image, of the chosen classes, normalised; what is wrong goes into the remarks."""
        label_of = {name: label for label, name in enumerate(self.classes)}
        labels = np.array([label_of.get(name, -1) for one in annotations for name in one.names], np.int64)
        image_of = np.repeat(np.arange(len(annotations)), [len(one.names) for one in annotations])
        boxes = np.concatenate([one.boxes for one in annotations])
        difficult = np.concatenate([one.difficult for one in annotations])
        wanted = labels >= 0
        image_of, labels, difficult = image_of[wanted], labels[wanted], difficult[wanted]

        headers = [read_header(self._files[one]) for one in self.ids]
        sizes = [one.size for one in annotations]
        placed = place_boxes(boxes[wanted], image_of, sizes, headers, self.ids, inclusive=True)
        for remark, where in placed.remarks.items():
            remarks[remark] += where
        parts = (part[placed.usable] for part in (image_of, placed.corners, labels, difficult))
        return objects_by_image(self.ids, *parts, remarks)


def is_voc_tree(root):
    """Whether a folder is a VOC tree, lacks one part of it, or holds one: what is amiss, VocDataset will say."""
    return len(_missing(root)) <= 1 or bool(_nested(root))


def _missing(root):
    return [part for part in PARTS if not (root / part).is_dir()]


def _nested(root):
    """The VOC trees one or two folders further down, as those of the challenge lie in VOCdevkit/VOC2007."""
    found = sorted([*root.glob("*/JPEGImages"), *root.glob("*/*/JPEGImages")])
    return [images.parent for images in found if len(_missing(images.parent)) <= 1]


def _check_tree(root):
    """Raises MinissdError saying what is missing, unless `root` is a VOC tree."""
    missing = _missing(root)
    if missing:
        nested = _nested(root)
        hint = f" (there is one in {nested[0]})" if nested else ""
        raise MinissdError(
            f"{root} is no VOC tree{hint}, it has no {' and no '.join(missing)}; expected are "
            f"Annotations/ID.xml, JPEGImages/ID.jpg and {SPLITS}/SPLIT.txt with one ID a line"
        )


def names_in_tree(root, annotations=None):
    """Sorted class names of the whole tree, so that labels mean the same in every split.

    annotations: id -> VocAnnotation of those that were read already.
    """
    annotations = annotations or {}
    names = {name for annotation in annotations.values() for name in annotation.names}
    for path in (root / "Annotations").glob("*.xml"):
        if path.stem not in annotations:
            try:
                names.update(read_annotation(path).names)
            except MinissdError:
                continue  # whoever opens the split it belongs to will hear of it
    return sorted(names)


def images_by_id(root):
    """id -> path of every image in the tree."""
    paths = sorted(path for path in (root / "JPEGImages").iterdir() if path.suffix.lower() in SUFFIXES)
    return {path.stem: path for path in paths}


def read_split(root, split, files, remarks, *, lists=SPLITS, annotation="Annotations/{}.xml"):
    """The ids in a split's list, in order and once each; every one has an image and an annotation.

    lists: the folder of the lists; annotation: the file that goes with an id, {}; both as seen from the root.
    """
    path = root / lists / f"{split}.txt"
    if not path.is_file():
        known = sorted(other.stem for other in path.parent.glob("*.txt"))
        raise MinissdError(f"{root} has no split {split!r}; there are {', '.join(known) or 'none'}")
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    times = Counter(_id_on_line(line, files) for line in lines if line.strip())  # keeps the order of the list
    if not times:
        raise MinissdError(f"{path} lists no image: put one ID on each line")
    for image_id in times:
        missing = None
        if image_id not in files:
            missing = f"JPEGImages has no {' or '.join(image_id + suffix for suffix in SUFFIXES)}"
        elif not (root / annotation.format(image_id)).is_file():
            folder, name = annotation.format(image_id).split("/", 1)
            missing = f"{folder} has no {name}"
        if missing:
            raise MinissdError(f"{path} lists {image_id!r}, but {missing}: add it or drop the id")
    remarks["images listed more than once, used once"] += [one for one in times if times[one] > 1]
    return list(times)


def _id_on_line(line, files):
    """The id on a line: all of it (it may contain spaces), or all but the 1, 0 or -1 of a per-class list."""
    line = line.strip()
    words = line.rsplit(maxsplit=1)
    return words[0] if line not in files and len(words) == 2 and words[1] in ("1", "0", "-1") else line
