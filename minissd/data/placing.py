"""From boxes in pixels to corners in [0, 1] of the picture as it is shown: one rule for every format.

The pixels that boxes count are those of the picture on which they were drawn, and that need not be the file that
lies there now.  So the size that an annotation states is compared with that of the file:

    the same, or none                      pixels of the file
    another size of the same shape         pixels of the stated size: the file was scaled since
    width and height exchanged             pixels of the file; but where EXIF shows the stored pixels turned by a
                                           quarter, boxes were drawn before the turn, and are turned with the picture
    another shape                          pixels of the file: the stated size is wrong

Where the second reading of a size is possible, the boxes are asked: those that reach far beyond one size and
lie inside of the other tell which was meant, for their image, and by majority for the others of the set.
A size says nothing of a half turn, a mirror, or the quarter turn of a square: these were drawn as the other images
of the set that EXIF turns, before the turn or after.
If they tell that the file was stretched, cropped or turned after labelling, nobody can tell where they belong:
that is refused.  Each of these cases is remarked upon.
"""

from typing import NamedTuple

import numpy as np

from minissd.errors import MinissdError

NO_EXTENT = "boxes without extent, dropped"
OUTSIDE = "boxes outside of the image, dropped"
OVER_THE_EDGE = "boxes reaching over the edge of the image, clipped"
CORNERS = "boxes that may be corners (x_min, y_min, x_max, y_max) where width and height are expected"
SWAPPED = "boxes with corners in the wrong order, put in order"
FRACTIONS = "boxes within the first pixel, perhaps in fractions of the image, dropped"
WRONG_SIZE = "annotations with a wrong or missing image size, that of the image file used"
SCALED = "annotations for another size of the same image, boxes scaled with it"
DRAWN_UNTURNED = "annotations drawn before the image was turned by its EXIF orientation, turned with it"
DRAWN_TURNED = "annotations with the size before the EXIF turn, but boxes that fit the turned image alone, not turned"

_ROUNDING = 1e-6  # of the image: x + width of fractions of pixels is 160.00000000000003
QUARTER_TURNS = (5, 6, 7, 8)  # the EXIF orientations that exchange width and height
SEVERAL, MUCH_SMALLER = 5, 0.8  # images; one size's share of another
UP_TO = 0.95  # of a size: so far at least does some box of a set go that was drawn on it


class Placed(NamedTuple):
    """What became of A boxes."""

    corners: np.ndarray  # (A, 4) float32 in [0, 1]
    usable: np.ndarray  # (A,) bool
    remarks: dict[str, list[str]]  # each remark to the names of the images, once for each box or annotation


def place_boxes(boxes, image_of, stated, headers, names, *, inclusive=False):
    """The `Placed` boxes of a set of I images.

    boxes: (A, 4) x_min, y_min, x_max, y_max in pixels, as edges counted from 0; inclusive: as in VOC, pixels counted
    from 1, both included.  image_of: (A,) the image of each box, 0..I-1.  stated: (I, 2) width and height according
    to the annotation, 0 where it does not say.  headers, names: I, the files' own `Header`, and words for messages.
    Raises MinissdError if boxes are fractions of the image, or drawn on a picture of another shape.
    """
    remarks = {}
    boxes, image_of = np.asarray(boxes, np.float64).reshape(-1, 4), np.asarray(image_of, np.int64)
    ordered = np.hstack([np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])])
    swapped = (ordered != boxes).any(axis=1)
    # In VOC's counting pixel xmin = xmax is a box of one pixel, yet in practice it is a stray click.
    has_extent = (ordered[:, 2:] > ordered[:, :2]).all(axis=1)
    fractions = has_extent & (np.abs(ordered) <= 1.01).all(axis=1)
    if 2 * fractions.sum() > len(boxes):
        first = np.flatnonzero(fractions)[0]
        raise MinissdError(
            f"{int(fractions.sum())} of {len(boxes)} boxes lie within the first pixel (first: "
            f"{boxes[first].tolist()} in {names[image_of[first]]}): they look like fractions of the image; "
            f"expected are pixels, so multiply by its width and height"
        )

    edges = ordered - (1, 1, 0, 0) if inclusive else ordered  # the first pixel starts at edge 0
    units, turned = _units(edges[has_extent], image_of[has_extent], stated, headers, names, remarks)
    corners = edges / np.tile(units, 2)[image_of]
    orientations = np.where(turned, [header.orientation for header in headers], 1)[image_of]
    for orientation in np.unique(orientations):
        corners[orientations == orientation] = turn_corners(corners[orientations == orientation], orientation)

    clipped, usable, faults = clip_corners(corners, has_extent & ~fractions)
    faults = {**faults, NO_EXTENT: ~has_extent, FRACTIONS: fractions, SWAPPED: swapped & usable}
    remarks |= {fault: [names[i] for i in image_of[where]] for fault, where in faults.items()}
    return Placed(clipped, usable, {remark: where for remark, where in remarks.items() if where})


