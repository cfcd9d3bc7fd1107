"""The files of images and annotations below a folder, by id: their path inside of it without the suffix."""

import os
import unicodedata
from collections import defaultdict
from pathlib import Path

from minissd.data.images import IMAGE_SUFFIXES
from minissd.errors import MinissdError

_LONGEST_LINK = 4096  # bytes


def files_in(folder, suffixes):
    """(id, path) of the files of these suffixes in a folder and those below it, in order.

    Links are followed, but no folder is looked at twice.  Hidden files and what a Mac adds to a zip are passed over.
    """
    seen = set()
    for where, below, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(where)
        below[:] = [] if real in seen else sorted(one for one in below if is_shown(one))
        if real in seen:
            continue
        seen.add(real)
        relative = os.path.relpath(where, folder).replace(os.sep, "/")
        prefix = "" if relative == "." else f"{relative}/"
        for name in sorted(names):
            stem, suffix = os.path.splitext(name)
            if suffix.lower() in suffixes and is_shown(name):
                yield prefix + stem, Path(where, name)


def images_in(folder, prefix=""):
    """id -> its image, or images, of all below a folder; prefix: what ids begin with."""
    images = {}
    for image_id, path in files_in(folder, IMAGE_SUFFIXES):
        images.setdefault(prefix + image_id, []).append(path)
    return images


def the_image(image_id, paths, file_name=""):
    """The one image of an id, or of several that which is called `file_name`.  Raises MinissdError if none is."""
    named = [path for path in paths if path.name == file_name]
    if len(paths) > 1 and not named:
        raise MinissdError(
            f"{image_id!r} is the name of {len(paths)} images, {' and '.join(map(str, paths))}, and no annotation says "
            f"which is meant: rename or remove the others"
        )
    return (named or paths)[0]


def matched(xmls, images, key):
    """The annotations, those without an image under the id of one without annotation that has the same key.

    Only keys that one image and one annotation have are taken: no annotation is used for two images.
    """
    alone, lost = defaultdict(list), defaultdict(list)
    for image_id in images.keys() - xmls.keys():
        alone[key(image_id)].append(image_id)
    for xml_id in xmls.keys() - images.keys():
        lost[key(xml_id)].append(xml_id)
    new_id = {ids[0]: alone[one][0] for one, ids in lost.items() if len(ids) == 1 and len(alone.get(one, ())) == 1}
    return {new_id.get(xml_id, xml_id): path for xml_id, path in xmls.items()}


def spelling(name):
    """A name without what file systems change: case, and the form of accents."""
    return unicodedata.normalize("NFC", name).casefold()


def is_shown(name):
    return not name.startswith(".") and name != "__MACOSX"


def written_link(path):
    """The folder that a link led to which is a text file now, as Git leaves links where they are off; else None."""
    try:
        target = path.read_text(encoding="utf-8").strip() if path.stat().st_size <= _LONGEST_LINK else ""
    except (OSError, UnicodeDecodeError):
        return None
    linked = os.path.join(path.parent, target)
    return Path(linked) if target and os.path.isdir(linked) else None
