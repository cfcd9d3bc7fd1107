"""Masks of a VOC tree: a class for each pixel.

    ROOT/SegmentationClass/ID.png             the mask of one image, of the same size
    ROOT/JPEGImages/ID.jpg                    the image; .jpeg and .png too
    ROOT/ImageSets/Segmentation/SPLIT.txt     one ID a line; ImageSets/Main where there is no such folder
    ROOT/classes.txt                          the names of the classes, one a line, or ROOT/labelmap.txt with colours,
    ROOT/Annotations/ID.xml                   or the names in the annotations (mask_names.py)

A mask is a PNG with a palette, or a grey one, whose numbers count: 0 is background, 255 void, k the k-th class; or
one in the colours of labelmap.txt.  It has the size of its image as it is shown, or as it is stored if EXIF turns
that by a quarter; then it is turned with it.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minissd.data.images import ENOUGH_PIXELS, read_header, read_image, turned
from minissd.data.mask_names import MASKS, read_names
from minissd.data.samples import Masked, Remarks, check_limit, choose_classes, notes_from, remark_on_names
from minissd.data.voc_files import images_in, the_image
from minissd.data.voc_lists import lists_in, read_split
from minissd.data.voc_places import LISTS as MAIN
from minissd.errors import MinissdError
from minissd.metrics.segmentation import VOID

LISTS = Path("ImageSets", "Segmentation")
NOBODY = "masks without any of the classes"
TURNED = "masks made before the image was turned by its EXIF orientation, turned with it"
MANY = 20  # so many numbers that no class has are no slip


class VocMasks:
    """One split of the masks of a VOC tree (see samples.py for what a dataset offers).

    root: the folder; split: the name of a list; classes: the names to use, in the order of their numbers, None for
    all of the tree (the same in every split).  If `classes` leaves names out, those are background.
    limit: at most so many images, the first.

    Every mask is read once here and looked at, lest a training stop halfway; masks and images are read again on
    access.  Raises MinissdError for whatever is missing or broken.
    """

    task = "segment"

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
        _check_tree(self.root)
        self.name = self.root.resolve().name
        self._names = read_names(self.root)
        known = self._names.names
        self.classes = choose_classes(classes, known, self.root, some=keep_others)
        self._numbers = _new_numbers(known, self.classes)
        images = images_in(self.root / "JPEGImages")
        remarks: Remarks = defaultdict(list)
        remark_on_names(self.classes, remarks)
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
        self._turns: dict[
            int, int
        ] = {}  # place -> EXIF orientation of the image, where the mask is to be turned like it
        seen = [self._numbers_in(i, known, remarks) for i in range(len(self.ids))]
        self.shown = [sorted(label - 1 for label in numbers - {0, VOID}) for numbers in seen]  # labels in each mask
        remarks[NOBODY] += [one for one, numbers in zip(self.ids, seen) if not numbers - {0, VOID}]
        if len(remarks[NOBODY]) == len(self.ids):
            binary = f"; these hold 0 and {VOID} alone: write 1 for {VOID}" if VOID in set().union(*seen) else ""
            raise MinissdError(
                f"{self.root}, split {split}: no mask shows any of {', '.join(self.classes)}: their pixels must be "
                f"numbers of classes, 1 to {len(known)} here (0 is background, {VOID} void{binary})"
            )
        self.notes = self._names.notes + notes_from(remarks)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Masked:
        """The Masked image at a position; it is decoded now, if large at reduced size (ENOUGH_PIXELS)."""
        return Masked(self.ids[index], read_image(self.image_path(index), ENOUGH_PIXELS), self.mask(index))

    def mask(self, index: int) -> np.ndarray:
        """The mask (H, W) uint8 at a position, at the full size of its image, without reading that."""
        return turned(self._numbers[self._names.read(self._mask_path(index))], self._turns.get(index, 1))

    def image_path(self, index: int) -> Path:
        """The image file at a position, to be read at full size."""
        return self._files[self.ids[index]]

    def _mask_path(self, index):
        return self.root / MASKS / f"{self.ids[index]}.png"

    def _numbers_in(self, index, known, remarks):
        """The set of numbers in the mask at a position, as `mask` has them.

        Raises MinissdError if it is not of the size of its image or has numbers beyond those of the classes `known`.
        """
        path = self._mask_path(index)
        indices = self._names.read(path)
        header = read_header(self.image_path(index))
        stored = (header.height, header.width)  # rows, columns
        shown = stored[::-1] if header.swaps_sides else stored
        if indices.shape == stored != shown:
            self._turns[index] = header.orientation
            remarks[TURNED].append(self.ids[index])
        elif indices.shape != shown:
            raise MinissdError(
                f"mask {path} is {_size(indices.shape)} pixels, but its image {self.image_path(index).name} is "
                f"{_size(shown)}: make the mask anew at that size"
            )
        numbers = np.unique(indices)
        unknown = numbers[(numbers > len(known)) & (numbers != VOID)]
        if len(unknown):
            more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
            blurred = "; so many come of resizing or JPEG, which blur the edges" if len(unknown) > MANY else ""
            raise MinissdError(
                f"mask {path} has pixels of class number {unknown[0]}{more}, but there are {len(known)} classes "
                f"({', '.join(known)}){blurred}: correct it, or name all classes in classes.txt, one a line"
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


def _new_numbers(known, chosen):
    """(256,) uint8: for each number in the files, the number among the chosen classes; 0 for those left out."""
    numbers = np.zeros(VOID + 1, np.uint8)
    numbers[VOID] = VOID
    for number, name in enumerate(known, start=1):
        numbers[number] = chosen.index(name) + 1 if name in chosen else 0
    return numbers


def _size(shape):
    return f"{shape[1]}x{shape[0]}"
