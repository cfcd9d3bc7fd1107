"""One XML file of a VOC tree -> the boxes as they are written there, in pixels.

Boxes are those of <bndbox>.  An object without one has a rotated box (<robndbox> of roLabelImg) or a <polygon>,
and the upright box around that is taken.  So it is where an attribute says by how much the <bndbox> is rotated,
as CVAT writes it.
"""

from math import cos, inf, isfinite, radians, sin
from typing import NamedTuple

import numpy as np

from minissd.data.voc_xml import child_text, read_xml
from minissd.errors import MinissdError

CORNER_TAGS = ("xmin", "ymin", "xmax", "ymax")
AROUND = "rotated boxes and polygons, the upright boxes around them used"
UNSURE = "objects whose <difficult> is neither yes nor no, taken as not difficult"
YES, NO = ("1", "true", "yes", "y", "t"), ("", "0", "false", "no", "n", "f", "unspecified", "none")


class VocAnnotation(NamedTuple):
    """What one XML file says of G objects.  Boxes count pixels from 1 and include both corners."""

    size: tuple[float, float]  # width, height; (0, 0) where the file does not say
    names: list[str]  # G class names
    boxes: np.ndarray  # (G, 4) float64: xmin, ymin, xmax, ymax
    difficult: np.ndarray  # (G,) bool
    file_name: str = ""  # of the image, according to <filename>, without folders
    remarks: tuple[str, ...] = ()  # one for each object that there is something to say about


NO_OBJECTS = VocAnnotation((0, 0), [], np.zeros((0, 4)), np.zeros(0, bool))


def read_annotation(path):
    """The `VocAnnotation` in an XML file.  Raises MinissdError naming the file and what is wrong with it."""
    root = _read_root(path)
    objects = {f"annotation {path}, object {number}": one for number, one in enumerate(root.findall("object"), start=1)}
    if not objects and any(one.tag.lower().endswith("object") for one in root.iter()):
        raise MinissdError(f"{path} has no <object> right in its <annotation>, but deeper or by another name: move it")
    objects = {place: one for place, one in objects.items() if child_text(one, "deleted") != "1"}  # LabelMe keeps those
    remarks = []
    return VocAnnotation(
        size=_size(root),
        names=[_name(one, place) for place, one in objects.items()],
        boxes=np.reshape([_box(one, place, remarks) for place, one in objects.items()], (-1, 4)),
        difficult=np.array([_difficult(one, remarks) for one in objects.values()], dtype=bool),
        file_name=child_text(root, "filename").replace("\\", "/").rpartition("/")[2],
        remarks=tuple(remarks),
    )


def read_names(path):
    """The set of class names in an XML file, whatever else may be wrong with it: several times as fast as all of it."""
    return {child_text(one, "name") for one in _read_root(path).findall("object")} - {""}


def _read_root(path):
    root = read_xml(path)
    if root.tag != "annotation":
        raise MinissdError(f"{path} is no VOC annotation: its root is <{root.tag}>, expected <annotation>")
    return root


def _size(root):
    try:
        size = float(child_text(root, "size/width")), float(child_text(root, "size/height"))
    except ValueError:
        return 0, 0
    return size if all(map(isfinite, size)) else (0, 0)


def _name(element, place):
    name = child_text(element, "name")
    if not name:
        raise MinissdError(f"{place} has no <name>: give it its class")
    return name


def _difficult(element, remarks):
    word = child_text(element, "difficult").casefold()
    if word not in YES + NO:
        remarks.append(UNSURE)
    return word in YES


def _box(element, place, remarks):
    """xmin, ymin, xmax, ymax of one object, in VOC's pixels."""
    boxes = element.findall("bndbox")
    if len(boxes) > 1:
        raise MinissdError(f"{place} has {len(boxes)} boxes: make it one object for each <bndbox>")
    rotated, polygon = element.find("robndbox"), element.find("polygon")
    if boxes and (len(boxes[0]) or (rotated is None and polygon is None)):
        box = np.array(_numbers(boxes[0], CORNER_TAGS, place))
        angle = _rotation_attribute(element)
        if not angle:
            return box
        lower, upper = box[:2] - 1, box[2:]  # edges
        box = _around(*(lower + upper) / 2, *(upper - lower), radians(angle))
    elif rotated is not None:
        box = _around(*_numbers(rotated, ("cx", "cy", "w", "h", "angle"), place))
    elif polygon is not None and len(polygon):
        points = np.array(_points(polygon, place))
        box = [*(points.min(axis=0) + 1), *points.max(axis=0)]
    else:
        return _numbers(element, [f"bndbox/{tag}" for tag in CORNER_TAGS], place)  # which says what is missing
    remarks.append(AROUND)
    return box


def _around(center_x, center_y, width, height, angle):
    """The upright box around one that is turned by an angle in radians about its centre, in VOC's pixels."""
    half_width = (abs(width * cos(angle)) + abs(height * sin(angle))) / 2
    half_height = (abs(width * sin(angle)) + abs(height * cos(angle))) / 2
    return [
        *(center_x - half_width + 1, center_y - half_height + 1),  # the first pixel begins at edge 0
        *(center_x + half_width, center_y + half_height),
    ]


def _rotation_attribute(element):
    """Degrees by which CVAT's attributes say that a box is turned."""
    for attribute in element.findall("attributes/attribute"):
        if child_text(attribute, "name") == "rotation":
            try:
                return float(child_text(attribute, "value")) % 180
            except ValueError:
                return 0
    return 0


def _points(polygon, place):
    """The corners of a polygon: <pt><x/><y/></pt> of LabelMe, or <x1/><y1/><x2/><y2/> of Roboflow and others."""
    corners = polygon.findall("pt")
    if corners:
        return [_numbers(corner, ("x", "y"), place) for corner in corners]
    count = sum(child.tag[:1] == "x" for child in polygon)
    return [_numbers(polygon, (f"x{i}", f"y{i}"), place) for i in range(1, 1 + max(count, 1))]


def _numbers(element, tags, place):
    """The finite numbers in children of an element."""
    texts = [child_text(element, tag) for tag in tags]
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        numbers = [inf]
    if not all(map(isfinite, numbers)):
        tag = element.tag if element.tag != "object" else "bndbox"
        wanted = ", ".join(tag.rpartition("/")[2] for tag in tags)
        hint = ", with a point for a comma" if any("," in text for text in texts) else ""
        raise MinissdError(f"{place}: <{tag}> needs numbers for {wanted}, got {', '.join(texts)}: correct it{hint}")
    return numbers