def clip_corners(corners, has_extent):
    """Corners in units of the picture, clipped to it, and what was wrong with which.

    corners: (A, 4), not clipped; has_extent: (A,) bool, what the annotation itself counts as a box.  Returns
    clipped (A, 4) float32 in [0, 1], usable (A,) bool, and a dict of each remark to the boxes it is made on,
    (A,) bool.
    """
    clipped = np.clip(corners, 0, 1).astype(np.float32)
    usable = has_extent & (clipped[:, 2:] > clipped[:, :2]).all(axis=1)
    faults = {
        NO_EXTENT: ~has_extent,
        OUTSIDE: has_extent & ~usable,
        OVER_THE_EDGE: usable & ((corners < -_ROUNDING) | (corners > 1 + _ROUNDING)).any(axis=1),
    }
    return clipped, usable, faults


def turn_corners(corners, orientation):
    """Corners on the stored pixels -> corners on the picture as shown, for an EXIF orientation, 1..8."""
    turned = corners[:, [1, 0, 3, 2]] if orientation in QUARTER_TURNS else corners.copy()  # x and y change places (5)
    if orientation in (2, 3, 6, 7):
        turned[:, [0, 2]] = 1 - turned[:, [2, 0]]
    if orientation in (3, 4, 7, 8):
        turned[:, [1, 3]] = 1 - turned[:, [3, 1]]
    return turned


def seem_corners(boxes, sizes, over_the_edge):
    """Whether boxes that are read as a place and a size may be corners: so they all lie inside, and else many do not.

    boxes: (A, 4), two numbers for the place, two for the size; sizes: (A, 2) of their images, in the same unit, or
    one for all; over_the_edge: how many boxes reach over the edge as they are read.
    """
    inside = (boxes[:, :2] < boxes[:, 2:]).all() and (boxes[:, 2:] <= sizes).all()
    return bool(inside) and 3 * over_the_edge >= len(boxes) > 1


class _Kinds(NamedTuple):
    """How the size that is stated for each image compares with the file: (I,) bool each, one of them True."""

    missing: np.ndarray
    same: np.ndarray
    off_by_one: np.ndarray  # by no more than a pixel either way
    scaled: np.ndarray  # another size of the same shape
    across: np.ndarray  # width and height exchanged, perhaps scaled as well
    wrong: np.ndarray  # another shape

    @classmethod
    def of(cls, stated, shown):
        missing = ~(stated > 0).all(axis=1)
        same = (stated == shown).all(axis=1)
        # An exact exchange goes before shapes that agree but for rounding, as those of 100x101 and 101x100 do.
        is_exchange = (stated[:, ::-1] == shown).all(axis=1)
        other = ~missing & ~same
        upright = other & ~is_exchange & _same_shape(stated, shown)
        off_by_one = upright & (np.abs(stated - shown) <= 1).all(axis=1)
        across = other & ~upright & _same_shape(stated[:, ::-1], shown)
        return cls(missing, same, off_by_one, upright & ~off_by_one, across, other & ~upright & ~across)


