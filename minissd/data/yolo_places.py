"""Where the images of a YOLO set lie, and the labels of each.

    images/S/NAME.jpg, labels/S/NAME.txt      S a split; or S/images and S/labels; or neither, for all images
    S/NAME.jpg, S/NAME.txt                    the label beside its image, as Darknet wants it
    S.txt                                     a list of image files, one a line

A data.yaml or obj.data says which of these hold (yolo_config.py); without one they are looked for.
"""

import os
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from minissd.data.foreign_paths import SPLIT_FOLDER, candidates, find_path
from minissd.data.images import IMAGE_SUFFIXES
from minissd.data.splits import MADE_SPLITS
from minissd.data.texts import read_text
from minissd.data.yolo_config import SPLIT_KEYS, config_in, read_config
from minissd.data.yolo_names import NAME_FILES
from minissd.errors import MinissdError

_IMAGE_FOLDERS = ("images", "JPEGImages")  # what YOLO itself replaces by labels
MISSING = "images of a list that are not there, left out"
LISTED_TWICE = "images listed more than once, used once"
_YEAR = "0123456789"
_ENOUGH = 100  # files to look at, some of which may be empty


def is_yolo_folder(root):
    """Whether a folder is described as a YOLO set, or holds text files of labels as one does."""
    if not root.is_dir():
        return False
    return config_in(root) is not None or any(map(_holds_labels, (root, *_folders_of_splits(root).values())))


def is_yolo_file(path):
    """Whether a path is that of a data.yaml or obj.data; what it says is seen when it is read."""
    return path.is_file() and path.suffix.lower() in (".yaml", ".yml", ".data")


def sources_without_config(root):
    """{split: folders or lists of its images} in a folder that no file describes; {} if it has no splits."""
    found = {}
    for name, folder in _folders_of_splits(root).items():
        if _holds_labels(folder) or folder.parent.name in _IMAGE_FOLDERS:
            found.setdefault(name, []).append(folder)
    for path in sorted(root.glob("*.txt")):
        if SPLIT_FOLDER.fullmatch(path.stem) and path.stem.lower() not in found and not _begin_like_labels(path):
            found[path.stem.lower()] = [path]
    plain = {name: SPLIT_KEYS.get(name.rstrip(_YEAR), name) for name in found}  # train2017 is train
    times = Counter(plain.values())
    return {plain[name] if times[plain[name]] == 1 else name: sources for name, sources in found.items()}


def splits_of(path):
    """The names of the splits of a set: those that its data.yaml names and that are there, folders, or made ones."""
    config_path = config_in(path) if path.is_dir() else path
    if config_path is None:
        return list(sources_without_config(path) or MADE_SPLITS)
    config = read_config(config_path)
    there = {split: [find_path(one, config.bases) for one in entries] for split, entries in config.splits.items()}
    return [split for split, found in there.items() if None not in found]  # Roboflow names a test part that is not made


def images_of_split(root, config, split, remarks):
    """The image files of a split, once each; of a set without splits all, whichever of those that are made it is.

    config: the YoloConfig, or None.  Raises MinissdError if there is no such split, or no image in it.
    """
    by_split = config.splits if config is not None else sources_without_config(root)
    known = list(by_split) if by_split or config is not None else MADE_SPLITS
    wanted = split if split in known else SPLIT_KEYS.get(split.rstrip(_YEAR), split)
    if wanted not in known:
        where = root if config is None else config.path
        raise MinissdError(f"{where} has no split {split!r}; there are {', '.join(known) or 'none'}")
    if config is not None:
        sources = [_source(entry, config, wanted) for entry in by_split[wanted]]
    else:
        sources = by_split.get(wanted) or [root / "images" if (root / "images").is_dir() else root]
    found = [one for source in sources for one in images_in(source, config.bases if config is not None else [root])]
    times = Counter(path for path, is_there in found if is_there)  # keeps the order
    lost = [str(path) for path, is_there in found if not is_there]
    if not times:
        listed = f"; of {len(lost)} that are listed none is there (first: {lost[0][:100]})" if lost else ""
        raise MinissdError(f"{root}, split {split}: no image in {', '.join(map(str, sources))}{listed}")
    remarks[MISSING] += lost
    remarks[LISTED_TWICE] += [str(path) for path in times if times[path] > 1]
    return list(times)


