"""Paths as another machine wrote them, looked for on this one."""

import os
import re
import unicodedata
from pathlib import Path, PureWindowsPath

from minissd.data.splits import SPLIT_PATTERN

# A folder of a split, as in images/val2017: what lies in another one is another split's.
SPLIT_FOLDER = re.compile(SPLIT_PATTERN, re.IGNORECASE)


def find_path(written, bases):
    """The file or folder that is meant by a path, as it is or below one of the folders `bases`; None if none is.

    /home/ann/set/images/val, C:\\set\\images\\val and ../images/val are found as images/val below a base.  Leading
    folders are left out one by one, but none that names a split.  Accents may be written either way that Unicode has.
    """
    forms = () if written.isascii() else (unicodedata.normalize(form, written) for form in ("NFC", "NFD"))
    for form in (written, *forms):
        for candidate in candidates(form, bases):
            if os.path.exists(candidate):  # unlike Path.exists False for what can be no path: too long a name, say
                return candidate
    return None


def candidates(written, bases):
    """Yield the paths that `find_path` tries: those as written first, then shorter and shorter ones."""
    whole = Path(written)
    yield from [whole] if whole.is_absolute() else [base / whole for base in bases]
    given = PureWindowsPath(written)  # takes / and \ alike
    parts = [part for part in given.parts if part not in (given.anchor, "..", ".")]
    while parts:
        yield from (base.joinpath(*parts) for base in bases)
        if SPLIT_FOLDER.fullmatch(parts[0]):
            break
        parts = parts[1:]