def _units(edges, image_of, stated, headers, names, remarks):
    """What edges are to be divided by, (I, 2) float64, and which of the results are to be turned, (I,) bool."""
    stated = np.asarray(stated, np.float64).reshape(-1, 2)
    stored = np.array([header[:2] for header in headers], np.float64).reshape(-1, 2)
    quarter = np.array([header.swaps_sides for header in headers], bool)
    shown = np.where(quarter[:, None], stored[:, ::-1], stored)
    exchanged = stated[:, ::-1]
    kinds = _Kinds.of(stated, shown)
    has_boxes = np.bincount(image_of, minlength=len(shown)) > 0  # without them, sizes do not matter
    reach = np.zeros_like(shown)  # (I, 2) how far right and down the boxes of each image go
    np.maximum.at(reach, image_of, edges[:, 2:])

    by_chance, stretched = _sizes_as_a_whole(kinds, stated, shown)
    by_chance |= _drawn_on_smaller_files(kinds.scaled & has_boxes, reach, stated, shown)
    in_file = kinds.scaled & _second_reading(kinds.scaled, reach, stated, shown, by_chance)
    turned = kinds.across & quarter
    upright_after_all = turned & _second_reading(turned, reach, stated, exchanged, default=False)
    changed = kinds.wrong & (_fits(reach, stated) & ~_fits(reach, shown) | stretched)
    changed |= kinds.wrong & _drawn_on_stated_size(kinds.wrong & has_boxes, reach, stated, shown)
    changed |= kinds.across & ~quarter & _fits(reach, stated) & ~_fits(reach, exchanged)
    if (changed & has_boxes).any():
        _refuse(np.flatnonzero(changed & has_boxes), stated, shown, names)

    turned &= ~upright_after_all
    if (turned & has_boxes).sum() > (quarter & (shown != exchanged).all(axis=1) & ~turned & has_boxes).sum():
        same_sides = ~quarter | (stored[:, 0] == stored[:, 1])
        turned |= same_sides & [header.orientation > 1 for header in headers]
    from_file = kinds.missing | kinds.wrong | kinds.off_by_one | in_file
    by_remark = {
        WRONG_SIZE: from_file | kinds.across & ~quarter,
        SCALED: kinds.scaled & ~in_file,
        DRAWN_UNTURNED: turned,
        DRAWN_TURNED: upright_after_all,
    }
    for remark, where in by_remark.items():
        remarks[remark] = [names[i] for i in np.flatnonzero(where & has_boxes)]
    units = np.where((kinds.across & ~turned)[:, None], exchanged, stated)
    return np.where(from_file[:, None], shown, units), turned


def _sizes_as_a_whole(kinds, stated, shown):
    """(bool, bool): whether the sizes of a set agree in shape by chance alone, and whether its files were stretched.

    One size is stated for images of several shapes, as by a tool that never looks: where it agrees in shape, that is
    by chance.  And the other way round: sizes of several shapes for files of one, all of them made squares, say.
    """
    if not kinds.wrong.any() or 2 * kinds.same.sum() >= (~kinds.missing).sum():
        return False, False
    stated_sizes, file_sizes = (len(np.unique(sizes, axis=0)) for sizes in (stated[~kinds.missing], shown))
    return stated_sizes == 1, file_sizes == 1 < stated_sizes


def _drawn_on_smaller_files(scaled, reach, stated, shown):
    """Whether no box of several images leaves files that are much smaller than is stated: no accident."""
    return scaled.sum() >= SEVERAL and bool((np.maximum(reach, shown) < MUCH_SMALLER * stated)[scaled].all())


def _drawn_on_stated_size(wrong, reach, stated, shown):
    """Whether boxes of several images go up to the stated edge, and none beyond, where all files go on much farther.

    So it is where images were made larger squares, or put on larger canvases, after labelling.
    """
    if wrong.sum() < SEVERAL or not _fits(reach, stated)[wrong].all():
        return False
    farther = (stated < MUCH_SMALLER * shown)[wrong].all(axis=0)
    return bool((farther & ((reach[wrong] / stated[wrong]).max(axis=0) > UP_TO)).any())


def _same_shape(one, other):
    """(I,) bool: whether sizes (I, 2) are one another scaled, up to a pixel of rounding on the smaller one."""
    products = one[:, 0] * other[:, 1], one[:, 1] * other[:, 0]
    return np.abs(products[0] - products[1]) <= np.maximum(one, other).sum(axis=1)


def _second_reading(possible, reach, first, second, default):
    """(I,) bool: whether the boxes of images are in pixels of the second size rather than of the first.

    Boxes that fit one size alone decide for their image; the others go with the majority of those, or the default.
    """
    fit_first, fit_second = _fits(reach, first), _fits(reach, second)
    for_second, for_first = possible & fit_second & ~fit_first, possible & fit_first & ~fit_second
    votes = int(for_second.sum()) - int(for_first.sum())
    others = votes > 0 if votes else default
    return for_second | (others & ~for_first)


def _fits(reach, size):
    """(I,) bool: boxes reach no further than the size, but for the little that careless drawing makes."""
    return (reach <= size + np.maximum(2, 0.02 * size)).all(axis=1)


def _refuse(changed, stated, shown, names):
    first = changed[0]
    (width, height), (file_width, file_height) = stated[first], shown[first]
    raise MinissdError(
        f"image {names[first]} is {file_width:g}x{file_height:g} pixels, but its boxes were drawn on "
        f"{width:g}x{height:g}, another shape, and so it is for {len(changed)} of {len(names)}: the images were "
        f"stretched, cropped or turned after labelling; take the images that were labelled, or correct boxes and sizes"
    )