def images_in(source, bases) -> Iterator[tuple[Path, bool]]:
    """Yield (image file, whether it is there) of a folder, of a list of files, or of a file that is an image."""
    if source.is_dir():
        seen = set()  # folders, for a link may lead back to one above
        for where, below, names in os.walk(source, followlinks=True):
            if os.path.realpath(where) in seen:
                below.clear()
                continue
            seen.add(os.path.realpath(where))
            below[:] = sorted(name for name in below if not name.startswith((".", "__MACOSX")))
            paths = [Path(where, name) for name in sorted(names) if not name.startswith(".")]
            yield from ((path, True) for path in paths if path.suffix.lower() in IMAGE_SUFFIXES)
    elif source.suffix.lower() in IMAGE_SUFFIXES:
        yield source, True
    else:
        lines = [line.strip() for line in read_text(source, "list of images").splitlines()]
        for line in filter(None, lines):
            path = find_path(line, [source.parent, *bases])
            yield (Path(line), False) if path is None else (Path(os.path.normpath(path)), True)


def label_file(image):
    """Where the labels of an image are or would be: in labels/ for images/, or else beside it."""
    parts = list(image.parts)
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] in _IMAGE_FOLDERS:
            swapped = Path(*parts[:place], "labels", *parts[place + 1 :]).with_suffix(".txt")
            if swapped.is_file():
                return swapped
            break
    return image.with_suffix(".txt")


def _source(entry, config, split):
    found = find_path(entry, config.bases)
    if found is None:
        raise MinissdError(f"{config.path}: {split} is {entry!r}, which is not there: correct the path")
    if ".." in Path(entry).parts:  # Roboflow writes ../train/images for what lies beside the file
        others = {os.path.realpath(one) for one in candidates(entry, config.bases) if os.path.exists(one)}
        if len(others) > 1:
            both = " or ".join(sorted(others))
            raise MinissdError(f"{config.path}: {split} is {entry!r}, which may be {both}: write the whole path")
    return Path(os.path.normpath(found))


def _folders_of_splits(root):
    """{word: folder} of the subfolders that are called as a split is: S/images, images/S or S."""
    found = {}
    parts = [root / name for name in _IMAGE_FOLDERS]
    for parent in parts if root.name in _IMAGE_FOLDERS else [*parts, root]:  # images/ is itself a part of a set
        for folder in sorted(parent.iterdir()) if parent.is_dir() else ():
            if folder.is_dir() and SPLIT_FOLDER.fullmatch(folder.name):
                found.setdefault(folder.name.lower(), folder)
    return found


def _holds_labels(folder):
    """Whether text files that begin like labels lie in a folder, beside their images or in the folder for labels."""
    if folder.parent.name in _IMAGE_FOLDERS:
        apart = [folder.parent.parent / "labels" / folder.name]
    else:
        apart = [folder / "labels", *(folder / "labels").glob("*/")]
    texts = [text for place in apart for text in islice(place.glob("*.txt"), _ENOUGH)]
    images = {path.stem for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES}
    texts += islice((text for text in folder.glob("*.txt") if text.stem in images), _ENOUGH)
    return any(text.name not in NAME_FILES and _begin_like_labels(text) for text in texts)


def _begin_like_labels(path):
    """Whether the first line of a text file has five numbers or more."""
    try:
        with open(path, errors="replace") as file:
            return len([float(word) for word in file.readline(1000).split()]) >= 5
    except (OSError, ValueError):
        return False
