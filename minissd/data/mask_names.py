"""What the numbers, or the colours, in the masks of a tree mean.  The first of these that is there says it:

    labelmap.txt                     NAME:R,G,B:... on a line, as CVAT and Datumaro write it
    classes.txt, class_names.txt     NAME on a line: class 1, class 2, ...
    Annotations/*.xml                all that they name, in the order that the boxes in them tell (mask_votes.py), or
                                     if they do not, of the alphabet, as VOC numbers its own

A name for the background in the first lines (_background_, as labelme writes it) is number 0, and no class.
"""

import re

import numpy as np

from minissd.data.images import read_mask
from minissd.data.mask_votes import order_by_boxes
from minissd.data.samples import is_no_class
from minissd.data.texts import read_text
from minissd.data.voc import names_in_tree
from minissd.data.voc_files import files_in
from minissd.errors import MinissdError
from minissd.metrics.segmentation import VOID

MASKS = "SegmentationClass"
LABELMAP = "labelmap.txt"
LISTS = ("classes.txt", "class_names.txt")
ALPHABET = "numbers in masks are taken for the classes of the annotations in the order of the alphabet"
BY_BOXES = "numbers in masks are taken for the classes whose boxes lie around them"
NO_COLOUR = 254  # the number of a colour that is no class's; 253 classes at most, then
_VOC_BORDER = (224, 224, 192)  # VOC's colour around objects and where nobody can tell
_LINE = re.compile(r"(?P<name>.*?)\s*:\s*(?P<red>\d{1,9})\s*,\s*(?P<green>\d{1,9})\s*,\s*(?P<blue>\d{1,9})\s*(?::.*)?")


class MaskNames:
    """The classes of a tree, number 1 first, and how their pixels look.

    names: list; colours: {(R, G, B): number} of a labelmap.txt, or {}; notes: list of lines on what was taken for what.
    """

    def __init__(self, names, colours, notes):
        self.names, self.colours, self.notes = names, colours, notes
        if colours:
            self._number_of = np.full(1 << 24, NO_COLOUR, np.uint8)
            for (red, green, blue), number in colours.items():
                self._number_of[red << 16 | green << 8 | blue] = number

    def read(self, path):
        """The numbers in a mask -> (H, W) uint8, by colour if a labelmap.txt names colours and the mask has some.

        Raises MinissdError naming the file if it has colours that nothing explains, or cannot be read.
        """
        numbers, colours = read_mask(path)
        if colours is None:
            return numbers
        if self.colours:
            red, green, blue = np.moveaxis(colours.astype(np.uint32), -1, 0)
            found = self._number_of[red << 16 | green << 8 | blue]  # (H, W)
            if (found != NO_COLOUR).all():
                return found
            if numbers is None:
                self._refuse(path, colours[found == NO_COLOUR])
        if numbers is None:
            if (colours == colours[..., :1]).all():  # grey, though saved with three channels
                return colours[..., 0]
            raise MinissdError(
                f"mask {path} is in colours, and no {LABELMAP} says which class has which: add one, with NAME:R,G,B on "
                "each line, or save the masks as palette or grey PNG, whose numbers are the classes"
            )
        return numbers

    def _refuse(self, path, strange):
        """strange: (K, 3), the pixels of colours that are not in the labelmap.txt."""
        kinds = np.unique(strange, axis=0)
        why = "; so many come of resizing or JPEG, which blur the edges" if len(kinds) > 20 else ""
        first, more = ",".join(map(str, kinds[0])), f" and {len(kinds) - 1} more" * (len(kinds) > 1)
        raise MinissdError(
            f"mask {path} has {len(strange)} pixels of colours that {LABELMAP} does not name ({first}{more}){why}: "
            "add them there or correct the mask"
        )


def read_names(root):
    """The `MaskNames` of a tree.  Raises MinissdError if nothing says them, or a file does it wrongly."""
    if (root / LABELMAP).is_file():
        return _from_labelmap(root / LABELMAP)
    path = next((root / name for name in LISTS if (root / name).is_file()), None)
    if path:
        lines = [line.strip() for line in read_text(path, "list of classes").splitlines() if line.strip()]
        names, note = _without_background(path, lines)
        return MaskNames(names, {}, note)
    xmls = dict(files_in(root / "Annotations", (".xml",)))
    names = names_in_tree(xmls)
    if not names:
        raise MinissdError(f"{root} says nowhere what the numbers of its masks mean: name the classes in {LISTS[0]}")
    order = order_by_boxes(names, dict(files_in(root / MASKS, (".png",))), xmls) if len(names) > 1 else None
    how, names = (BY_BOXES, order) if order else (ALPHABET, names)
    note = f"{how}: {_listed(names)} ({LISTS[0]} can say otherwise)"
    return MaskNames(names, {}, [note] * (len(names) > 1))


def _from_labelmap(path):
    lines = [line for line in read_text(path, "list of colours").splitlines() if line.strip() and line[0] != "#"]
    matches = [_LINE.fullmatch(line.strip()) for line in lines]
    wrong = next((line for line, match in zip(lines, matches) if match is None), None)
    if wrong is not None or not lines:
        raise MinissdError(f"{path}: expected NAME:R,G,B on each line, got {(wrong or '')[:60]!r}")
    rgb = [tuple(int(match[channel]) for channel in ("red", "green", "blue")) for match in matches]
    if any(max(colour) > 255 for colour in rgb) or len(set(rgb)) < len(rgb):
        raise MinissdError(f"{path}: expected another colour for each name, with numbers up to 255")
    everything = [match["name"].strip() for match in matches]
    names, _ = _without_background(path, [name for name in everything if not is_no_class(name)])
    colours = {_VOC_BORDER: VOID, (0, 0, 0): 0}
    for name, colour in zip(everything, rgb):
        if is_no_class(name):
            colours[colour] = VOID if "ignore" in name.casefold() else 0
        else:
            colours[colour] = names.index(name) + 1
    return MaskNames(names, colours, [])


def _without_background(path, names):
    """The names of the classes 1, 2, ... in a list that may begin with the background; and a note if it does."""
    first = next((i for i, name in enumerate(names) if not is_no_class(name)), len(names))
    classes = names[first:]
    later = next((name for name in classes if is_no_class(name)), None)
    if later:
        raise MinissdError(f"{path}: {later!r} is not the first, but background is number 0: put it first or drop it")
    if len(set(classes)) < len(classes) or not 1 <= len(classes) < NO_COLOUR:
        raise MinissdError(f"{path}: expected 1 to {NO_COLOUR - 1} different names, one a line, got {len(classes)}")
    note = f"{path.name} names the background first, which is number 0 and no class; the others are {_listed(classes)}"
    return classes, [note] if first else []


def _listed(names):
    """ "1 cat, 2 dog"."""
    return ", ".join(f"{number} {name}" for number, name in enumerate(names, start=1))
