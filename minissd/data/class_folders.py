"""Class folders: images sorted into one folder a class, the layout of ImageNet (ILSVRC) and of many others.

    ROOT/SPLIT/CLASS/.../IMAGE       the splits as they are
    ROOT/CLASS/.../IMAGE             no splits: they are made here

A folder with subfolders called train, val or the like that hold class folders is of the first kind.  In the second,
the splits are those of splits.py, by the hash of an image's path.  Subfolders of one class are all that class.
"""

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minissd.data.images import ENOUGH_PIXELS, IMAGE_SUFFIXES, read_image
from minissd.data.samples import (
    Labelled,
    Remarks,
    check_limit,
    choose_classes,
    notes_from,
    remark_on_names,
    remark_on_others,
    split_names,
)
from minissd.data.splits import MADE_NOTE, MADE_SPLITS, SPLIT_WORDS, in_made_split
from minissd.errors import MinissdError

NO_CLASSES = (  # folders of programs, and of data that are annotated in other ways, in lower case
    *("__macosx", "__pycache__", "@eadir", "lost+found", "$recycle.bin", "system volume information"),
    *("images", "labels", "annotations", "masks", "jpegimages", "imagesets", "segmentationclass", "segmentationobject"),
)

NO_IMAGES = "files that are no images, left out"
BESIDE = "images beside the class folders, left out"
DEEPER = "classes whose images all lie in several subfolders, taken as one class each"
EMPTY = "classes without an image in this split"
ALONE = "only one class, so there is nothing to tell apart"


class ClassFolders:
    """One split of images in class folders (see samples.py for what a dataset offers).

    root: the folder; split: a subfolder of it, or one of those made here; classes: the names to use, in the
    order of their labels, None for all folder names, sorted (the same in every split).  Images of other
    classes are left out.  limit: at most so many images, the same number of each class as far as they go.

    Files are told by their suffix; one that is called an image and is none is an error when it is read.
    Raises MinissdError for whatever is missing.
    """

    task = "classify"

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
        folders = split_folders(self.root)
        if not folders and split not in MADE_SPLITS:
            raise MinissdError(f"{self.root} has no split {split!r}; there are {', '.join(MADE_SPLITS)}")
        top = _split_folder(self.root, split, folders) if folders else self.root
        known = sorted({printable(path.name) for folder in folders or [self.root] for path in class_folders(folder)})
        if not folders:
            _check_depth(self.root)
        self.classes = choose_classes(classes, known, self.root, some=keep_others)

        remarks: Remarks = defaultdict(list)
        if keep_others:
            remark_on_others(self.classes, known, remarks)
        remark_on_names(self.classes, remarks)
        remarks[BESIDE] += sorted(path.name for path in top.iterdir() if path.is_file() and _is_image(path.name))
        places = {printable(path.name): path for path in class_folders(top)}
        self._paths: list[Path] = []
        labels: list[int] = []
        for label, name in enumerate(self.classes):
            found = _images_in(places[name], self.root, remarks) if name in places else []
            if found and len(class_folders(places[name])) > 1 and all(path.parent != places[name] for path in found):
                remarks[DEEPER].append(name)
            if not folders:
                found = [path for path in found if in_made_split(_relative(path, self.root), split)]
            if not found:
                remarks[EMPTY].append(name)
            self._paths += found
            labels += [label] * len(found)
        self.labels = np.array(labels, np.int64)
        if limit is not None:
            self._keep_evenly(limit)
        if not self._paths:
            raise MinissdError(f"{top}, split {split}: no image in any of {', '.join(self.classes)}")
        self.ids = [_relative(path, self.root) for path in self._paths]
        self.notes = notes_from(remarks) + [ALONE] * (len(self.classes) == 1)
        if not folders:
            self.notes.append(MADE_NOTE)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Labelled:
        """The Labelled image at a position, decoded now, if large at reduced size (ENOUGH_PIXELS)."""
        return Labelled(self.ids[index], read_image(self._paths[index], ENOUGH_PIXELS), int(self.labels[index]))

    def image_path(self, index: int) -> Path:
        """The image file at a position, to be read at full size."""
        return self._paths[index]

    def _keep_evenly(self, limit):
        """The first image of each class, then the second of each, and so on; kept in the order of classes."""
        firsts = np.searchsorted(self.labels, self.labels)  # (N,) where the class of each image begins
        rank = np.arange(len(self.labels)) - firsts  # (N,) 0 for the first image of its class
        kept = np.sort(np.argsort(rank, kind="stable")[:limit])
        self._paths, self.labels = [self._paths[i] for i in kept], self.labels[kept]


