"""The Penn-Fudan pedestrians as they are published -> a VOC tree.

Published are, for each ID,

    PNGImages/ID.png         the picture
    PedMasks/ID_mask.png     0 background, 1..n the n-th pedestrian
    Annotation/ID.txt        the boxes, in lines that begin `Bounding box for object`; pixels count from 1

and the tree has, beside pictures, boxes and lists, the masks in SegmentationObject/ID.png as they are and in
SegmentationClass/ID.png with 1 for every person.  No split is published: 12 of 17 images are `train`, drawn
with a fixed seed, the others `val`.
"""

import os
import random
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from minissd.errors import MinissdError

_SIZE = re.compile(r"^Image size \(X x Y x C\) : (\d+) x (\d+) x \d+", re.MULTILINE)
_BOX = re.compile(
    r"^Bounding box for object \d+ .*\(Xmin, Ymin\) - \(Xmax, Ymax\) : \((\d+), (\d+)\) - \((\d+), (\d+)\)",
    re.MULTILINE,
)
_TAGS = ("xmin", "ymin", "xmax", "ymax")
_CLASS = "person"
_SEED = 0
# VOC's colour of number n, for all 256 (PNG keeps no numbers beyond its palette): from the lowest bit on, three bits
# of n go into red, green and blue, the first three into their highest bit, the next three into the one below.
_COLOURS = [sum((n >> 3 * k + channel & 1) << 7 - k for k in range(3)) for n in range(256) for channel in range(3)]


def to_voc_tree(source, target):
    """Makes the VOC tree `target` out of the unpacked folder `source`; pictures are moved, not copied.

    Raises MinissdError naming the file if a part is missing or is not as published.
    """
    source, target = Path(source), Path(target)
    texts = sorted((source / "Annotation").glob("*.txt"))
    if not texts:
        raise MinissdError(f"{source} is not the Penn-Fudan set: there is no Annotation/ID.txt")
    parts = ("JPEGImages", "Annotations", "SegmentationObject", "SegmentationClass")
    for part in (*parts, "ImageSets/Main", "ImageSets/Segmentation"):
        (target / part).mkdir(parents=True)
    for text in texts:
        size, boxes = _read_text(text)
        picture, mask = source / "PNGImages" / f"{text.stem}.png", source / "PedMasks" / f"{text.stem}_mask.png"
        for path in (picture, mask):
            if not path.is_file():
                raise MinissdError(f"{text} belongs to {path.name}, which is not there: fetch the set again")
        _write_xml(target / "Annotations" / f"{text.stem}.xml", size, boxes)
        _write_masks(mask, target, text.stem)
        os.replace(picture, target / "JPEGImages" / f"{text.stem}.png")
    _write_lists(target / "ImageSets", [text.stem for text in texts])


def _read_text(path):
    """(width, height) and the boxes of an annotation, each four numbers in the order of _TAGS."""
    text = path.read_text(encoding="latin-1")
    size, boxes = _SIZE.search(text), _BOX.findall(text)
    if size is None or not boxes:
        raise MinissdError(f"{path} is no Penn-Fudan annotation: it gives no image size or no bounding box")
    return size.groups(), boxes


def _write_xml(path, size, boxes):
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "filename").text = f"{path.stem}.png"
    _children(ElementTree.SubElement(root, "size"), zip(("width", "height", "depth"), (*size, "3"), strict=True))
    ElementTree.SubElement(root, "segmented").text = "1"
    for box in boxes:
        person = ElementTree.SubElement(root, "object")
        _children(person, [("name", _CLASS), ("difficult", "0")])
        _children(ElementTree.SubElement(person, "bndbox"), zip(_TAGS, box, strict=True))
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8")


def _children(element, texts):
    for tag, text in texts:
        ElementTree.SubElement(element, tag).text = text


def _write_masks(path, target, stem):
    """The mask as it is, and with all persons alike; both as palette images in the colours of VOC."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            numbers = np.asarray(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise MinissdError(f"mask {path} cannot be read ({error}): fetch the set again") from None
    for part, pixels in (("SegmentationObject", numbers), ("SegmentationClass", numbers > 0)):
        picture = Image.fromarray(pixels.astype(np.uint8))
        picture.putpalette(_COLOURS)
        picture.save(target / part / f"{stem}.png")


def _write_lists(folder, ids):
    shuffled = list(ids)
    random.Random(_SEED).shuffle(shuffled)
    cut = len(ids) * 12 // 17
    lists = {"train": shuffled[:cut], "val": shuffled[cut:], "trainval": ids}
    for name, chosen in lists.items():
        for part in ("Main", "Segmentation"):
            (folder / part / f"{name}.txt").write_text("".join(f"{one}\n" for one in sorted(chosen)))
