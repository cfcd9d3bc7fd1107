"""Where the JSON files of a COCO set lie, and which split is whose.

These are found, with S for the name of the split and S* for one with a year or the like behind it:

    annotations/instances_S*.json                           COCO's own tree, CVAT
    annotations/S.json, instances_S*.json, S.json           many tools
    S/_annotations.coco.json, S/labels.json, ...            Roboflow, FiftyOne
    result.json, labels.json, annotations/NAME.json, ...    one file for all: Label Studio, CVAT; splits.py parts it
"""

import re
from contextlib import suppress
from glob import escape
from itertools import chain

from minissd.data.samples import split_names
from minissd.data.splits import MADE_SPLITS, SPLIT_PATTERN
from minissd.errors import MinissdError

_IN_FOLDERS = ("_annotations.coco.json", "labels.json", "annotations.json", "coco.json", "result.json")
_PATTERNS = (
    "annotations/instances_{}.json",
    "annotations/instances_{}[0-9]*.json",
    "annotations/{}.json",
    "annotations/*[_-]{}.json",
    "annotations/*[_-]{}[0-9]*.json",
    "instances_{}.json",
    "instances_{}[0-9]*.json",
    "{}.json",
    *(f"{{}}/{name}" for name in _IN_FOLDERS),
)
_ALONE = (*_IN_FOLDERS, "instances.json", "instances_default.json")
_SPLIT_WORD = re.compile(rf"(?<![a-z]){SPLIT_PATTERN}(?![a-z])", re.IGNORECASE)  # no valve, no latest
_TRAIN_WORD = re.compile(r"(?<![a-z])train(?:ing|val)?(?:set)?([0-9]*)(?![a-z])", re.IGNORECASE)
_WORDS = ("train", "val", "test", "trainval")


def is_coco_file(path):
    """Whether a path is that of a JSON file; what it holds is seen when it is read."""
    return path.is_file() and path.suffix.lower() == ".json"


def is_coco_folder(root):
    """Whether JSON files lie in a folder as they do in a COCO set."""
    return bool(_annotation_files(root) or _file_of_all(root))


def split_file(root, split):
    """The JSON file of a split in a COCO folder, or that of all splits if there are none.

    Raises MinissdError, saying what there is, if there is none or more than one.
    """
    for name in () if "/" in split else split_names(split):
        for pattern in _PATTERNS:
            found = sorted(root.glob(pattern.format(escape(name))))
            if len(found) > 1:
                which = ", ".join(path.stem if "*[" in pattern else word_of(path) for path in found)
                raise MinissdError(f"{root} has several splits {split!r}: say which of {which}")
            if found:
                return found[0]
    if _file_of_all(root):
        return _file_of_all(root)
    known = ", ".join(sorted({word_of(path) for path in _annotation_files(root)}))
    raise MinissdError(f"{root} has no split {split!r}; there are {known}")


def sibling_file(path, split):
    """The file that stands for a split when one JSON file of a set was given.

    It is that file whatever the split, unless its name says that it is the training part (instances_train2017,
    or train/_annotations.coco): asked for another split, the same name with that word in place of `train` is
    opened.  Raises MinissdError if there is none: training images do not stand for others.
    """
    in_folder = _SPLIT_WORD.search(path.stem) is None and bool(split_of(path))
    word = path.parent.name if in_folder else path.stem
    match = _TRAIN_WORD.search(word)
    if match is None or split.lower() in ("train", match[0].lower()):
        return path
    before, year, after = word[: match.start()], match[1], word[match.end() :]
    words = [f"{before}{name}{end}{after}" for name in split_names(split) for end in (year, "")]
    tried = [path.parent.with_name(w) / path.name if in_folder else path.with_name(w + path.suffix) for w in words]
    for candidate in tried:
        if candidate.is_file():
            return candidate
    raise MinissdError(f"{path} holds {match[0]}, and for {split!r} there is no {tried[0]}: give the file itself")


def split_of(path):
    """The word that names the split in the path of a JSON file, val2017 of instances_val2017.json; "" if none does."""
    match = _SPLIT_WORD.search(path.stem) or _SPLIT_WORD.fullmatch(path.parent.name)
    return match[0] if match else ""


def word_of(path):
    """The split in the path of a JSON file of a folder: what stands in place of the word, if none does."""
    return split_of(path) or path.stem.rpartition("instances_")[2]


def splits_of_folder(root):
    """The splits that `split_file` opens, each with images of its own."""
    if _file_of_all(root):
        return list(MADE_SPLITS)
    return _plain_words(map(word_of, _annotation_files(root)), lambda word: split_file(root, word))


def splits_of_file(path):
    """The splits that `sibling_file` opens, each with images of its own: made ones if the name says no split."""
    own = split_of(path)
    if not own:
        return list(MADE_SPLITS)
    if not _TRAIN_WORD.fullmatch(own):
        return [next((word for word in _WORDS if own in split_names(word)), own)]
    return _plain_words([own], lambda word: sibling_file(path, word))


def _plain_words(words, open_split):
    """The words under which different files are opened: train, val, ... where they will do, then the others."""
    word_of = {}
    for word in (*_WORDS, *words):
        with suppress(MinissdError):
            word_of.setdefault(open_split(word), word)
    return list(word_of.values())


def _annotation_files(root):
    """Every JSON file that one of the patterns finds, whatever the split."""
    of_split = [path for path in root.glob("*.json") if _SPLIT_WORD.match(path.stem)]
    of_split += [path for name in _IN_FOLDERS for path in root.glob(f"*/{name}") if split_of(path)]
    patterns = (pattern.format("*") for pattern in _PATTERNS if not pattern.startswith("{}"))
    return sorted(set(chain(of_split, *map(root.glob, patterns))))


def _file_of_all(root):
    """The one JSON file of a COCO folder without splits; None if there is none, or more."""
    files = _annotation_files(root) or [root / name for name in _ALONE if _lists_images(root / name)]
    return files[0] if len(files) == 1 and not split_of(files[0]) else None


def _lists_images(path):
    """Whether a file has the words that COCO JSON has: labels.json may be anything."""
    text = path.read_bytes().replace(b"\0", b"") if path.is_file() else b""  # in UTF-16 every other byte is 0
    return b'"images"' in text and b'"annotations"' in text