def class_folders(root):
    """The subfolders that may stand for classes, sorted; hidden ones and those in NO_CLASSES do not."""
    folders = (path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    return sorted(path for path in folders if path.name.lower() not in NO_CLASSES and not _is_tree(path))


def _is_tree(path):
    """Whether a folder is a data set of another kind, images and masks beside each other."""
    return (path / "JPEGImages").is_dir() and (path / "SegmentationClass").is_dir()


def split_folders(root):
    """The subfolders that are called as a split is and hold class folders themselves."""
    return [path for path in class_folders(root) if path.name.lower() in SPLIT_WORDS and class_folders(path)]


def is_class_folders(root):
    """Whether a folder holds class folders with an image in one of them, perhaps below folders of splits."""
    if not root.is_dir():
        return False
    splits = split_folders(root)
    if not splits and _holds_flat_splits(root):
        return False
    return any(_show_classes(class_folders(top)) for top in splits or [root])


def _show_classes(folders):
    """Whether there are images in some of the folders, and none of the others holds files of the same names: those are
    annotations, of boxes perhaps, and such folders no classes."""
    names = [[name for _, _, names in os.walk(folder) for name in names] for folder in folders]
    images = {os.path.splitext(name)[0] for of_folder in names for name in of_folder if _is_image(name)}
    others = [of_folder for of_folder in names if not any(map(_is_image, of_folder))]
    return bool(images) and not any(os.path.splitext(name)[0] in images for of_folder in others for name in of_folder)


def printable(name):
    """The name of a folder as text; bytes that are no text in this system's encoding, as \\xe9."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _holds_flat_splits(root):
    """Whether folders called train, test and so on are splits without classes: all that there are, or several of them.

    Among others, a single one is a class: there are pictures of trains.
    """
    folders = class_folders(root)
    words = [folder for folder in folders if folder.name.lower() in SPLIT_WORDS]
    return len(words) > 1 or len(words) == len(folders) > 0


def _check_depth(root):
    """Raises MinissdError if what look like splits or classes are too high or too deep to be those."""
    folders = class_folders(root)
    if _holds_flat_splits(root):
        names = ", ".join(folder.name for folder in folders)
        raise MinissdError(f"{root} has {names}, but no class folders in them: sort the images into SPLIT/CLASS/IMAGE")
    if len(folders) == 1 and is_class_folders(folders[0]) and not any(map(_is_image, os.listdir(folders[0]))):
        inner = ", ".join(folder.name for folder in class_folders(folders[0])[:5])
        raise MinissdError(f"{root} holds one folder alone, with more in it ({inner}): give {folders[0]}")


def _split_folder(root, split, folders):
    """The folder of a split, one of `folders`."""
    for name in split_names(split.lower()):
        for folder in folders:
            if folder.name.lower() == name:
                return folder
    there = ", ".join(folder.name for folder in folders)
    flat = next((path for path in class_folders(root) if path.name.lower() in split_names(split.lower())), None)
    if flat:
        raise MinissdError(
            f"{flat} has no class folders, so nothing says what its images show: sort them into {flat.name}/CLASS/, "
            f"or take another split; there are {there}"
        )
    raise MinissdError(f"{root} has no split {split!r}; there are {there}")


def _images_in(folder, root, remarks):
    """The images below a class folder, sorted by path; other files go into the remarks."""
    found = []
    for where, below, names in os.walk(folder):
        below[:] = [name for name in below if not name.startswith(".")]
        paths = [Path(where, name) for name in names if not name.startswith(".")]
        found += [path for path in paths if _is_image(path.name)]
        remarks[NO_IMAGES] += [_relative(path, root) for path in paths if not _is_image(path.name)]
    return sorted(found)


def _is_image(name):
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def _relative(path, root):
    return path.relative_to(root).as_posix()
