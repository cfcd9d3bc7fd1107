"""What is in a data set: the images and objects of all its splits, and what is wrong with them."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minissd.data.catalogue import known_splits, open_dataset
from minissd.data.duplicates import Fingerprint, fingerprint
from minissd.data.images import read_header
from minissd.data.samples import notes_from
from minissd.detection import Objects
from minissd.errors import MinissdError

FIRST = ("train", "val", "test")  # the splits that others, as trainval, are put together from or parts of
Report = Callable[[int, int], None] | None  # (done, total), called now and then


class Survey(NamedTuple):
    """The I images of all splits one after the other, and their G objects.

    An image that is in two of the splits is there twice.
    """

    name: str
    task: str  # of a task other than "detect", an object is a label of an image and covers all of it
    classes: tuple[str, ...]  # of all splits
    splits: dict[str, Any]  # name -> data set; those that have images of their own
    unions: dict[str, int]  # name -> images; the other splits, all of whose images are in these
    unusable: dict[str, tuple[str, ...]]  # name -> why a split cannot be opened, a line for each fault
    places: list[tuple[str, int]]  # I; the split of an image, and its place in that
    image_of: np.ndarray  # (G,) 0..I-1
    labels: np.ndarray  # (G,) 0..C-1
    corners: np.ndarray  # (G, 4) normalised
    difficult: np.ndarray  # (G,) bool

    @property
    def sides(self) -> np.ndarray:
        """(G, 2) width and height of each object, in parts of the image's."""
        return self.corners[:, 2:] - self.corners[:, :2]

    def id(self, image: int) -> str:
        split, place = self.places[image]
        return self.splits[split].ids[place]

    def sample(self, image: int) -> Any:
        split, place = self.places[image]
        return self.splits[split][place]

    def splits_of(self, images: Sequence[int]) -> list[str]:
        """The splits that images are in, each once."""
        return list(dict.fromkeys(self.places[image][0] for image in images))

    def in_split(self, name: str) -> np.ndarray:
        """(I,) whether an image is in a split."""
        return np.array([split == name for split, _ in self.places], bool)

    def objects(self, name: str) -> list[Objects]:
        """The Objects of each image of a split, as the data set has them."""
        return [self.splits[name].objects(place) for place in range(len(self.splits[name]))]


class Look(NamedTuple):
    """What a look at the files of all images brought."""

    sizes: np.ndarray  # (I, 2) width and height as shown; 0 where an image cannot be read
    damaged: list[str]  # a line for each image that cannot be read
    prints: dict[int, Fingerprint]  # of the images that were decoded, by their numbers 0..I-1


def survey(
    data: str | Path,
    classes: Sequence[str] | None = None,
    images: str | Path | None = None,
    report: Report = None,
    task: str = "detect",
) -> Survey:
    """The `Survey` of what `data` names; classes, images and task, but for "regress": as for `open_dataset`.

    A split that cannot be opened is `unusable`.  Raises MinissdError if none can, or if there are no data.  report: of
    the splits that are read.
    """
    found = known_splits(data) or FIRST[:1]  # where there is none, `open_dataset` says what there is
    names = sorted(found, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))
    splits: dict[str, Any] = {}
    read: dict[str, list[Objects]] = {}
    unions: dict[str, int] = {}
    unusable: dict[str, tuple[str, ...]] = {}
    seen: set[str] = set()
    for done, name in enumerate(names):
        if report:
            report(done, len(names))
        try:
            dataset = open_dataset(data, name, task=task, classes=classes, images=images)
        except MinissdError as error:
            unusable[name] = error.faults
            continue
        if name not in FIRST and seen.issuperset(dataset.ids):
            unions[name] = len(dataset)
        else:
            splits[name] = dataset
            read[name] = [_objects_in(dataset, place, task) for place in range(len(dataset))]
            seen.update(dataset.ids)
    if not splits:
        faults = tuple(dict.fromkeys(fault for one in unusable.values() for fault in one))
        raise MinissdError(faults[0] if len(faults) == 1 else _cannot_be_used(data, faults), faults)
    known = tuple(dict.fromkeys(name for dataset in splits.values() for name in dataset.classes))
    places = [(name, place) for name, dataset in splits.items() for place in range(len(dataset))]
    name, objects = next(iter(splits.values())).name, _all_objects(splits, known, read)
    return Survey(name, task, known, splits, unions, unusable, places, *objects)


def _cannot_be_used(data, faults):
    some = "; ".join(faults[:3]) + "; ..." * (len(faults) > 3)
    return f"{data}: no split can be used, for {len(faults)} faults: {some}"


def _all_objects(splits, classes, read):
    """image_of (G,), labels (G,), corners (G, 4), difficult (G,) of all objects."""
    label_in = {name: np.array([classes.index(one) for one in dataset.classes]) for name, dataset in splits.items()}
    found = [(label_in[name], objects) for name, of_split in read.items() for objects in of_split]
    image_of = np.repeat(np.arange(len(found)), [len(objects.labels) for _, objects in found])
    labels, corners, difficult = (
        np.concatenate(parts)
        for parts in zip(*((own[one.labels], one.corners, one.difficult) for own, one in found), strict=True)
    )
    return image_of, labels, corners, difficult


def _objects_in(dataset, place, task):
    """The Objects of an image; of data without boxes, one that covers the image for each of its labels."""
    if task == "detect":
        return dataset.objects(place)
    labels = np.array(dataset.shown[place] if task == "segment" else dataset.labels[[place]], np.int64)
    return Objects(np.tile(np.float32([0, 0, 1, 1]), (len(labels), 1)), labels, np.zeros(len(labels), bool))


def remarks_of(dataset: Any) -> tuple[dict[str, list[str]], list[str]]:
    """({remark: the ids it was made on}, the notes that are about no image) of a data set."""
    remarks = {remark: ids for remark, ids in getattr(dataset, "remarks", {}).items() if ids}
    return remarks, [note for note in dataset.notes if note not in notes_from(remarks)]


def look_at_images(survey: Survey, decode: bool = True, report: Report = None) -> Look:
    """Decode every image as training does: which cannot be read, and what `find_copies` compares.

    decode=False reads the headers alone, for the sizes.
    """
    sizes, damaged, prints = np.zeros((len(survey.places), 2), int), [], {}
    pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1))
    try:
        for image, seen in enumerate(pool.map(lambda place: _look(survey.splits, place, decode), survey.places)):
            if isinstance(seen, MinissdError):
                damaged.append(str(seen))
            else:
                sizes[image], prints[image] = seen
            if report:
                report(image + 1, len(survey.places))
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C nobody waits for the rest
    return Look(sizes, list(dict.fromkeys(damaged)), prints if decode else {})


def _look(splits, place, decode):
    """((width, height), Fingerprint or None) of one image, or the MinissdError that it cannot be read."""
    name, place = place
    dataset = splits[name]
    try:
        image = dataset[place].image if decode or not hasattr(dataset, "image_path") else None
        one = fingerprint(image) if decode else None
        if not hasattr(dataset, "image_path"):
            return image.shape[1::-1], one
        header = read_header(dataset.image_path(place))
        return (header.width, header.height)[:: -1 if header.swaps_sides else 1], one
    except MinissdError as error:
        return error
