"""Where the parts of a COCO set lie: the JSON file of a split, and the folder of its images.

These are found, with S for the name of the split and S* for one with a year or the like behind it:

    annotations/instances_S.json     images in S/, images/S/, images/         COCO's own tree
    annotations/S.json, S.json       the same, or beside the file             many tools
    S/_annotations.coco.json         images beside the file                   what Roboflow exports
"""

import re
from glob import escape
from itertools import chain

from minissd.data.samples import split_names
from minissd.errors import MinissdError

_PATTERNS = (
    "annotations/instances_{}.json",
    "annotations/instances_{}[0-9]*.json",
    "annotations/{}.json",
    "instances_{}.json",
    "instances_{}[0-9]*.json",
    "{}.json",
    "{}/_annotations.coco.json",
)
_SPLIT_WORD = re.compile(r"(?<![a-z])(train|val|test|minival)[a-z]*[0-9]*", re.IGNORECASE)


def is_coco_file(path):
    """Whether a path is that of a JSON file; what it holds is seen when it is read."""
    return path.is_file() and path.suffix.lower() == ".json"


def is_coco_folder(root):
    """Whether JSON files lie in a folder as they do in a COCO set."""
    return bool(_annotation_files(root))


def split_file(root, split):
    """The JSON file of a split in a COCO folder.

    Raises MinissdError, saying what there is, if there is none or more than one.
    """
    for name in () if "/" in split else split_names(split):
        for pattern in _PATTERNS:
            found = sorted(root.glob(pattern.format(escape(name))))
            if len(found) > 1:
                which = ", ".join(_split_of(path) for path in found)
                raise MinissdError(f"{root} has several splits {split!r}: say which of {which}")
            if found:
                return found[0]
    known = ", ".join(sorted(_split_of(path) for path in _annotation_files(root)))
    raise MinissdError(f"{root} has no split {split!r}; there are {known}")


def sibling_file(path, split):
    """The file that stands for a split when one JSON file of a set was given.

    It is that file whatever the split, unless its name says that it is the training part (instances_train2017,
    or train/_annotations.coco): asked for another split, the same name with that word in place of `train` is
    opened.  Raises MinissdError if there is none: training images do not stand for others.
    """
    in_folder = path.stem == "_annotations.coco"
    word = path.parent.name if in_folder else path.stem
    match = re.search(r"(?<![a-z])train[a-z]*([0-9]*)", word, re.IGNORECASE)
    if match is None or split.lower() in ("train", match[0].lower()):
        return path
    before, year, after = word[: match.start()], match[1], word[match.end() :]
    words = [f"{before}{name}{end}{after}" for name in split_names(split) for end in (year, "")]
    tried = [path.parent.with_name(w) / path.name if in_folder else path.with_name(w + path.suffix) for w in words]
    for candidate in tried:
        if candidate.is_file():
            return candidate
    raise MinissdError(f"{path} holds {match[0]}, and for {split!r} there is no {tried[0]}: give the file itself")


def image_folder(path, first_name):
    """The folder that the file names of a JSON file are relative to: the first that holds the first of them.

    Raises MinissdError naming the folders that were tried.
    """
    beside, above = path.parent, path.parent.parent
    word = _split_of(path)
    folders = [above / word, above / "images" / word, beside / word, beside / "images" / word]
    folders += [beside / "images", above / "images", beside, above]
    for folder in folders:
        if (folder / first_name).is_file():
            return folder
    tried = ", ".join(map(str, folders))
    raise MinissdError(f"{path} lists {first_name!r}, which is in none of {tried}: put the images into one of them")


def _annotation_files(root):
    """Every JSON file that one of the patterns finds, whatever the split."""
    patterns = (pattern.format("*") for pattern in _PATTERNS if pattern != "{}.json")
    named = (path for path in root.glob("*.json") if _SPLIT_WORD.match(path.stem))
    return sorted(set(chain(named, *map(root.glob, patterns))))


def _split_of(path):
    """The word that names the split in the path of a JSON file: val2017 of instances_val2017.json."""
    if path.stem == "_annotations.coco":
        return path.parent.name
    match = _SPLIT_WORD.search(path.stem)
    return match[0] if match else path.stem.rpartition("instances_")[2]
