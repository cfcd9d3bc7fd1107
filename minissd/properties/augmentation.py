"""What holds for augmentation: a picture changes, and its boxes go with it."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minissd import naive
from minissd.data.view import View, view_corners, view_objects
from minissd.detection import Objects
from minissd.properties.box_sets import corners
from minissd.properties.core import Property, equals, require_equal
from minissd.properties.plain import few, named

# --- left and right swapped ---


def _mirrored(corners):
    return np.array([(1 - right, top, 1 - left, bottom) for left, top, right, bottom in corners]).reshape(-1, 4)


def _stay_in_order(function, corners):
    seen = np.asarray(function(corners))
    if seen.shape == corners.shape and (seen[:, 2:] <= seen[:, :2]).any():
        raise AssertionError(f"a box has its right edge left of its left edge, or no extent: {seen.tolist()}")


def _twice_is_nothing(function, corners):
    require_equal(function(np.asarray(function(corners))), corners, what="the boxes, mirrored twice")


def library_mirror_boxes(corners):
    return view_corners(View(0, 0, 1, 1, mirror=True), corners)


MIRROR_BOXES = (
    Property("keeps x_min left of x_max", named(corners=corners(1, 2)), _stay_in_order),
    equals(
        _mirrored, named(corners=corners(1, 2)), statement="puts each box where the mirrored picture shows its object"
    ),
    Property("undoes itself", named(corners=corners(0, 3)), _twice_is_nothing),
)


# --- zooming out ---


@st.composite
def pictures_on_canvases(draw):
    """A picture of a few pixels with a box on pixel edges, and its place on a canvas."""
    height, width = draw(st.sampled_from([1, 2, 4])), draw(st.sampled_from([1, 2, 4]))
    x = sorted(draw(st.lists(st.integers(0, width), min_size=2, max_size=2, unique=True)))
    y = sorted(draw(st.lists(st.integers(0, height), min_size=2, max_size=2, unique=True)))
    side = draw(few)
    return {
        "image": draw(arrays(np.uint8, (height, width, 3), elements=st.integers(0, 9))),
        "corners": np.array([[x[0] / width, y[0] / height, x[1] / width, y[1] / height]]),
        "side": side,
        "left": draw(st.integers(0, (side - 1) * width)),
        "top": draw(st.integers(0, (side - 1) * height)),
        "color": (123, 117, 104),
    }


def _pixel_by_pixel(image, corners, side, left, top, color):
    height, width, _ = image.shape
    canvas = np.zeros((side * height, side * width, 3), np.uint8)
    for i, j in np.ndindex(canvas.shape[:2]):
        inside = top <= i < top + height and left <= j < left + width
        canvas[i, j] = image[i - top, j - left] if inside else color
    places = [
        ((x0 * width + left) / (side * width), (y0 * height + top) / (side * height),
         (x1 * width + left) / (side * width), (y1 * height + top) / (side * height))
        for x0, y0, x1, y1 in corners
    ]  # fmt: skip
    return canvas, np.array(places)


def _frames_the_same_pixels(function, image, corners, **place):
    canvas, moved = function(image, corners, **place)
    before, after = _cut(image, corners[0]), _cut(np.asarray(canvas), np.asarray(moved)[0])
    require_equal(after, before, what="the pixels inside of the box on the canvas")


def _cut(image, box):
    height, width, _ = image.shape
    x0, y0, x1, y1 = np.rint(box * [width, height, width, height]).astype(int).tolist()
    return image[max(y0, 0) : y1, max(x0, 0) : x1]


def _keeps_the_picture(function, **case):
    canvas, _ = function(**case)
    kind = getattr(canvas, "dtype", type(canvas).__name__)
    assert kind == np.uint8, f"the canvas holds {kind}, the picture uint8: pixels stay what they are"
    require_equal(canvas, _pixel_by_pixel(**case)[0], what="the canvas")


ZOOM_OUT = (
    Property("lays the picture on a canvas of the given colour", pictures_on_canvases(), _keeps_the_picture),
    Property(
        "moves the box with its object: it frames the same pixels", pictures_on_canvases(), _frames_the_same_pixels
    ),
    equals(_pixel_by_pixel, pictures_on_canvases(), statement="gives the boxes in units of the canvas"),
)


# --- patches ---


@st.composite
def patches(draw):
    """A patch, and boxes on the same grid: some have their centre just on its edge."""
    boxes = draw(corners(1, 3))
    return {"patch": draw(corners(1, 1, min_side=4))[0], "corners": boxes}


@st.composite
def labelled_patches(draw):
    case = draw(patches())
    return {"corners": case["corners"], "labels": np.arange(len(case["corners"])), "patch": case["patch"]}


def _center_inside(patch, box):
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return patch[0] <= x <= patch[2] and patch[1] <= y <= patch[3]


def _cropped(corners, labels, patch):
    """The whole rule, box by box."""
    kept, names = [], []
    width, height = patch[2] - patch[0], patch[3] - patch[1]
    for box, label in zip(corners, labels, strict=True):
        if _center_inside(patch, box):
            x = [min(max((edge - patch[0]) / width, 0.0), 1.0) for edge in box[[0, 2]]]
            y = [min(max((edge - patch[1]) / height, 0.0), 1.0) for edge in box[[1, 3]]]
            kept.append((x[0], y[0], x[1], y[1]))
            names.append(label)
    return np.array(kept, float).reshape(-1, 4), np.array(names, int)


def _keeps_the_right_objects(function, corners, labels, patch):
    _, kept = function(corners, labels, patch)
    require_equal(kept, _cropped(corners, labels, patch)[1], what="the labels that are kept")


def _within_the_patch(function, corners, labels, patch):
    seen = np.asarray(function(corners, labels, patch)[0])
    if seen.size and (seen.min() < 0 or seen.max() > 1):
        raise AssertionError(f"a box reaches over the edge of the patch: {seen.tolist()}")


def library_crop_boxes(corners, labels, patch):
    seen = view_objects(View(*patch.tolist()), Objects(corners, labels, np.zeros(len(labels), bool)))
    return seen.corners, seen.labels


CROP_BOXES = (
    Property("keeps the objects whose centre is in the patch", labelled_patches(), _keeps_the_right_objects),
    Property("clips what is left to the patch", labelled_patches(), _within_the_patch),
    equals(_cropped, labelled_patches(), statement="gives the boxes in units of the patch"),
)


@st.composite
def wanted_patches(draw):
    return draw(patches()) | {"min_overlap": draw(st.sampled_from([0.0, 0.125, 0.25, 0.5]))}


def _fits(patch, corners, min_overlap):
    overlaps = naive.iou(patch[None], corners)[0]
    return any(o >= min_overlap for o in overlaps) and any(_center_inside(patch, box) for box in corners)


def _one_object_is_enough(function, patch, corners, min_overlap):
    """A patch that is exactly the first object overlaps that one by 1, whatever else there is."""
    require_equal(function(corners[0], corners, min_overlap), True, what="the answer for a patch that is one object")


def _a_half_is_a_half(function, patch, corners, min_overlap):
    """The left half of an object: an IoU of exactly 0.5, and the centre on the edge."""
    left, top, right, bottom = corners[0]
    half = np.array([left, top, (left + right) / 2, bottom])
    require_equal(function(half, corners[:1], 0.5), True, what="the answer for half of an object and a minimum of 0.5")


@st.composite
def specks(draw):
    """A patch in the middle and one small object, inside, beside, above or below, or at a corner."""
    x, y = (draw(st.integers(0, 4)) / 4 for _ in range(2))
    box = np.array([[x - 0.0625, y - 0.0625, x + 0.0625, y + 0.0625]])
    return {"patch": np.array([0.25, 0.25, 0.75, 0.75]), "corners": box, "min_overlap": 0.0}


@st.composite
def shared_between_two(draw):
    """Two objects, of which one has what the other lacks, and the patch in the middle.

    An object that overlaps enough has its centre outside, or its centre's x is inside and its y is not.
    """
    patch = np.array([0.25, 0.25, 0.75, 0.75])
    wide = [-0.5, 0.25, 0.75, 0.75]  # IoU 0.4, centre left of the patch
    speck = [0.4375, 0.4375, 0.5625, 0.5625]  # IoU 1/16, centre in the middle
    above, beside = [0.25, 0.0, 0.75, 0.3125], [0.6875, 0.25, 1.0, 0.75]  # a little of each is seen, no centre
    pair, minimum = draw(st.sampled_from([((wide, speck), 0.25), ((above, beside), 0.0), ((wide, above), 0.25)]))
    corners = np.array(draw(st.permutations(pair)))
    for axis in (0, 1):  # the patch lies in the middle: mirrored pairs are of the same kind
        if draw(st.booleans()):
            corners[:, [axis, axis + 2]] = 1 - corners[:, [axis + 2, axis]]
    return {"patch": patch, "corners": corners, "min_overlap": minimum}


PATCH_FITS = (
    Property("accepts the patch that is one of the objects", wanted_patches(), _one_object_is_enough),
    Property("counts an overlap that just reaches the minimum", wanted_patches(), _a_half_is_a_half),
    equals(_fits, specks(), statement="wants the centre inside even if no overlap is asked for"),
    equals(_fits, wanted_patches(), statement="wants enough overlap with some object, and some centre inside"),
    equals(_fits, shared_between_two(), statement="takes the overlap with one object and the centre of another, too"),
)
