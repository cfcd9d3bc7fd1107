"""From a word on the command line to a dataset: a name, or a path and whatever lies there."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from minissd.data.class_folders import ClassFolders, is_class_folders, split_folders
from minissd.data.coco import CocoDataset
from minissd.data.coco_places import (
    is_coco_file,
    is_coco_folder,
    sibling_file,
    split_file,
    split_of,
    splits_of_file,
    splits_of_folder,
)
from minissd.data.download import DOWNLOADS, fetched
from minissd.data.foreign_folders import images_alone, other_annotations
from minissd.data.images import IMAGE_SUFFIXES
from minissd.data.mnist import Mnist, is_mnist
from minissd.data.samples import check_limit, check_objects, split_names
from minissd.data.several import open_together, places_as_text, places_in
from minissd.data.shapes import SPLITS, ShapesDataset
from minissd.data.slant import SlantedDigits
from minissd.data.splits import MADE_SPLITS
from minissd.data.voc import VocDataset
from minissd.data.voc_masks import VocMasks, is_mask_tree
from minissd.data.voc_places import is_voc_tree, splits_of_tree
from minissd.data.yolo import YoloDataset
from minissd.data.yolo_places import is_yolo_file, is_yolo_folder, splits_of
from minissd.errors import MinissdError
from minissd.files import from_root

_PARTS = ("jpegimages", "annotations", "imagesets", "images", "labels")  # folders of a set, in lower case
_SUBFOLDERS = 50  # of a folder that is no data, to be looked into for a hint
SHAPES_COUNTS = dict(zip(SPLITS, (2000, 200, 500), strict=True))
NAMES = ("shapes", *(name for name, download in DOWNLOADS.items() if download.kind == "data"))


class Layout(NamedTuple):
    """One way in which data lie on the disk."""

    what: str  # in words, for messages
    recognises: Callable  # path -> bool, by a look at what lies there
    readers: dict  # task -> (path, split, classes, limit, keep_others) -> dataset
    splits: Callable  # path -> the names of the splits there, each with images of its own where that can be told


def _open_coco_folder(root, split, classes, limit, keep_others, images=None):
    return _open_coco(split_file(root, split), split, classes, limit, keep_others, images)


def _open_coco_file(path, split, classes, limit, keep_others, images=None):
    return _open_coco(sibling_file(path, split), split, classes, limit, keep_others, images)


def _open_coco(path, split, classes, limit, keep_others, images):
    own = split_of(path).lower()
    part = None if own else split  # a file that is no split's is one of all images
    dataset = CocoDataset(path, images, classes, limit, keep_others, part)
    if own and split.lower() not in (own, *(word for word in SPLITS if own.rstrip("0123456789") in split_names(word))):
        dataset.notes.append(f"{path.name} was given and is what is opened for {split!r}, whatever its name says")
    return dataset


def _open_mnist(root, split, classes, limit, _):
    return Mnist(root, split, classes, limit)


def _open_slants(root, split, classes, limit, _):
    return SlantedDigits(root, split, classes, limit)


# The first that recognises a path is taken: almost every folder of folders could be class folders.
LAYOUTS = (
    Layout(
        "a VOC tree (Annotations, JPEGImages, ImageSets/Main; or XML files beside images)",
        is_voc_tree,
        {"detect": VocDataset, "segment": VocMasks},
        splits_of_tree,
    ),
    Layout(
        "a tree of masks (SegmentationClass, JPEGImages, ImageSets)",
        is_mask_tree,
        {"segment": VocMasks},
        splits_of_tree,
    ),
    Layout(
        "a COCO folder (annotations/instances_SPLIT.json)",
        is_coco_folder,
        {"detect": _open_coco_folder},
        splits_of_folder,
    ),
    Layout("a COCO JSON file", is_coco_file, {"detect": _open_coco_file}, splits_of_file),
    Layout("a YOLO set (data.yaml, or images/ and labels/)", is_yolo_folder, {"detect": YoloDataset}, splits_of),
    Layout("a data.yaml of a YOLO set", is_yolo_file, {"detect": YoloDataset}, splits_of),
    Layout(
        "MNIST (train-images-idx3-ubyte.gz, ...)",
        is_mnist,
        {"classify": _open_mnist, "regress": _open_slants},
        lambda _: ["train", "val", "trainval", "test"],
    ),
    Layout(
        "class folders (SPLIT/CLASS/IMAGE, CLASS/IMAGE)",
        is_class_folders,
        {"classify": ClassFolders},
        lambda root: [folder.name for folder in split_folders(root)] or list(MADE_SPLITS),
    ),
)


def open_dataset(
    data: str | Path,
    split: str,
    *,
    task: str = "detect",
    classes: Sequence[str] | None = None,
    limit: int | None = None,
    size: int = 240,
    seed: int = 0,
    keep_others: bool = False,
    images: str | Path | None = None,
) -> Any:
    """The dataset that `data` names, one split of it (what a dataset offers: samples.py).

    data: "shapes" (generated), another name in NAMES (downloaded by `fetch`), a path, or several of these separated by
    commas (several.py):

        a folder             a VOC tree, a COCO folder, a YOLO set, MNIST or class folders, whichever lies there
        a COCO JSON file     that file whatever the split; but if its name says that it is the training part,
                             another split is its sibling: instances_val2017.json beside
                             instances_train2017.json (coco_places.py, as for where the images are looked for);
                             one whose name says no split holds all: train and val are made of it (splits.py)
        a data.yaml          the YOLO set that it describes

    task: "detect", "classify", "segment" or "regress" (the slant of digits), what the data are wanted for.
    classes: the class names to use, in the order of their labels; None for all.  limit: at most so many images of each
    data set.  keep_others: keep images that show no chosen class, as a score needs them.  size: side of a generated
    image in pixels; seed: which shapes are generated; both are for "shapes" alone.  images: the folder of the images of
    a COCO file, where they lie in no usual place.  Raises MinissdError, saying what there is, for a name, split or
    class that is not there, for data that are for another task, and for boxes none of which can be used.
    """
    check_limit(limit)
    places = places_in(data)
    if len(places) > 1:
        if images is not None:
            raise MinissdError("a folder of images can be given for one COCO JSON alone, not for several data sets")
        wanted: dict[str, Any] = {"task": task, "limit": limit, "size": size, "seed": seed, "keep_others": keep_others}
        open_one = partial(open_dataset, split=split, **wanted)
        several = open_together(places, split, classes, open_one, known_splits if keep_others else None)
        absolute = places_as_text([one if one in NAMES else from_root(one) for one in places])
        return _with_origin(several, data=absolute, split=split, limit=limit)
    if data == "shapes":
        if images is not None:
            raise MinissdError("shapes are generated: a folder of images can be given for COCO JSON alone")
        _check_task(data, "generated boxes", ("detect",), task)
        count = SHAPES_COUNTS.get(split, 1)  # of a split that does not exist, ShapesDataset complains
        dataset = ShapesDataset(min(count, limit or count), split, size, seed, classes)
        return _with_origin(dataset, data=data, split=split, limit=limit)
    path, layout = _recognised(data)
    _check_task(path, layout.what, layout.readers, task)
    reader = layout.readers[task]
    if images is not None and reader not in (_open_coco_folder, _open_coco_file):
        raise MinissdError(f"{path} is {layout.what}: a folder of images can be given for COCO JSON alone")
    where = {} if images is None else {"images": images}
    try:
        dataset = reader(path, split, classes, limit, keep_others, **where)
    except OSError as error:  # a path written in a file that is too long, say; what is missing the readers tell
        place, reason = str(error.filename or path)[:200], error.strerror or error
        raise MinissdError(f"{path}: {place} cannot be read ({reason}): mend the path or its permissions") from None
    check_objects(dataset, path)
    words = {"data": data if data in DOWNLOADS else from_root(path), "split": split, "limit": limit}
    return _with_origin(dataset, image_folder=images and from_root(images), **words)


def _with_origin(dataset, **words):
    """The data set, with `origin`: the words that opened it, as the config.json of a run has them."""
    dataset.origin = words
    return dataset


def known_splits(data: str | Path) -> list[str]:
    """The names of the splits that `open_dataset` opens of what `data` names, as far as each has images of its own.

    A set whose parts are called valid or val2017 is opened as "val" too, and that name is given: ["train", "val"].
    Raises MinissdError where `open_dataset` does.
    """
    places = places_in(data)
    if len(places) > 1:
        return list(dict.fromkeys(name for place in places for name in known_splits(place)))
    if data == "shapes":
        return list(SPLITS)
    path, layout = _recognised(data)
    names = layout.splits(path)
    plain = {name: word for word in SPLITS for name in split_names(word)}
    return list(dict.fromkeys(plain.get(name, name) for name in names))


def tasks_of(data: str | Path) -> tuple[str, ...]:
    """The tasks that what `data` names is for, the usual one first; MinissdError where `open_dataset` raises it."""
    one = places_in(data)[0]
    return ("detect",) if one == "shapes" else tuple(_recognised(one)[1].readers)


def _recognised(data):
    """(path, Layout) of what `data` names."""
    path = fetched(data, "data") if data in DOWNLOADS else Path(data)
    if not path.exists():
        raise MinissdError(f"data {str(data)!r} does not exist: give a path, or one of {', '.join(NAMES)}")
    layout = next((layout for layout in LAYOUTS if layout.recognises(path)), None)
    if layout is None:
        hint = _hint(path) or images_alone(path)
        known = f"what can be is {'; '.join(layout.what for layout in LAYOUTS)}"
        raise MinissdError(f"{path} holds no data that can be read here: {hint or known}")
    return path, layout


def _check_task(data, what, tasks, task):
    """Raises MinissdError unless the task wanted is among those that the data serve."""
    if task not in tasks:
        made_for = " or ".join(tasks)
        hint = _hint(data, task) if isinstance(data, Path) else ""
        raise MinissdError(
            f"{data} is {what}, data to {made_for}, not to {task}: {hint or 'choose other data or another task'}"
        )


def _hint(path, task=None):
    """What a path may be that was given for data for a task, None for any, in words; "" if there is nothing to say."""
    if path.suffix.lower() in (".xml", ".txt", *IMAGE_SUFFIXES) and _fitting(path.resolve().parent, task):
        return f"it is a part of {path.resolve().parent}, give that"
    for part in (path.resolve(), path.resolve().parent):
        if part.name.lower() in _PARTS and _fitting(part.parent, task):
            return f"it is a part of {part.parent}, give that"
    below = sorted(path.iterdir())[:_SUBFOLDERS] if path.is_dir() else ()
    for folder in below:
        if folder.is_dir() and (what := _fitting(folder, task)):
            return f"there is {what} in {folder}, give that"
    return other_annotations(path) if task in (None, "detect") else ""


def _fitting(folder, task):
    """What a folder of data for a task is, but for class folders, as almost any could be; "" if it is none."""
    layouts = (one for one in LAYOUTS[:-1] if task is None or task in one.readers)
    with suppress(MinissdError):  # of a set in which something is wrong
        return next((one.what for one in layouts if one.recognises(folder)), "")
    return ""
