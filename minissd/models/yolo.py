"""You Only Look Once: one network from the image to what S x S cells say (Redmon et al. 2016).

N batch, S cells a side, B predictors in a cell, C classes; A sets of class scores in a cell: 1, or B with anchors.

    images -> body -> (N, S, S, 5 B + A C)  =  boxes (N, S, S, B, 5)  and  classes (N, S, S, A, C)

What the numbers mean is in minissd.detection.yolo_cells.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minissd.arguments import as_gradient
from minissd.detection import Detections, cell_detections, encode_cells, yolo_loss, yolo_loss_backward
from minissd.device import Array, array_module, to_device
from minissd.layers import Initializer, Layer, Sequential
from minissd.models.detector import Detector


class YOLO(Detector):
    """layers: dict name -> Layer, whose last output has S * S * (5 B + A C) numbers an image, cell by cell.

    side: S; predictors: B; anchors: None or B pairs (w, h) relative to the image; reading: as for `Network`.
    """

    def __init__(
        self,
        name: str,
        classes: Sequence[str],
        *,
        layers: dict[str, Layer],
        side: int,
        predictors: int,
        anchors: Sequence[tuple[float, float]] | None = None,
        init: Initializer,
        **reading: Any,
    ):
        super().__init__(name, classes, init=init, **reading)
        self.side, self.predictors = side, predictors
        self.host_anchors = None if anchors is None else np.array(anchors, dtype=init.dtype)  # (B, 2)
        self.anchors = None if self.host_anchors is None else to_device(self.host_anchors, init.device)
        self.body = Sequential(**layers)
        self.adopt(**layers)

    @property
    def predicts(self) -> str:
        boxes = "boxes" if self.anchors is None else "anchor boxes"
        return f"{self.side}x{self.side} cells with {self.predictors} {boxes} each"

    def forward(self, images: Any, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Any, Any]:
        """images (N, size, size, 3), uint8 RGB or normalised -> (boxes, classes) as above, cache."""
        y, cache = self.body.forward(self.normalize(images), train, rng)
        return self._split(y), (y.shape, cache)

    @property
    def trunk(self) -> tuple[str, ...]:
        return tuple(name for name in self.children if name.startswith(("stage", "conv")))

    def class_of_outputs(self, name: str, classes: int, outputs: int) -> np.ndarray | None:
        answers = 1 if self.anchors is None else self.predictors  # A
        of_cell = np.concatenate([np.full(5 * self.predictors, -1), np.tile(np.arange(classes), answers)])
        cells, rest = divmod(outputs, len(of_cell))
        last = list(self.children)[-1]
        return np.tile(of_cell, cells) if name.startswith(f"{last}.") and not rest else None

    def path(self) -> tuple[Sequential, ...]:
        return (self.body,)

    def inferring(self) -> tuple[Layer, ...]:
        return (self.body,)

    def infer(self, images: Any) -> Any:
        return self._split(self.body.infer(self.normalize(images)))

    def _split(self, y):
        """The last layer's output (N, S*S*(5 B + A C)) or (N, S, S, 5 B + A C) -> (boxes, classes)."""
        cells = y.reshape(len(y), self.side, self.side, -1)  # (N, S, S, 5 B + A C)
        boxes, classes = cells[..., : 5 * self.predictors], cells[..., 5 * self.predictors :]
        return (
            boxes.reshape(*cells.shape[:3], self.predictors, 5),
            classes.reshape(*cells.shape[:3], -1, len(self.classes)),
        )

    def backward(self, dy: Any, cache: Any, need_dx: bool = True, *, spend: bool = False) -> tuple[Any, dict[str, Any]]:
        """dy = (d_boxes (N, S, S, B, 5), d_classes (N, S, S, A, C)) -> d_images or None, grads."""
        xp = array_module(*dy)
        shape, cache = cache
        cells = shape[0], self.side, self.side
        answers = 1 if self.anchors is None else self.predictors  # A
        sizes = (self.predictors, 5), (answers, len(self.classes))
        parts = [
            as_gradient(self.name, part, (*cells, *size), self.dtype) for part, size in zip(dy, sizes, strict=True)
        ]
        d_cells = xp.concatenate([part.reshape(*cells, -1) for part in parts], axis=-1)
        return self.body.backward(d_cells.reshape(shape), cache, need_dx, spend=spend)

    def trace(
        self, images: Any, train: bool = False, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[str, Array]]:
        yield from self.body.trace(self.normalize(images), train, rng)

    def detect(self, images: Any, **options: Any) -> list[Detections]:
        """images as for `forward` -> a list of N Detections(corners, labels, scores), in host memory, best first.

        options: what `minissd.detection.cell_detections` takes (score_threshold, iou_threshold, limit).
        """
        boxes, classes = self.infer(images)
        return cell_detections(boxes, classes, self.anchors, **options)

    def targets(self, corners: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the cells should say of objects corners (G, 4), labels (G,) -> class and box targets, on the host."""
        return encode_cells(corners, labels, self.side, self.host_anchors, self.dtype)

    def loss_size(self, class_targets: Array, box_targets: Array) -> int:
        return len(class_targets)

    def loss(self, outputs: Any, targets: Any, size: int | None = None) -> tuple[dict[str, Any], Any]:
        """The YOLO loss and its five terms; outputs of `forward`, targets as `targets` makes them, stacked."""
        (boxes, classes), (class_targets, box_targets) = outputs, targets
        loss, cache = yolo_loss(boxes, classes, class_targets, box_targets, self.anchors, images=size)
        terms = {"center": cache.center, "size": cache.size, "object": cache.object, "empty": cache.empty}
        return {"loss": loss, **terms, "class": cache.classes}, cache

    def loss_backward(self, cache: Any) -> Any:
        return yolo_loss_backward(cache)
