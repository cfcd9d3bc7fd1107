"""COCO JSON: the annotation format of the COCO challenge, one file for all boxes of a split.

A box is x, y, width, height in pixels, x and y being its upper left edge, counted from 0 and continuous: a box
around the first pixel is 0, 0, 1, 1.  Normalised corners are therefore

    (x / W, y / H, (x + width) / W, (y + height) / H)

W and H are those that the JSON gives: its pixels are the unit of the boxes, even where the image files have
been scaled since.
"""

from collections import defaultdict
from pathlib import Path

import numpy as np

from minissd.data.coco_annotation import read_annotation
from minissd.data.coco_places import image_folder
from minissd.data.images import ENOUGH_PIXELS, read_header, read_image
from minissd.data.placing import clip_corners, turn_corners
from minissd.data.samples import Sample, check_limit, choose_classes, ids_that_show, notes_from
from minissd.data.splits import MADE_NOTE, MADE_SPLITS, in_made_split
from minissd.detection import Objects
from minissd.errors import MinissdError

STRANGERS = "images that annotations belong to but that are not listed, left out"
CROWD = "crowd regions, not learned"


class CocoDataset:
    """The images of a COCO JSON file (see samples.py for what a dataset offers).

    path: the file; images: the folder its file names are relative to, None to look for it (coco_places.py).
    classes: the names to use, in the order of their labels; None for all categories of the file, in the order
    of their ids, whether an object is of them or not.  As in a VOC tree, images without any object stay, and
    if `classes` leaves names out, so are the images that show none of those given, unless `keep_others`: a
    score has to count what is found in them by mistake.  limit: at most so many images, the first.
    split: the part that is wanted of a file that holds all images of a set (splits.py); None for all of them.

    A crowd region (`iscrowd` 1) is one box around many objects: no object to learn, nor one to find.  With
    `keep_others`, for a score, it is there and marked `difficult`, so that whatever overlaps it as a whole is
    neither hit nor miss.  (COCO's own score also forgives single detections inside of a crowd, the VOC score
    used here does not.)  Without it, for training, crowd regions are left out, with a note.

    All boxes are read here, images on access.  Raises MinissdError for whatever is missing or broken.
    """

    task = "detect"

    def __init__(self, path, images=None, classes=None, limit=None, keep_others=False, split=None):
        check_limit(limit)
        self.path = Path(path)
        self.name = self.path.stem
        annotation = read_annotation(self.path)
        if not annotation.images:
            raise MinissdError(f"{self.path} lists no image")
        folder = image_folder(self.path, annotation.images[0].file_name) if images is None else Path(images)
        # With the folder in front, the ids of two splits tell their images apart even where the names repeat.
        all_ids = [f"{folder.name}/{image.file_name}" for image in annotation.images]
        _check_files(self.path, folder, annotation.images)
        remarks = defaultdict(list, {STRANGERS: annotation.strangers})

        self.classes = choose_classes(classes, annotation.names, self.path)
        chosen = range(len(all_ids))
        if not keep_others:
            shown = _names_by_id(annotation, all_ids)
            position_of = {image_id: position for position, image_id in enumerate(all_ids)}
            chosen = [position_of[one] for one in ids_that_show(self.classes, annotation.names, shown, remarks)]
        if split in MADE_SPLITS:
            chosen = [i for i in chosen if in_made_split(annotation.images[i].file_name, split)]
            if not chosen:
                raise MinissdError(f"{self.path} has {len(all_ids)} images, none of which falls into {split!r}")
        chosen = list(chosen)[:limit]
        if not chosen:
            raise MinissdError(f"{self.path}: no image shows any of {', '.join(self.classes)}")

        self.ids = [all_ids[position] for position in chosen]
        self._images = [annotation.images[position] for position in chosen]
        self._paths = [folder / image.file_name for image in self._images]
        self._objects = self._make_objects(annotation, chosen, keep_others, remarks)
        self.notes = notes_from(remarks)
        if split is not None:
            whole = f"no splits in {self.path.name}: {split!r} is all of it, the images of train and val too"
            self.notes.append(MADE_NOTE if split in MADE_SPLITS else whole)

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, index):
        """The Sample at a position; its image is decoded now, if large at reduced size (ENOUGH_PIXELS)."""
        image = read_image(self._paths[index], ENOUGH_PIXELS)
        return Sample(self.ids[index], image, *self.objects(index))

    def objects(self, index):
        """The Objects at a position; of the image, only the header is read.

        An EXIF orientation may show the stored pixels turned by a quarter.  If the sides in the JSON are
        those before turning, the boxes are turned with the picture.
        """
        header, image, objects = read_header(self._paths[index]), self._images[index], self._objects[index]
        drawn_on_stored = (header.width - header.height) * (image.width - image.height) > 0  # both wide or both tall
        if header.swaps_sides and drawn_on_stored:
            return objects._replace(corners=turn_corners(objects.corners, header.orientation))
        return objects

    def image_path(self, index):
        """The image file at a position, to be read at full size."""
        return self._paths[index]

    def _make_objects(self, annotation, chosen, keep_crowds, remarks):
        """One Objects for each chosen image; what is wrong with boxes goes into the remarks.

        All boxes are clipped at once: there are 860,000 of them in COCO's training set.
        """
        place = np.full(len(annotation.images), -1)  # image -> its place among the chosen
        place[chosen] = np.arange(len(chosen))
        label_of = {name: label for label, name in enumerate(self.classes)}
        new_label = np.array([label_of.get(name, -1) for name in annotation.names])

        labels, places = new_label[annotation.labels], place[annotation.image_of]
        wanted = (labels >= 0) & (places >= 0)
        if not keep_crowds:
            remarks[CROWD] += [self.ids[i] for i in places[wanted & annotation.crowd]]
            wanted &= ~annotation.crowd
        wanted = np.flatnonzero(wanted)
        wanted = wanted[np.argsort(places[wanted], kind="stable")]  # image by image
        places, labels, crowd = places[wanted], labels[wanted], annotation.crowd[wanted]

        sizes = np.array([(image.width, image.height) * 2 for image in self._images], np.float64)
        boxes = annotation.boxes[wanted]
        edges = np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])
        corners, usable, faults = clip_corners(edges / sizes[places], (boxes[:, 2:] > 0).all(axis=1))
        for fault, where in faults.items():
            remarks[fault] += [self.ids[i] for i in places[where]]
        ends = np.cumsum(np.bincount(places[usable], minlength=len(chosen)))[:-1]
        parts = (np.split(part[usable], ends) for part in (corners, labels, crowd))
        return [Objects(*of_one) for of_one in zip(*parts, strict=True)]


def _names_by_id(annotation, ids):
    """id -> names of the classes that the image shows, crowds aside."""
    shown = {image_id: set() for image_id in ids}
    alone = ~annotation.crowd
    for position, label in zip(annotation.image_of[alone].tolist(), annotation.labels[alone].tolist(), strict=True):
        shown[ids[position]].add(annotation.names[label])
    return shown


def _check_files(path, folder, images):
    """Raises MinissdError unless every image has a file, and one of its own."""
    names = [image.file_name for image in images]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise MinissdError(f"{path} lists the file {twice!r} under several ids: keep one of them")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise MinissdError(
            f"{path} lists {len(names)} images, but {len(missing)} of them are not in {folder} "
            f"(first: {missing[0]!r}): add them or drop them from the list"
        )
