"""Which images and videos the words of a command line name, and where the annotated copies of them go."""

import itertools
import os
from collections import Counter
from glob import glob, has_magic
from pathlib import Path
from typing import NamedTuple

from minissd.data.images import IMAGE_SUFFIXES
from minissd.errors import MinissdError

JPEG_SUFFIXES = (".jpg", ".jpeg")
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".3gp", ".mts")
PHOTOGRAPHS = (".heic", ".heif", ".avif", ".dng", ".jp2")  # of which one should know that they were not searched
KINDS_NAMED = 8  # kinds of files passed over that are named


class Medium(NamedTuple):
    path: Path
    copy: Path  # the file for its annotated copy

    @property
    def is_video(self):
        return _is_video(self.path)


def find_media(words, out, tell=lambda text: None):
    """The files that `words` name, each once and in their order, with the places of their copies in the folder `out`.

    tell: called with a line of text for every word that also stands for files that are passed over.

    A word is a file; or a folder, which stands for the images and videos in it and below, save hidden ones; or a
    pattern with * ? [] or **, which stands for those it matches, and a folder that it matches for what is in it.
    What lies in `out` is no find, so that a second run over a folder does not take up the copies of the first.

    A copy is named as its file is, and lies below `out` as that lies below the folder, or below the part of the
    pattern before the first * ? or [.  MinissdError if a folder or a pattern gives nothing, or if a copy would take
    the place of an original.
    """
    places = {}  # path -> where its copy would like to lie below `out`
    for word in words:
        for path, place in _named_by(word, Path(out), tell).items():
            places.setdefault(path, place)
    copies = [Path(out) / name for name in _free_names(places)]
    _protect(places, copies)
    return [Medium(path, copy) for path, copy in zip(places, copies, strict=True)]


def _named_by(word, out, tell):
    """{path: its place below the folder or pattern that `word` is}; a file stands for itself, there or not."""
    path = Path(word)
    if path.is_dir():
        base, files = path, _files_below(path)
    elif has_magic(word) and not path.exists():
        base = Path(*itertools.takewhile(lambda part: not has_magic(part), path.parts))
        files = _files_matching(word)
    else:
        return {path: Path(path.name)}
    results = _results_below(base, out)
    files = [file for file in files if results not in file.resolve().parents]
    found = {file: _place(file, base) for file in files if _is_medium(file)}
    others = _counted([file for file in files if file not in found])
    if not found:
        looked_for = ", ".join(IMAGE_SUFFIXES + VIDEO_SUFFIXES)
        where = "in this folder or below" if path.is_dir() else "matches this pattern"
        there = f"; there are {others}" if others else ""
        raise MinissdError(f"{word}: no image or video {where} (looked for {looked_for}{there}): give another path")
    if others:
        tell(f"{word}: passed over {others}")
    return found


def _is_medium(file):
    return file.suffix.lower() in IMAGE_SUFFIXES + VIDEO_SUFFIXES and not file.is_dir()


def _counted(files):
    """Files by their suffix, "3 .heic, 1 .pdf", photographs first; "" for none."""
    kinds = ("linked folder(s)" if file.is_dir() else file.suffix.lower() or "without suffix" for file in files)
    numbers = Counter(kinds)
    kinds = sorted(numbers, key=lambda kind: (kind not in PHOTOGRAPHS, -numbers[kind], kind))
    parts = [f"{numbers[kind]} {kind}" for kind in kinds[:KINDS_NAMED]]
    if len(kinds) > KINDS_NAMED:
        parts.append(f"{sum(numbers[kind] for kind in kinds[KINDS_NAMED:])} others")
    return ", ".join(parts) + (" (convert photographs to JPEG)" if kinds and kinds[0] in PHOTOGRAPHS else "")


def _files_below(folder):
    """All files in a folder and its subfolders, sorted folder by folder, without hidden ones.

    A link to a folder is among them and not followed: it may lead in a circle.
    """
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (link for link in (Path(parent, name) for name in folders) if link.is_symlink())
        yield from (Path(parent, name) for name in sorted(names) if not name.startswith("."))


def _files_matching(pattern):
    """The files that a pattern matches, and those below the folders that it matches."""
    for match in map(Path, sorted(glob(pattern, recursive=True))):
        yield from _files_below(match) if match.is_dir() else [match]


def _results_below(base, out):
    """The folder of the results if it lies below `base`, where a search would come upon it; else None."""
    out = out.resolve()
    return out if base.resolve() in out.parents else None


def _place(file, base):
    """Where a file lies below `base`; its bare name where the way there leads upward again."""
    place = file.relative_to(base)
    return Path(file.name) if ".." in place.parts else place


def _free_names(places):
    """For each place, in order, the copy's name: JPEG stays JPEG, other images become PNG, videos MP4.

    Numbered where the name is taken, also on a disk that does not tell A from a.
    """
    taken = set()
    for place in places.values():
        suffix = place.suffix
        if suffix.lower() not in JPEG_SUFFIXES:
            suffix = ".mp4" if _is_video(place) else ".png"
        names = (place.with_name(f"{place.stem}{'' if k == 1 else f'-{k}'}{suffix}") for k in itertools.count(1))
        name = next(name for name in names if str(name).lower() not in taken)
        taken.add(str(name).lower())
        yield name


def _protect(originals, copies):
    """MinissdError if a copy would take the place of one of the originals."""
    originals = {path.resolve() for path in originals}
    for copy in copies:
        if copy.resolve() in originals:
            raise MinissdError(f"{copy} is one of the originals and would be overwritten: choose another --out")


def _is_video(path):
    return path.suffix.lower() in VIDEO_SUFFIXES
