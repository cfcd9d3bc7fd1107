"""The box around an object of which a COCO file has the outline alone.

An outline is a list of polygons, each x, y, x, y, ..., or a mask as run lengths: how many pixels are 0, then how
many are 1, and so on, column by column.  Their `counts` are numbers, or pressed into a string with six bits a
character.
"""

import numpy as np


def box_around(segmentation):
    """[x, y, width, height] around an outline; None if there is none, or none that can be read."""
    try:
        return _around_runs(segmentation) if isinstance(segmentation, dict) else _around_polygons(segmentation)
    except (TypeError, ValueError, KeyError, IndexError, OverflowError, MemoryError):
        return None


def _around_polygons(polygons):
    """Of one polygon or several, whose points are flat numbers or pairs."""
    flat = _flat(polygons)
    if len(flat) < 4 or len(flat) % 2 or not np.isfinite(flat).all():
        return None
    xs, ys = flat[::2], flat[1::2]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def _flat(value):
    """All numbers in lists of lists, in order."""
    return [number for part in value for number in _flat(part)] if isinstance(value, list) else [float(value)]


def _around_runs(mask):
    height, width = map(int, mask["size"])
    counts = mask["counts"]
    ends = np.cumsum(_unpacked(counts) if isinstance(counts, str) else np.array(counts, np.int64))
    if len(ends) == 0 or ends[-1] != height * width or (np.diff(ends) < 0).any():
        return None
    starts, stops = ends[:-1:2], ends[1::2]  # of the runs of 1
    starts, stops = starts[: len(stops)][stops > starts[: len(stops)]], stops[stops > starts[: len(stops)]]
    if len(starts) == 0:
        return None
    left, right = starts[0] // height, (stops[-1] - 1) // height + 1
    spans = starts // height != (stops - 1) // height  # a run over the end of a column touches top and bottom
    top = 0 if spans.any() else (starts % height).min()
    bottom = height if spans.any() else ((stops - 1) % height).max() + 1
    return [float(left), float(top), float(right - left), float(bottom - top)]


def _unpacked(text):
    """The run lengths in a string: each number lowest bits first, and from the fourth on less the one two before."""
    counts, value, shift = [], 0, 0
    for character in text:
        bits = ord(character) - 48
        value |= (bits & 0x1F) << shift
        shift += 5
        if not bits & 0x20:  # the last character of a number; its highest bit is the sign
            if bits & 0x10:
                value -= 1 << shift
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    return np.array(counts, np.int64)
