"""What every detector does beside learning: from pictures of any kind and size to boxes in pixels, with names."""

from collections.abc import Mapping
from itertools import islice
from numbers import Integral
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from minissd.data.pictures import is_one_picture, open_picture, pictures_in
from minissd.detection import Detections
from minissd.device import to_device
from minissd.metrics.thresholds import USUAL_THRESHOLD
from minissd.models.network import Network


class Predictions(NamedTuple):
    """What was found in one picture, best first."""

    boxes: np.ndarray  # (K, 4) float64: x_min, y_min, x_max, y_max in pixels from the upper left corner
    names: list[str]  # K classes
    scores: np.ndarray  # (K,) 0..1


class Detector(Network):
    """A network that finds boxes; its `detect` takes images of its own size and answers in parts of the image.

    thresholds: the score from which on detections of a class are best shown, {class: 0..1}; training sets it at every
    validation, and checkpoints keep it.  Classes that are not in it have `USUAL_THRESHOLD`.
    """

    task = "detect"
    thresholds: Mapping[str, float] = MappingProxyType({})

    def predict(self, images: Any, *, score: float | None = None, batch_size: int = 8) -> Any:
        """Find objects in pictures as they are: `Predictions` for one picture, a list of them for several.

        images: the path of an image file, a Pillow image, or a uint8 array (H, W, 3) RGB of any size (grey and with
        alpha as well); or a list of these, a generator, or an array (N, H, W, C).  Turned as EXIF says, boxes as well.
        score: only what scores higher is kept, None: higher than the threshold of its class; batch_size: pictures at a
        time, no more of which are in memory.

        Raises MinissdError, one line that names the file, for a file that is missing or cannot be read.
        """
        if is_one_picture(images):
            return self.predict([images], score=score)[0]
        if score is not None and not 0 <= score <= 1:
            raise ValueError(f"score must be in 0..1, got {score}")
        if not isinstance(batch_size, Integral) or batch_size < 1:
            raise ValueError(f"batch_size must be a whole number from 1 on, got {batch_size}")
        images, found = pictures_in(images), []
        with self.inference():
            while batch := [self.seen(image) for image in islice(images, batch_size)]:
                pixels, sizes = zip(*batch, strict=True)
                detections = self.detect_clear(to_device(np.stack(pixels), self.device), score)
                found += map(self.named, detections, sizes)
        return found

    def detect(self, images: Any, **options: Any) -> list[Detections]:
        """images as for `forward` -> a list of N Detections(corners, labels, scores), in host memory, best first."""
        raise NotImplementedError(f"{self._kind} has no detect: define detect(self, images, **options)")

    def detect_clear(self, images: Any, score: float | None = None) -> list[Detections]:
        """What `detect` finds that scores higher than `score`, or with None than the threshold of its class."""
        least = self.least_scores if score is None else np.full(len(self.classes), score)  # (C,)
        found = self.detect(images, score_threshold=float(least.min()))
        clear = (one.scores > least[one.labels] for one in found)
        return [Detections(*(part[those] for part in one)) for one, those in zip(found, clear, strict=True)]

    @property
    def least_scores(self) -> np.ndarray:
        """(C,) the threshold of each class."""
        return np.array([self.thresholds.get(name, USUAL_THRESHOLD) for name in self.classes])

    def seen(self, source: Any) -> tuple[np.ndarray, tuple[int, int]]:
        """A picture of any kind as the network sees it, (S, S, 3) uint8, and its own (width, height)."""
        # decoding at a part of the size averages as well
        at_least: dict[str, Any] = {} if self.resize == "antialiased" else {"at_least": None}
        picture = open_picture(source, **at_least)
        return self.resized(picture.pixels), picture.size

    def named(self, detections: Detections, size: tuple[int, int]) -> Predictions:
        """`Detections` in a picture of `size` (width, height) as `Predictions`."""
        boxes = np.clip(detections.corners, 0, 1).astype(np.float64) * np.array([*size, *size])
        return Predictions(boxes, [self.classes[label] for label in detections.labels], detections.scores)
