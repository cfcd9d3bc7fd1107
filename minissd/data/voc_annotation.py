"""One XML file of a VOC tree -> the boxes as they are written there, in pixels."""

from typing import NamedTuple

import numpy as np
from defusedxml import DefusedXmlException, ElementTree

from minissd.errors import MinissdError

CORNER_TAGS = ("xmin", "ymin", "xmax", "ymax")


class VocAnnotation(NamedTuple):
    """What one XML file says of G objects.  Boxes count pixels from 1 and include both corners."""

    size: tuple[int, int]  # width, height; (0, 0) where the file does not say
    names: list[str]  # G class names
    boxes: np.ndarray  # (G, 4) float64: xmin, ymin, xmax, ymax
    difficult: np.ndarray  # (G,) bool


def read_annotation(path):
    """The `VocAnnotation` in an XML file.

    Raises MinissdError naming the file if it is missing, empty, broken, no VOC annotation, or defines
    entities (a few lines of which can grow to gigabytes).
    """
    try:
        root = ElementTree.parse(path).getroot()
    except DefusedXmlException:
        raise MinissdError(f"annotation {path} defines XML entities, a danger: remove them") from None
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # the last two: a wrong encoding
        raise MinissdError(f"annotation {path} is no well-formed XML ({error}): repair it") from None
    except OSError as error:
        raise MinissdError(f"annotation {path} cannot be read ({error.strerror or error})") from None
    if root.tag != "annotation":
        raise MinissdError(f"{path} is no VOC annotation: its root is <{root.tag}>, expected <annotation>")
    objects = root.findall("object")
    places = [f"annotation {path}, object {number}" for number in range(1, 1 + len(objects))]
    return VocAnnotation(
        size=_size(root),
        names=[_name(one, place) for one, place in zip(objects, places, strict=True)],
        boxes=np.reshape([_box(one, place) for one, place in zip(objects, places, strict=True)], (-1, 4)),
        difficult=np.array([_text(one, "difficult") == "1" for one in objects], dtype=bool),
    )


def _text(element, tag):
    """The text of a child on one line, "" if there is none.  (A child: <part>s have a <name> too.)"""
    return " ".join((element.findtext(tag) or "").split())


def _size(root):
    try:
        return int(_text(root, "size/width")), int(_text(root, "size/height"))
    except ValueError:
        return 0, 0


def _name(element, place):
    name = _text(element, "name")
    if not name:
        raise MinissdError(f"{place} has no <name>: give it its class")
    return name


def _box(element, place):
    texts = [_text(element, f"bndbox/{tag}") for tag in CORNER_TAGS]
    try:
        box = [float(text) for text in texts]
    except ValueError:
        box = [np.nan] * 4
    if not np.isfinite(box).all():
        tags = ", ".join(CORNER_TAGS)
        raise MinissdError(f"{place}: <bndbox> needs numbers for {tags}, got {', '.join(texts)}: correct it")
    return box
