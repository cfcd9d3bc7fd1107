"""The lists of a VOC tree: which images belong to a split, as people and programs write it down.

One ID on each line.  It may have folders in front (/data/JPEGImages/img0), a suffix behind (img0.jpg), and after
that the numbers of PASCAL's lists of one class: 1 if the image shows it, -1 if not, 0 if it is hard to tell.
Of such a list, called CLASS_SPLIT, only the images marked 1 are used.  Where there are but such lists, as VoTT
writes them, all that are on one of them make the split.
"""

import re
import unicodedata
from collections import Counter
from pathlib import PurePosixPath, PureWindowsPath

from minissd.data.images import IMAGE_SUFFIXES
from minissd.data.samples import split_names
from minissd.data.splits import SPLIT_WORDS
from minissd.errors import MinissdError

LIST_WORDS = (*SPLIT_WORDS, "default")  # the last is CVAT's
TWICE = "images listed more than once, used once"
NOT_MARKED = "images that the list of one class does not mark 1, left out"
NO_LISTS = "lists of single classes, all their images used"

_NO_LISTS = ("classes", "labels", "labelmap", "predefined_classes", "readme", "license")
_OLD_ENCODINGS = ("gb18030", "cp932", "cp1252")  # tried on names that are no UTF-8; an image must have the result


def lists_in(folder, only_splits=False):
    """Name -> path of the lists in a folder, sorted; only_splits: of those that are called as splits are."""
    files = folder.glob("*") if folder.is_dir() else ()
    paths = sorted(path for path in files if path.suffix.lower() == ".txt" and path.is_file())
    names = {path.stem: path for path in paths if not path.name.startswith(".")}
    if only_splits:
        return {name: path for name, path in names.items() if name.lower() in LIST_WORDS}
    return {name: path for name, path in names.items() if name.lower() not in _NO_LISTS}


def splits_of(lists):
    """The splits that lists make: one each, but the lists of single classes together."""
    whole = [name for name in lists if not _is_of_one_class(name, lists)]
    return whole or sorted({name.rpartition("_")[2] for name in lists})


def read_split(lists, split, known, folder, remarks, root):
    """The ids of a split in the order of its list, once each.

    lists: as of `lists_in`; known: the ids that have an image, a dict or a set; folder: the name of the folder of
    images, for paths on the list; root: for messages.  Raises MinissdError if there is no such split, or if
    a line is no image.
    """
    in_any_case = {name.lower(): name for name in lists} | {name: name for name in lists}  # CVAT's are called Train
    name = next((in_any_case[name] for name in split_names(split) if name in in_any_case), None)
    if name is not None:
        return _read_list(lists[name], _is_of_one_class(name, lists), known, folder, remarks)
    names = [name for name in lists if name.endswith(f"_{split}") and _is_of_one_class(name, lists)]
    if not names:
        raise MinissdError(f"{root} has no split {split!r}; there are {', '.join(splits_of(lists)) or 'none'}")
    remarks[NO_LISTS] += names
    read = (_read_list(lists[name], False, known, folder, remarks) for name in names)
    return list(dict.fromkeys(image_id for ids in read for image_id in ids))


def _read_list(path, of_one_class, known, folder, remarks):
    """The ids on a list; of_one_class: those alone that it marks 1."""
    finder, times, marks = _Finder(known, folder), Counter(), {}
    for line in _lines(path):
        image_id, mark = finder.read(line)
        times[image_id] += 1
        marks.setdefault(image_id, mark)
    _check(path, list(times), known, folder)
    remarks[TWICE] += [one for one in times if times[one] > 1]
    if of_one_class:
        remarks[NOT_MARKED] += [one for one in times if marks[one] != "1"]
    return [one for one in times if not of_one_class or marks[one] == "1"]


def _is_of_one_class(name, lists):
    """Whether a list is called CLASS_SPLIT and begins with a marked line; fold1_train of plain ids is none."""
    _, line, last = name.rpartition("_")
    if not line or not (last in lists or last.lower() in LIST_WORDS):
        return False
    return re.search(r"\s(1|0|-1)$", next(iter(_lines(lists[name])), "")) is not None


def _lines(path):
    """The lines of a list that are not blank; bytes that are no UTF-8 stay as they are in file names."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MinissdError(f"list {path} cannot be read ({error.strerror or error})") from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # what PowerShell's > writes
        text = data.decode("utf-16", "replace")
    elif b"\0" in data[:2]:
        text = data.decode("utf-16-be" if data[0] == 0 else "utf-16-le", "replace")
    else:
        text = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    return [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]


def _check(path, found, known, folder):
    """Raises MinissdError unless a list has lines, and every line is a known id."""
    if not found:
        raise MinissdError(f"{path} lists no image: put one ID on each line")
    missing = [one for one in found if one not in known]
    if missing:
        some = ", ".join(map(repr, missing[:3])) + ", ..." * (len(missing) > 3)
        raise MinissdError(
            f"{path}: {folder} has no image of the name on {len(missing)} of {len(found)} lines: {some}; add it or "
            f"drop the line; expected is one ID on each, the name of an image without its suffix"
        )


class _Finder:
    """From lines to ids.  known: the ids there are; folder: the name of the folder of their images."""

    def __init__(self, known, folder):
        self.known, self.folder = known, folder
        self._composed = None  # id in Unicode's composed form -> id

    def read(self, line):
        """(id, mark) on a line, the mark "" where there is none; a line that names no known id, (line, "")."""
        text, mark = line, ""
        while text:
            image_id = self._find(text)
            if image_id is not None:
                return image_id, mark
            *text, last = text.rsplit(maxsplit=1)
            text = "".join(text)
            if re.fullmatch(r"[+-]?\d+", last):
                mark = last.removeprefix("+")
            elif not last.lower().endswith(".xml"):  # PaddlePaddle's lists: an image and its annotation
                break
        return line, ""

    def _find(self, text):
        """The id that a text means, or None."""
        for form in self._forms(text):
            if form in self.known:
                return form
        if text.isascii():
            return None
        if self._composed is None:
            self._composed = {unicodedata.normalize("NFC", one): one for one in self.known}
        for spelling in (text, *_decoded(text)):
            for form in self._forms(unicodedata.normalize("NFC", spelling)):
                if form in self._composed:
                    return self._composed[form]
        return None

    def _forms(self, text):
        """What a text may stand for: all of it, without its suffix, without the folders that images are in."""
        path = text.replace("\\", "/").removeprefix("./")
        forms = [text, path, path.strip('"')]  # the last: Datumaro, where there are blanks in it
        inside = f"/{path}".rpartition(f"/{self.folder}/")
        if inside[1]:
            forms.append(inside[2])
        if PurePosixPath(path).is_absolute() or PureWindowsPath(path).drive:
            forms.append(PurePosixPath(path).name)
        for form in forms:
            yield form
            stem, dot, suffix = form.rpartition(".")
            if dot and f".{suffix.lower()}" in (*IMAGE_SUFFIXES, ".xml"):
                yield stem


def _decoded(text):
    """A text with bytes that are no UTF-8, as older encodings read it."""
    data = text.encode("utf-8", "surrogateescape")
    for encoding in _OLD_ENCODINGS:
        try:
            yield data.decode(encoding)
        except UnicodeDecodeError:
            continue
