"""Splits for data that come without: which images are held out does not depend on the others.

An image is in `val` if the hash of its name is one of the lowest tenth, and in `train` if not; `trainval` is all
of them.  So the same image is in the same split on every machine, and stays there when others come and go.
"""

from hashlib import blake2b

SPLIT_WORDS = ("train", "training", "val", "valid", "validation", "trainval", "test", "testing")
# The same in file names, as in instances_val2017 or trainset: a regular expression, of which the longest word counts.
SPLIT_PATTERN = f"(?:{'|'.join(sorted((*SPLIT_WORDS, 'minival'), key=len, reverse=True))})(?:set)?[0-9]*"
MADE_SPLITS = ("train", "val", "trainval")
VAL_SHARE = 0.1
MADE_NOTE = f"no splits in these data: {VAL_SHARE:.0%} of the images are val, by the hash of their name"


def in_made_split(name, split):
    """Whether the image of this name (a string that is the same everywhere) is in a split made here."""
    if split == "trainval":
        return True
    # Of a CRC, names that differ in a few digits share most bits: of photo-0-a to photo-99-a none would be in val.
    digest = blake2b(name.encode("utf-8", "surrogateescape"), digest_size=4).digest()
    return (split == "val") == (int.from_bytes(digest, "big") < VAL_SHARE * 2**32)
