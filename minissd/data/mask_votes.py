"""Which number in masks is which class, by the boxes that lie around the same objects.

Programs number the classes of masks in an order of their own, and where no file says which, only objects that have
a box as well can tell.  Each box votes for the number that fills most of it.
"""

from collections import Counter, defaultdict

import numpy as np

from minissd.data.images import read_mask
from minissd.data.voc_annotation import read_annotation
from minissd.errors import MinissdError
from minissd.metrics.segmentation import VOID

LOOKED_AT = 100  # masks that have an annotation
CLEAR = 0.8  # the share of its votes from which a class has a number


def order_by_boxes(names, masks, xmls):
    """The names in the order of their numbers 1, 2, ... as the boxes tell, or None if they do not tell it of all.

    names: of the classes; masks, xmls: id -> path.
    """
    votes = defaultdict(Counter)  # name -> how often each number
    for image_id in sorted(masks.keys() & xmls.keys())[:LOOKED_AT]:
        try:
            numbers, _ = read_mask(masks[image_id])
            annotation = read_annotation(xmls[image_id])
        except MinissdError:
            continue  # whoever opens the split it belongs to will hear of it
        for name, box in zip(annotation.names, annotation.boxes):
            number = _filling(numbers, box)
            if number:
                votes[name][number] += 1
    numbers = {}
    for name in names:
        number, times = votes[name].most_common(1)[0] if votes[name] else (0, 0)
        if not times or times < CLEAR * votes[name].total():
            return None
        numbers[name] = number
    order = sorted(names, key=numbers.get)
    return order if [numbers[name] for name in order] == list(range(1, len(names) + 1)) else None


def _filling(numbers, box):
    """The number of most pixels in a box that are of some class; 0 if there are none, or no numbers."""
    if numbers is None:
        return 0
    x_min, y_min, x_max, y_max = np.clip(box, 0, max(numbers.shape)).astype(int)
    inside = numbers[max(y_min - 1, 0) : y_max, max(x_min - 1, 0) : x_max]
    counts = np.bincount(inside[(inside > 0) & (inside < VOID)].ravel(), minlength=1)
    return int(counts.argmax())
