"""Masks of a VOC tree: a class for each pixel.

    ROOT/SegmentationClass/ID.png             the mask of one image, of the same size
    ROOT/JPEGImages/ID.jpg                    the image; .jpeg and .png too
    ROOT/ImageSets/Segmentation/SPLIT.txt     one ID a line; ImageSets/Main where there is no such folder
    ROOT/Annotations/ID.xml                   or
    ROOT/classes.txt                          the names of the classes

A mask is a PNG with a palette, or a grey one, whose numbers count: 0 is background, 255 void, k the k-th class.
The classes are those of classes.txt, one a line; without it all that the annotations name, in the order of the
alphabet, as VOC numbers its own.
"""

from collections import defaultdict
from pathlib import Path

import numpy as np

from minissd.data.images import ENOUGH_PIXELS, read_header, read_image, read_indices
from minissd.data.samples import Masked, check_limit, choose_classes, notes_from
from minissd.data.voc import names_in_tree
from minissd.data.voc_lists import lists_in, read_split
from minissd.data.voc_places import LISTS as MAIN
from minissd.data.voc_places import files_in, images_in, the_image
from minissd.errors import MinissdError
from minissd.segmentation import VOID

LISTS = Path("ImageSets", "Segmentation")
MASKS = "SegmentationClass"
NAMES = "classes.txt"
NOBODY = "masks without any of the classes"


class VocMasks:
    """One split of the masks of a VOC tree (see samples.py for what a dataset offers).

    root: the folder; split: the name of a list; classes: the names to use, in the order of their numbers, None for
    all of the tree (the same in every split).  If `classes` leaves names out, those are background.
    limit: at most so many images, the first.

    Every mask is read once here and looked at, lest a training stop halfway; masks and images are read again on
    access.  Raises MinissdError for whatever is missing or broken.
    """

    task = "segment"

    def __init__(self, root, split, classes=None, limit=None):
        check_limit(limit)
        self.root = Path(root)
        _check_tree(self.root)
        self.name = self.root.resolve().name
        known = _class_names(self.root)
        self.classes = choose_classes(classes, known, self.root)
        self._numbers = _new_numbers(known, self.classes)
        images = images_in(self.root / "JPEGImages")
        remarks = defaultdict(list)
        lists = LISTS if (self.root / LISTS).is_dir() else MAIN
        listed = read_split(lists_in(self.root / lists), split, images, "JPEGImages", remarks, self.root)
        self.ids = listed[:limit]
        self._files = {one: the_image(one, images[one]) for one in self.ids}
        missing = [one for one in self.ids if not (self.root / MASKS / f"{one}.png").is_file()]
        if missing:
            raise MinissdError(
                f"{self.root / lists / split}.txt lists {missing[0]!r}, but {MASKS} has no {missing[0]}.png "
                f"({len(missing)} of {len(self.ids)} images lack theirs): add the masks or drop the ids"
            )
        remarks[NOBODY] += [one for i, one in enumerate(self.ids) if not self._numbers_in(i, known) - {0, VOID}]
        if len(remarks[NOBODY]) == len(self.ids):
            raise MinissdError(
                f"{self.root}, split {split}: no mask shows any of {', '.join(self.classes)}: their pixels must be "
                f"numbers of classes, 1 to {len(known)} here (0 is background, {VOID} void)"
            )
        self.notes = notes_from(remarks)

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, index):
        """The Masked image at a position; it is decoded now, if large at reduced size (ENOUGH_PIXELS)."""
        return Masked(self.ids[index], read_image(self.image_path(index), ENOUGH_PIXELS), self.mask(index))

    def mask(self, index):
        """The mask (H, W) uint8 at a position, at the full size of its image, without reading that."""
        return self._numbers[read_indices(self._mask_path(index))]

    def image_path(self, index):
        """The image file at a position, to be read at full size."""
        return self._files[self.ids[index]]

    def _mask_path(self, index):
        return self.root / MASKS / f"{self.ids[index]}.png"

    def _numbers_in(self, index, known):
        """The set of numbers in the mask at a position, as `mask` has them.

        Raises MinissdError if it is not of the size of its image or has numbers beyond those of the classes `known`.
        """
        path = self._mask_path(index)
        indices = read_indices(path)
        header = read_header(self.image_path(index))
        shown = (header.width, header.height) if header.swaps_sides else (header.height, header.width)  # rows, columns
        if indices.shape != shown:
            raise MinissdError(
                f"mask {path} is {_size(indices.shape)} pixels, but its image {self.image_path(index).name} is "
                f"{_size(shown)}: make the mask anew at that size"
            )
        numbers = np.unique(indices)
        unknown = numbers[(numbers > len(known)) & (numbers != VOID)]
        if len(unknown):
            raise MinissdError(
                f"mask {path} has pixels of class number {unknown[0]}, but there are {len(known)} classes "
                f"({', '.join(known)}): correct it, or name all classes in {NAMES}, one a line"
            )
        return set(self._numbers[numbers].tolist())


def is_mask_tree(root):
    """Whether a folder has masks and images beside each other."""
    return (root / MASKS).is_dir() and (root / "JPEGImages").is_dir()


def _check_tree(root):
    for part in (MASKS, "JPEGImages"):
        if not (root / part).is_dir():
            raise MinissdError(
                f"{root} has no {part}, so no masks to learn from; expected are {MASKS}/ID.png, JPEGImages/ID.jpg "
                f"and {LISTS}/SPLIT.txt with one ID a line"
            )


def _class_names(root):
    """The names of the classes 1, 2, ... of a tree."""
    path = root / NAMES
    if path.is_file():
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
        names = [line.strip() for line in lines if line.strip()]
        if len(set(names)) < len(names) or not 1 <= len(names) < VOID:
            raise MinissdError(f"{path}: expected 1 to {VOID - 1} different names, one a line, got {len(names)}")
        return names
    names = names_in_tree(dict(files_in(root / "Annotations", (".xml",))))
    if not names:
        raise MinissdError(f"{root} says nowhere what the numbers of its masks mean: name the classes in {NAMES}")
    return names


def _new_numbers(known, chosen):
    """(256,) uint8: for each number in the files, the number among the chosen classes; 0 for those left out."""
    numbers = np.zeros(VOID + 1, np.uint8)
    numbers[VOID] = VOID
    for number, name in enumerate(known, start=1):
        numbers[number] = chosen.index(name) + 1 if name in chosen else 0
    return numbers


def _size(shape):
    return f"{shape[1]}x{shape[0]}"
