"""Class folders: images sorted into one folder a class, the layout of ImageNet (ILSVRC) and of many others.

    ROOT/SPLIT/CLASS/.../IMAGE       the splits as they are
    ROOT/CLASS/.../IMAGE             no splits: they are made here

A folder with subfolders called train, val or the like is of the first kind.  In the second, the splits are those
of splits.py, by the hash of an image's path.
"""

import os
from collections import defaultdict
from pathlib import Path

import numpy as np

from minissd.data.images import ENOUGH_PIXELS, IMAGE_SUFFIXES, read_image
from minissd.data.samples import Labelled, check_limit, choose_classes, notes_from, split_names
from minissd.data.splits import MADE_NOTE, MADE_SPLITS, in_made_split
from minissd.errors import MinissdError

SPLIT_WORDS = ("train", "val", "valid", "validation", "trainval", "test")

NO_IMAGES = "files that are no images, left out"
EMPTY = "classes without an image"


class ClassFolders:
    """One split of images in class folders (see samples.py for what a dataset offers).

    root: the folder; split: a subfolder of it, or one of those made here; classes: the names to use, in the
    order of their labels, None for all folder names, sorted (the same in every split).  Images of other
    classes are left out.  limit: at most so many images, the same number of each class as far as they go.

    Files are told by their suffix; one that is called an image and is none is an error when it is read.
    Raises MinissdError for whatever is missing.
    """

    task = "classify"

    def __init__(self, root, split, classes=None, limit=None):
        check_limit(limit)
        self.root = Path(root)
        self.name = self.root.resolve().name
        folders = split_folders(self.root)
        if not folders and split not in MADE_SPLITS:
            raise MinissdError(f"{self.root} has no split {split!r}; there are {', '.join(MADE_SPLITS)}")
        top = _split_folder(self.root, split, folders) if folders else self.root
        known = sorted({path.name for folder in folders or [self.root] for path in class_folders(folder)})
        self.classes = choose_classes(classes, known, self.root)

        remarks = defaultdict(list)
        self._paths, labels = [], []
        for label, name in enumerate(self.classes):
            found = _images_in(top / name, self.root, remarks)
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
        self.notes = notes_from(remarks)
        if not folders:
            self.notes.append(MADE_NOTE)

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, index):
        """The Labelled image at a position, decoded now, if large at reduced size (ENOUGH_PIXELS)."""
        return Labelled(self.ids[index], read_image(self._paths[index], ENOUGH_PIXELS), int(self.labels[index]))

    def image_path(self, index):
        """The image file at a position, to be read at full size."""
        return self._paths[index]

    def _keep_evenly(self, limit):
        """The first image of each class, then the second of each, and so on; kept in the order of classes."""
        firsts = np.searchsorted(self.labels, self.labels)  # (N,) where the class of each image begins
        rank = np.arange(len(self.labels)) - firsts  # (N,) 0 for the first image of its class
        kept = np.sort(np.argsort(rank, kind="stable")[:limit])
        self._paths, self.labels = [self._paths[i] for i in kept], self.labels[kept]


def class_folders(root):
    """The subfolders that stand for classes, sorted; hidden ones do not."""
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


def split_folders(root):
    """The subfolders that are called as a split is and hold class folders themselves."""
    return [path for path in class_folders(root) if path.name.lower() in SPLIT_WORDS and class_folders(path)]


def is_class_folders(root):
    """Whether a folder holds class folders with an image in one of them, perhaps below folders of splits."""
    if not root.is_dir():
        return False
    folders = [folder for top in split_folders(root) or [root] for folder in class_folders(top)]
    return any(_is_image(name) for folder in folders for _, _, names in os.walk(folder) for name in names)


def _split_folder(root, split, folders):
    """The folder of a split, one of `folders`."""
    for name in split_names(split):
        for folder in folders:
            if folder.name.lower() == name:
                return folder
    raise MinissdError(f"{root} has no split {split!r}; there are {', '.join(folder.name for folder in folders)}")


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
