"""What every dataset hands out, and what all datasets check alike.

A dataset is any object with

    task       "detect", "classify", "regress" or "segment": what its annotation teaches
    name       a word for messages and file names
    classes    tuple of names without background; labels count from 0 in this order
    ids        list of strings, one per image; the same image has the same id in every split
    notes      list of one-line remarks on the data: what was dropped, clipped, left out, and how often
    len(dataset)

and, each as its task needs it, with the annotation alone to be had without decoding an image:

    detect     dataset[i] -> Sample, dataset.objects(i) -> Objects
    classify   dataset[i] -> Labelled, dataset.labels (N,) int64
    regress    dataset[i] -> Measured, dataset.values (N,) float32, dataset.quantity: what they are, with its unit
    segment    dataset[i] -> Masked, dataset.mask(i) -> (H, W) uint8
"""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from minissd.detection import Objects
from minissd.errors import MinissdError
from minissd.metrics.coco import Extents

REPEATED = "boxes that are there twice, used once"
NO_CLASS = "objects named background or ignore, which is no class, left out"
_SYNONYMS = {"train": ("training",), "val": ("valid", "validation"), "test": ("testing",)}
ALIKE = "classes whose names differ only in case, blanks or Unicode form"
OTHERS = "objects of other classes than those to score, left out"
UNSEEN = "classes without an object in this split"
NOT_CHOSEN = "classes of the data that are not among those wanted, their objects left out"


Remarks = defaultdict[str, list[str]]  # what is to be said of the data -> the ids of the images that it is said of


class Dataset(Protocol):
    """What all datasets have, for type checkers; a dataset of one's own needs no base class."""

    @property
    def task(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def ids(self) -> Sequence[str]: ...

    @property
    def notes(self) -> Sequence[str]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, i: int, /) -> Any: ...


class Sample(NamedTuple):
    """One annotated image of G objects.  Corners are continuous edges, normalised to the image."""

    id: str
    image: np.ndarray  # (H, W, 3) uint8, RGB
    corners: np.ndarray  # (G, 4) float32
    labels: np.ndarray  # (G,) int64, 0..C-1
    difficult: np.ndarray  # (G,) bool

    @property
    def objects(self) -> Objects:
        """The annotation without the image."""
        return Objects(self.corners, self.labels, self.difficult)


class Labelled(NamedTuple):
    """One image with one label for all of it."""

    id: str
    image: np.ndarray  # (H, W, C) uint8; C = 3: RGB
    label: int  # 0..C-1 of the classes


class Measured(NamedTuple):
    """One image with one number for all of it."""

    id: str
    image: np.ndarray  # (H, W, C) uint8; C = 3: RGB
    value: float


class Masked(NamedTuple):
    """One image with a class for each pixel."""

    id: str
    image: np.ndarray  # (H, W, 3) uint8, RGB; smaller than the mask if it was decoded at reduced size
    mask: np.ndarray  # (H, W) uint8: 0 background, k the k-th class, VOID where nobody can tell


def choose_classes(wanted, known, where, some=False):
    """The class names to use, in order: those `wanted`, or all `known` ones.

    some: it is enough that one of those wanted is known, for a network can be scored on data that lack the others.
    Raises MinissdError if there are none or a wanted one is not known; `where` is the dataset's name in it.
    """
    if not known:
        raise MinissdError(f"{where}: no annotation names any object, so there is nothing to learn")
    if wanted is None:
        return tuple(known)
    if isinstance(wanted, list):  # as somebody typed it; a network's classes are a tuple, and mean just themselves
        wanted = _meant(wanted, known)
    wanted = tuple(dict.fromkeys(wanted))  # without repetitions, order kept
    # COCO's networks have outputs for numbers that no category has; weights/classes.py names them so
    unknown = [name for name in wanted if name not in known and not name.startswith("N/A ")]
    if some and any(name in known for name in wanted):
        return wanted
    if unknown or not wanted:
        asked = f"class {unknown[0]!r} is not known" if unknown else "the list of classes is empty"
        raise MinissdError(f"{where}: {asked}; there are {', '.join(known)}")
    return wanted


def _meant(wanted, known):
    """The names among `known` that are meant by a list split at commas: of ["bolt", "hex"], if those are no classes
    themselves, the class "bolt, hex"; and names that differ in blanks alone."""
    named = {_spelling(name): name for name in known}
    names, wanted = [], list(wanted)
    while wanted:
        pieces = len(wanted)
        while pieces > 1 and (_spelling(",".join(wanted[:pieces])) not in named or set(wanted[:pieces]) <= set(known)):
            pieces -= 1
        name = ",".join(wanted[:pieces])
        names.append(name if name in known else named.get(_spelling(name), name))
        del wanted[:pieces]
    return names


def _spelling(name):
    """A name without blanks at its ends and around its commas."""
    return ",".join(" ".join(part.split()) for part in name.split(","))


def remark_on_others(classes, known, remarks):
    """Say which classes of the data are not among those chosen, as for a network that does not know them."""
    remarks[NOT_CHOSEN] += [name for name in known if name not in classes]


def split_names(split):
    """The names under which the images of a split may lie: what some call val, others call valid."""
    return (split, *_SYNONYMS.get(split, ()))


