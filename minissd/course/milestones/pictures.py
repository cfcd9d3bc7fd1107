"""48-pixel pictures as the detectors read them, and their detections drawn."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from minissd.data.augmentation import MEAN_COLOR
from minissd.data.samples import Sample
from minissd.detection import Detections
from minissd.device import Array
from minissd.viz.boxes import annotated_image, detection_sheet, side_by_side

SURE = 0.4  # the score from which on a detection is drawn


def cells(pictures: Sequence[Array]) -> Array:
    """(N, H/2, W/2, 12): the four pixels of each cell side by side, as numbers around 0.

    Nothing is lost, and a loop over places has a quarter of the way to go.
    """
    x = (np.array(pictures, float) - MEAN_COLOR) / 64
    n, height, width, _ = x.shape
    x = x.reshape(n, height // 2, 2, width // 2, 2, 3).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(n, height // 2, width // 2, 12)


def sheet(samples: Sequence[Sample], found: Sequence[Detections], classes: Sequence[str]) -> Image.Image:
    """The first twelve pictures with what was found."""
    panels = []
    for sample, (corners, labels, scores) in list(zip(samples, found, strict=True))[:12]:
        large = Image.fromarray(sample.image).resize((240, 240), Image.Resampling.NEAREST)
        sure = scores > SURE
        panels.append(
            annotated_image(np.asarray(large), Detections(corners[sure], labels[sure], scores[sure]), classes)
        )
    rows = [panels[start : start + 4] for start in range(0, len(panels), 4)]
    return detection_sheet([side_by_side([(panel, "") for panel in row]) for row in rows])
