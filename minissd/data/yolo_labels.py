"""One text file of YOLO labels -> the boxes of one image.

Each line is an object: the number of its class, and then in fractions of the image

    cx cy w h                    a box by its centre and size
    cx cy w h confidence         the same, written by a detector
    cx cy w h x y v x y v ...    the same, with keypoints (v: 0, 1 or 2, whether the point is seen)
    x y x y x y ...              an outline or, with four points, a rotated box: its surrounding box is taken

The fractions are those of the image as it is shown, after a turn by its EXIF orientation.
"""

from math import isfinite
from typing import NamedTuple

from minissd.data.texts import read_text
from minissd.errors import MinissdError

OUTLINES = "outlines and rotated boxes, their surrounding box used"
CONFIDENCES = "labels with a confidence, which a detector wrote, taken for objects that are there"
LARGEST = 2.0  # a fraction far beyond the edge; what is larger counts pixels, or per cent


class YoloLabels(NamedTuple):
    """What one file says of G objects."""

    numbers: list[int]  # G numbers of classes, from 0
    corners: list[tuple[float, float, float, float]]  # G boxes in fractions of the image, not clipped
    remarks: list[str]  # a remark for each line that has something peculiar


def read_labels(path, classes, keypoints=None):
    """The `YoloLabels` in a text file, of `classes` classes.

    keypoints: how many numbers follow the box for keypoints, where that is known.  Raises MinissdError naming the
    file and the line if a line is none of these, if its class is none, or if it counts in pixels.
    """
    found = YoloLabels([], [], [])
    for count, line in enumerate(read_text(path, "label file").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        place = f"{path}, line {count}"
        number, *values = _numbers(words, place)
        if number != int(number) or not 0 <= number < classes:
            raise MinissdError(
                f"{place}: class {words[0]}, but there are {classes} names of classes, 0 to {classes - 1}: "
                "correct it, or add the name"
            )
        if max(map(abs, values), default=0) > LARGEST:
            raise MinissdError(
                f"{place}: {max(values, key=abs):g} is no fraction of the image, as all numbers behind the class must "
                "be: divide pixels by its width and height"
            )
        box, remark = _box(values, keypoints, place)
        found.numbers.append(int(number))
        found.corners.append(box)
        if remark:
            found.remarks.append(remark)
    return found


def _numbers(words, place):
    try:
        numbers = [float(word) for word in words]
        if all(map(isfinite, numbers)):
            return numbers
    except ValueError:
        pass
    given = " ".join(words)[:60]
    raise MinissdError(f"{place}: expected the number of a class, then cx cy w h, with blanks between; it is {given!r}")


def _box(values, keypoints, place):
    """The corners of the box that the values of a line describe, and the remark on it or None."""
    if len(values) == 4 or (len(values) == 4 + keypoints if keypoints else _has_keypoints(values)):
        return _corners(*values[:4]), None
    if len(values) == 5:
        if 0 <= values[4] <= 1:
            return _corners(*values[:4]), CONFIDENCES
        raise MinissdError(f"{place}: {values[4]:g} behind the box is no confidence; boxes with an angle are not read")
    if len(values) < 6 or len(values) % 2:
        raise MinissdError(
            f"{place}: {len(values)} numbers behind the class; expected 4 (cx cy w h), or pairs x y of an outline"
        )
    xs, ys = values[::2], values[1::2]
    return (min(xs), min(ys), max(xs), max(ys)), OUTLINES


def _corners(cx, cy, w, h):
    return cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2


def _has_keypoints(values):
    """Whether values are a box and keypoints x y v: every v is 0, 1 or 2, and the points seen lie in the box."""
    if len(values) < 7 or (len(values) - 4) % 3:
        return False
    x_min, y_min, x_max, y_max = _corners(*values[:4])
    points = list(zip(values[4::3], values[5::3], values[6::3], strict=True))
    inside = all(x_min <= x <= x_max and y_min <= y <= y_max for x, y, v in points if v)
    return inside and {v for _, _, v in points} <= {0, 1, 2}