def ids_that_show(classes, known, names, remarks):
    """The ids of images to use: all, or if some known class was not chosen, those that show a chosen one.

    names: id -> the class names seen in that image; what is left out goes into the remarks.
    """
    chosen = set(classes)
    if chosen.issuperset(known):
        return list(names)
    shows = {image_id: not chosen.isdisjoint(seen) for image_id, seen in names.items()}
    remarks["images that show no chosen class, left out"] += [one for one in shows if not shows[one]]
    return [one for one in shows if shows[one]]


def extents_of(dataset, i):
    """The Extents of the image at place i, for COCO's score: `dataset.extents(i)` if it has that, else what follows
    from its picture and its boxes."""
    if hasattr(dataset, "extents"):
        return dataset.extents(i)
    sample = dataset[i]
    height, width = sample.image.shape[:2]
    return Extents.of_boxes((width, height), sample.corners)


def objects_by_image(names, image_of, corners, labels, difficult, remarks):
    """One Objects for each of I images, of A boxes in any order; those that are there twice are left out.

    names: I words for remarks; image_of: (A,) 0..I-1; corners: (A, 4) float32; labels: (A,) int64;
    difficult: (A,) bool.
    """
    boxes = boxes_by_image(names, image_of, corners, labels, remarks)
    return [Objects(corners[one], labels[one], difficult[one]) for one in boxes]


def boxes_by_image(names, image_of, corners, labels, remarks):
    """Which of the A boxes are on each of the I images, in their order: I arrays of indices.  Arguments as above."""
    rows = np.column_stack([image_of, labels, corners])
    order = np.lexsort(rows[:, ::-1].T)  # image by image; stable, so that of equal rows the first stays first
    twice = order[1:][(rows[order[1:]] == rows[order[:-1]]).all(axis=1)]
    remarks[REPEATED] += [names[i] for i in image_of[twice]]

    kept = np.ones(len(rows), bool)
    kept[twice] = False
    kept = np.flatnonzero(kept)
    kept = kept[np.argsort(image_of[kept], kind="stable")]  # in each image as they were given
    return np.split(kept, np.cumsum(np.bincount(image_of[kept], minlength=len(names)))[:-1])


def is_no_class(name):
    """Whether a name stands for what is no object: background, _background_ and __ignore__, as labelme writes them."""
    word = name.strip().casefold()
    return word.strip("_") == "background" or word == "__ignore__"


def remark_on_names(classes, remarks):
    """Remarks on class names that are alike."""
    spellings = defaultdict(list)
    for name in classes:
        spellings["".join(unicodedata.normalize("NFKC", name).casefold().split())].append(name)
    remarks[ALIKE] += [" and ".join(map(repr, names)) for names in spellings.values() if len(names) > 1]


def remark_on_classes(classes, objects, remarks):
    """Remarks on class names that are alike, and on classes without an object among the Objects of a split."""
    remark_on_names(classes, remarks)
    seen = np.bincount(np.concatenate([one.labels for one in objects]), minlength=len(classes))
    remarks[UNSEEN] += [name for name, count in zip(classes, seen) if not count]


def check_objects(dataset, path):
    """Raises MinissdError, which names the `path`, if a dataset to detect has not one object to learn or to score."""
    if dataset.task == "detect" and not any(len(dataset.objects(i).labels) for i in range(len(dataset))):
        why = f" ({'; '.join(dataset.notes)})" if dataset.notes else ""
        raise MinissdError(
            f"{path}: {dataset.name}: none of its {len(dataset)} images shows an object that can be used, so there is "
            f"nothing to learn or to score{why}: look for a wrong list, wrong names or a wrong size"
        )


def notes_from(remarks):
    """The `notes` of a dataset, from a dict of each remark to the ids that it was made on."""
    return [f"{remark}: {len(ids)} (first: {ids[0]})" for remark, ids in remarks.items() if ids]


def read_all(read, items, what):
    """[read(item) for each item]; where several raise MinissdErrors, one that names how many and the first few."""
    results, faults = [], []
    for item in items:
        try:
            results.append(read(item))
        except MinissdError as error:
            faults.append(str(error))
    if len(faults) > 1:
        some = "; ".join(faults[:3]) + "; ..." * (len(faults) > 3)
        raise MinissdError(f"{len(faults)} of {len(items)} {what} cannot be used: {some}", faults)
    if faults:
        raise MinissdError(faults[0])
    return results


def check_dataset(dataset, task):
    """TypeError for what lacks what every data set for this task has, as the head of this file says."""
    needed = ("name", "classes", "__len__", "__getitem__", *(["objects"] if task == "detect" else []))
    missing = [name for name in needed if not hasattr(dataset, name)]
    if missing:
        raise TypeError(
            f"expected a data set, as open_dataset(place, split) opens it, got {type(dataset).__qualname__}, which has "
            f"no {', '.join(missing)}: help(minissd.data.samples) says what one of your own has"
        )


def check_limit(limit):
    """Raises MinissdError unless `limit` is None (no limit) or at least one image."""
    if limit is not None and limit < 1:
        raise MinissdError(f"a limit of {limit} leaves no image: give 1 or more, or no limit at all")
