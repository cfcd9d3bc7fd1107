"""The image files that a COCO JSON file lists: file names of other machines, and where the images lie here.

S is the split that the path of the JSON file names (coco_places.py).  Images are looked for in S/, images/S/, S/data/
and the like, images/, data/, and beside the file, in its folder and the one above: where most of the first names are.
"""

import os
import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

from minissd.data.coco_places import word_of
from minissd.data.foreign_paths import find_path
from minissd.errors import MinissdError

MISSING = "images that are not there, left out"
_FIRST = 25  # images by which a folder is chosen


def image_files(path, names, folder=None):
    """(folder, files): the folder of the images that a JSON file lists, and the file of each name; None if it is lost.

    folder: where to look, None for the usual places.  Besides the name as it is, /home/ann/a.jpg, C:\\a.jpg, ../a.jpg
    and my%20a.jpg are found as what they mean.  Raises MinissdError if half of the images or more are not there,
    or two names are one file.
    """
    if folder is not None and not Path(folder).is_dir():
        raise MinissdError(f"{folder} is no folder of images: give the one that holds the images of {path}")
    folders = _usual_folders(path) if folder is None else [Path(folder), Path(folder) / word_of(path)]
    some = names[:_FIRST]
    found = {place: sum(_find(name, place) is not None for name in some) for place in folders}
    # The first with most of them; else that with the greatest number: names like 0001.jpg may be another split's.
    chosen = next((place for place in folders if 2 * found[place] > len(some)), max(found, key=found.get))
    files = [_find(name, chosen) for name in names]
    lost = [name for name, file in zip(names, files, strict=True) if file is None]
    if 2 * len(lost) >= len(names):
        where = chosen if len(lost) < len(names) else ", ".join(map(str, folders))
        raise MinissdError(
            f"{path} lists {len(names)} images, but {len(lost)} of them are not in {where} (first: {lost[0][:100]!r}): "
            "put them there, or say where they are with --images"
        )
    twice = [file for file, count in Counter(filter(None, files)).items() if count > 1]
    if twice:
        one, other, *_ = (name for name, file in zip(names, files, strict=True) if file == twice[0])
        raise MinissdError(f"{path}: {one!r} and {other!r} are both found as {twice[0]}: keep their folders apart")
    return chosen, files


def _usual_folders(path):
    beside, above = path.parent, path.parent.parent
    folders, word = [], word_of(path)
    for split in (word, word.rstrip("0123456789") or word):  # with its year and without
        folders += [above / split, above / "images" / split, beside / split, beside / "images" / split]
        folders += [above / split / "data"]
    folders += [beside / "data", above / "data", beside / "images", above / "images", beside, above]
    return list(dict.fromkeys(folders))


def _find(name, folder):
    """The file in or below a folder that a name means, or where it is an absolute path; None if there is none."""
    plain = folder / name
    if ".." not in plain.parts[len(folder.parts) :] and os.path.isfile(plain):
        return plain
    for written in dict.fromkeys((name, unquote(name))):
        inside = re.sub(r"^(\.\.?/)+", "", written.replace("\\", "/"))  # ../images/a.jpg -> images/a.jpg
        found = find_path(inside, [folder]) if ".." not in inside.split("/") else None
        if found is not None and os.path.isfile(found):
            return found
    return None
