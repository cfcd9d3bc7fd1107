"""The Single Shot MultiBox Detector: a trunk of stages, and on the map each stage ends with, a small head.

N batch, S input size, H W a map's size, k default boxes in each of its cells, C classes (0 = background inside),
P default boxes on all maps together (Liu et al. 2016, SSD, section 2.1).

    images -> stage 0 -> stage 1 -> ... -> stage L-1
                 |          |                 |
              head 0     head 1           head L-1      each: offsets (N, H*W*k, 4), logits (N, H*W*k, C+1)

A map is read twice, by its head and by the next stage, so in the backward pass two gradients meet there and add up.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minissd.arguments import as_gradient
from minissd.detection import (
    NEGATIVES,
    DefaultBoxSpec,
    Detections,
    default_boxes,
    detections_from,
    match,
    match_count,
    multibox_loss,
    multibox_loss_backward,
)
from minissd.device import Array, array_module, to_device
from minissd.engine.cpu.threads import elementwise
from minissd.errors import MinissdError
from minissd.layers import Layer, Sequential, prefixed
from minissd.models.detector import Detector
from minissd.models.heads import Head
from minissd.models.lite_heads import LiteHead

OWN = "own"  # the default boxes of a network of ours, which shapes may replace; published networks keep theirs
FIT = "fit"  # shapes fitted to the objects of the training images, computed once these are known
Shapes = Sequence[Sequence[Sequence[float]]]  # for each map (w, h) of the boxes of one cell, in sides of the image


class Usage(NamedTuple):
    """What is done before and after the network: how images are resized to it, and how detections are chosen."""

    resize: str = "antialiased"  # a name in minissd.data.view.RESIZES
    # as for `detections_from`, unless `detect` is told otherwise
    clip_first: bool = True
    score_threshold: float = 0.01
    iou_threshold: float = 0.45
    candidates: int = 400
    limit: int = 200


class SSD(Detector):
    """Stages and heads wired together.

    stages: dict name -> Sequential; the trunk in pieces, each ending with a map to detect on.
    heads: one Layer a stage.  box_sets: dict name -> DefaultBoxSpec, one map a stage; boxes: those to start with, as
    `set_boxes` takes them.
    usages: dict name -> Usage, for the box sets whose Usage differs from the default.  reading: as for `Network`.
    """

    loss_settings = ("negatives",)

    def __init__(
        self,
        name: str,
        classes: Sequence[str],
        *,
        stages: dict[str, Sequential],
        heads: Sequence[Head | LiteHead],
        box_sets: dict[str, DefaultBoxSpec],
        boxes: str | Shapes,
        usages: dict[str, Usage] | None = None,
        **reading: Any,
    ):
        super().__init__(name, classes, **reading)
        self.stages, self.heads, self.box_sets, self.usages = stages, heads, box_sets, usages or {}
        self.spec = box_set(name, box_sets, boxes)
        self.set_boxes(boxes)
        self.adopt(**stages, **{f"head{i}": head for i, head in enumerate(heads)})

    def set_boxes(self, boxes: str | Shapes | DefaultBoxSpec) -> None:
        """Correct other default boxes from now on, as many in each cell as before, with the Usage that goes with them.

        boxes: a key of `box_sets`; or where "own" is one, shapes for its maps, as `fit_boxes(model.spec, objects)` has
        them.  Raises MinissdError for others.
        """
        boxes = boxes.shapes if isinstance(boxes, DefaultBoxSpec) else boxes
        spec = box_set(self.name, self.box_sets, boxes)
        if spec.boxes_per_cell != self.spec.boxes_per_cell:
            raise MinissdError(
                f"the heads of this {self.name} are for {self.spec.boxes_per_cell} default boxes in the cells of the "
                f"maps, not for {spec.boxes_per_cell}: build it with these boxes"
            )
        self.spec = spec
        self.boxes = boxes if isinstance(boxes, str) else spec.shapes  # as JSON has them
        self.usage = self.usages.get(boxes, Usage()) if isinstance(boxes, str) else Usage()
        self.resize = self.usage.resize
        self._host_boxes = default_boxes(self.spec).astype(self.dtype)
        self.default_boxes = to_device(self._host_boxes, self.device)  # (P, 4) centers
        if "boxes" in self.options:
            self.options["boxes"] = self.boxes

    def knows(self, boxes: Any) -> bool:
        """Whether `set_boxes` accepts these."""
        try:
            return box_set(self.name, self.box_sets, boxes).boxes_per_cell == self.spec.boxes_per_cell
        except (MinissdError, ValueError, TypeError):
            return False

    @property
    def trunk(self) -> tuple[str, ...]:
        return tuple(name for name in self.stages if not name.startswith("extra"))

    def class_of_outputs(self, name: str, classes: int, outputs: int) -> np.ndarray | None:
        boxes, rest = divmod(outputs, classes + 1)  # of a cell; the background comes first
        scores = re.fullmatch(r"head\d+\.logits(\.outputs)?\.[wb]", name)  # the other layers of a head know no classes
        return np.tile(np.arange(-1, classes), boxes) if scores and not rest else None

    def path(self) -> tuple[Sequential, ...]:
        return tuple(self.stages.values())

    @property
    def predicts(self) -> str:
        return f"{len(self.default_boxes):,} default boxes"

    def forward(self, images: Any, train: bool = False, rng: np.random.Generator | None = None) -> tuple[Any, Any]:
        """images (N, S, S, 3), uint8 RGB or normalised -> (offsets (N, P, 4), logits (N, P, C+1)), caches."""
        x = self.normalize(images)
        outputs, caches = [], []
        for stage, head in zip(self.stages.values(), self.heads, strict=True):
            x, stage_cache = stage.forward(x, train, rng)
            output, head_cache = head.forward(x, train, rng)
            outputs.append(output)
            caches.append((stage_cache, head_cache))
        return join(outputs), caches

    def inferring(self) -> tuple[Layer, ...]:
        return *self.stages.values(), *self.heads

    def infer(self, images: Any) -> Any:
        x = self.normalize(images)
        outputs = []
        for stage, head in zip(self.stages.values(), self.heads, strict=True):
            x = stage.infer(x)
            outputs.append(head.infer(x))
        return join(outputs)

    def backward(
        self, dy: Any, caches: Any, need_dx: bool = True, *, spend: bool = False
    ) -> tuple[Any, dict[str, Any]]:
        """dy = (d_offsets (N, P, 4), d_logits (N, P, C+1)) -> d_images (N, S, S, 3) or None, grads.

        spend: as for `Sequential`.
        """
        of_boxes = *dy[0].shape[:1], len(self.default_boxes)  # (N, P)
        d_offsets, d_logits = (
            as_gradient(self.name, part, (*of_boxes, size), self.dtype)
            for part, size in zip(dy, (4, len(self.classes) + 1), strict=True)
        )
        xp, caches = array_module(d_offsets), caches if spend else list(caches)
        grads: dict[str, Array] = {}
        d_map, stages = None, self.path()  # d_map: what flows back along the trunk
        for i, (name, stage) in reversed(list(enumerate(self.stages.items()))):
            stage_cache, head_cache = caches.pop()
            part = self.spec.slices[i]  # the boxes of this map
            d_parts, goes_on = (d_offsets[:, part], d_logits[:, part]), need_dx or not stage.frozen
            d_head, head_grads = self.heads[i].backward(d_parts, head_cache, need_dx=goes_on)
            grads |= prefixed(f"head{i}", head_grads)
            if goes_on:
                # the map fed its head and the next stage
                d_map = d_head if d_map is None else elementwise(xp.add, d_map, d_head, in_place=True)
                below = need_dx or (i > 0 and not stages[i - 1].frozen)
                d_map, stage_grads = stage.backward(d_map, stage_cache, need_dx=below, spend=spend)
                grads |= prefixed(name, stage_grads)
        return d_map, grads

    def trace(
        self, images: Any, train: bool = False, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[str, Array]]:
        x = self.normalize(images)
        for i, (name, stage) in enumerate(self.stages.items()):
            for layer_name, y in stage.trace(x, train, rng):
                yield f"{name}.{layer_name}", y
            x = y
            for layer_name, output in self.heads[i].trace(x, train, rng):
                yield f"head{i}.{layer_name}", output

    def detect(self, images: Any, **options: Any) -> list[Detections]:
        """images as for `forward` -> a list of N Detections(corners, labels, scores), in host memory, best first.

        options: what `minissd.detection.detections_from` takes (score_threshold, iou_threshold, limit), in place of
        those of `usage`.
        """
        offsets, logits = self.infer(images)
        choosing = {name: value for name, value in self.usage._asdict().items() if name != "resize"} | options
        return detections_from(offsets, logits, self.default_boxes, **choosing)

    def targets(self, corners: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Training targets of the default boxes for objects corners (G, 4), labels (G,): class and offset targets."""
        return match(corners, labels, self._host_boxes)

    def loss_size(self, class_targets: Array, offset_targets: Array, negatives: str = "paper") -> int:
        return int(match_count(class_targets, NEGATIVES[negatives]))

    def loss(
        self, outputs: Any, targets: Any, size: int | None = None, negatives: str = "paper"
    ) -> tuple[dict[str, Any], Any]:
        """The multibox loss and its parts; outputs of `forward`, targets as `targets` makes them, stacked.

        negatives: the rule by which background boxes count, a name in `minissd.detection.NEGATIVES`.
        """
        (offsets, logits), (class_targets, offset_targets) = outputs, targets
        counted = NEGATIVES[negatives]
        loss, cache = multibox_loss(offsets, logits, offset_targets, class_targets, matched=size, if_none=counted)
        return {"loss": loss, "confidence": cache.confidence, "localization": cache.localization}, cache

    def loss_backward(self, cache: Any) -> Any:
        return multibox_loss_backward(cache)


def box_set(name: str, box_sets: dict[str, DefaultBoxSpec], boxes: str | Shapes) -> DefaultBoxSpec:
    """The default boxes that the option `boxes` of the network `name` means: a key of `box_sets`, or shapes for "own".

    Raises MinissdError for what is neither.
    """
    if isinstance(boxes, str) and boxes in box_sets:
        return box_sets[boxes]
    if not isinstance(boxes, str) and OWN in box_sets:
        return box_sets[OWN].with_shapes(boxes)
    asked = repr(boxes) if isinstance(boxes, str) else "of these shapes"
    hint = ", or give shapes, as fit_boxes makes them" if OWN in box_sets else ""
    raise MinissdError(f"boxes {asked} are not known to {name}: choose one of {', '.join(box_sets)}{hint}")


def join(outputs: Sequence[tuple[Array, Array]]) -> tuple[Array, ...]:
    """[(offsets, logits)] of all maps, one after the other on the axis of boxes -> (offsets, logits)."""
    xp = array_module(outputs[0][0])
    return tuple(xp.concatenate(parts, axis=1) for parts in zip(*outputs, strict=True))
