"""The YOLO loss and its gradient (Redmon et al. 2016, equation 3).  All errors are squared.

    L = ( 5  sum over responsible predictors of (x - x^)^2 + (y - y^)^2                       center
        + 5  sum over responsible predictors of (sqrt w - sqrt w^)^2 + (sqrt h - sqrt h^)^2   size
        +    sum over responsible predictors of (C - C^)^2                                    object
        + .5 sum over all other predictors of C^2                                             empty
        +    sum over cells with an object, and over classes, of (p(c) - p^(c))^2             class
        ) / N

The roots make a small deviation matter less in a large box.  The sums run over S^2 cells and B predictors, from 0 to
S^2 - 1 and to B - 1.

Which of the B predictors of a cell is responsible for its object is decided by what they predict: the one whose box
has the highest IoU with the object.  With anchors it is decided beforehand, in the labels, as in
the second version (Redmon and Farhadi 2017).  The confidence that a responsible predictor should have is the IoU of
its box.

Predictions are laid out as in yolo_cells.py, whose symbols hold here too: the network outputs sqrt(w) and sqrt(h).
Nothing here waits for the device: masks go into `where`, never into an index.
"""

from typing import Any, NamedTuple

from minissd.arguments import factor_of, labels_below, module_of, nan_if, target_of
from minissd.detection.boxes import iou, to_corners
from minissd.detection.yolo_cells import decode_sizes
from minissd.device import Array, array_module

LAMBDA_COORD, LAMBDA_NOOBJ = 5.0, 0.5


class Assignment(NamedTuple):
    """Who answers for the objects."""

    responsible: Array  # (N, S, S, B) bool
    overlap: Array  # (N, S, S, B): IoU of each predicted box with the object of its cell; anything where there is none


class YoloCache(NamedTuple):
    """The five terms, which add up to the loss, and the errors that are squared in them: 0 where not counted."""

    center: Array  # 0-d each
    size: Array
    object: Array
    empty: Array
    classes: Array
    box_error: Array  # (N, S, S, B, 4)
    object_error: Array  # (N, S, S, B)
    empty_error: Array  # (N, S, S, B)
    class_error: Array  # (N, S, S, A, C)
    images: int  # N of the whole batch


def assign_predictors(
    boxes: Array, class_targets: Array, box_targets: Array, anchors: Array | None = None
) -> Assignment:
    """The Assignment for predictions boxes (N, S, S, B, 5); targets as `encode_cells` makes them, stacked.

    Of equal overlaps, all 0 perhaps, the first counts as the highest.
    """
    xp = array_module(boxes, class_targets, box_targets)
    side = boxes.shape[1]
    sizes = decode_sizes(boxes[..., 2:4], anchors)
    predicted = xp.concatenate([boxes[..., :2] / side, sizes], axis=-1)  # centers, from the corner of the cell
    wanted = xp.concatenate([box_targets[..., :2] / side, box_targets[..., 2:]], axis=-1)
    overlap = iou(to_corners(predicted)[..., None, :], to_corners(wanted)[..., None, :])[..., 0, 0]  # (N, S, S, B)
    present = class_targets > 0  # (N, S, S, A)
    if anchors is not None:
        return Assignment(present, overlap)
    best = overlap.argmax(axis=-1)[..., None]  # (N, S, S, 1)
    return Assignment(present & (xp.arange(boxes.shape[3]) == best), overlap)


def yolo_loss(
    boxes: Array,
    classes: Array,
    class_targets: Array,
    box_targets: Array,
    anchors: Array | None = None,
    *,
    images: int | None = None,
    assignment: Assignment | None = None,
) -> tuple[Any, YoloCache]:
    """The YOLO loss of a batch.

    boxes (N, S, S, B, 5); classes (N, S, S, A, C); class_targets (N, S, S, A) and box_targets (N, S, S, A, 4) as
    `encode_cells` makes them; anchors None (A = 1) or (B, 2) (A = B).  images: N, where these are a part of a larger
    batch; the losses of all parts then add up to the loss of the batch.  assignment: in place of the one that the
    predictions lead to.  Returns (loss, cache): loss a 0-d array, its terms in the cache.
    """
    xp = array_module(boxes, classes, class_targets, box_targets, anchors)
    module_of("yolo_loss", boxes=boxes, classes=classes)
    _check_shapes(boxes, classes, class_targets, box_targets, anchors)
    class_targets, wrong = labels_below("yolo_loss", class_targets, classes.shape[-1] + 1)
    box_targets = target_of("yolo_loss", box_targets, boxes)
    anchors = None if anchors is None else target_of("yolo_loss", anchors, boxes)
    images = images or max(len(boxes), 1)
    responsible, overlap = assignment or assign_predictors(boxes, class_targets, box_targets, anchors)
    present = class_targets > 0  # (N, S, S, A)
    roots = xp.sqrt(box_targets[..., 2:] if anchors is None else box_targets[..., 2:] / anchors)
    wanted = xp.concatenate([box_targets[..., :2], roots], axis=-1)  # (N, S, S, A, 4)
    one_hot = class_targets[..., None] == xp.arange(1, classes.shape[-1] + 1)  # (N, S, S, A, C)
    confidence = boxes[..., 4]

    box_error = xp.where(responsible[..., None], boxes[..., :4] - wanted, 0)
    object_error = xp.where(responsible, confidence - overlap, 0)
    empty_error = xp.where(responsible, 0, confidence)
    class_error = nan_if(wrong, xp.where(present[..., None], classes - one_hot, 0))
    cache = YoloCache(
        center=_sum_of_squares(box_error[..., :2]) * (LAMBDA_COORD / images),
        size=_sum_of_squares(box_error[..., 2:]) * (LAMBDA_COORD / images),
        object=_sum_of_squares(object_error) * (1 / images),
        empty=_sum_of_squares(empty_error) * (LAMBDA_NOOBJ / images),
        classes=_sum_of_squares(class_error) * (1 / images),
        box_error=box_error,
        object_error=object_error,
        empty_error=empty_error,
        class_error=class_error,
        images=images,
    )
    return cache.center + cache.size + cache.object + cache.empty + cache.classes, cache


def yolo_loss_backward(cache: YoloCache, dloss: float = 1) -> tuple[Array, Array]:
    """Gradients of `yolo_loss`: d_boxes (N, S, S, B, 5), d_classes (N, S, S, A, C).

    The assignment is held fixed.  Who is responsible is piecewise constant in the predictions.  The IoU is not, but it
    is what the confidence shall say, a target: a gradient through it would move the box until its overlap is as low
    as the confidence says.
    """
    xp = array_module(cache.box_error)
    scale = 2 * factor_of("yolo_loss", dloss) / cache.images
    # (1) and (2): 2 * 5 (x - x^) / N, likewise y and the roots; 0 for predictors that are not responsible
    d_box = cache.box_error * (scale * LAMBDA_COORD)
    # (3) and (4): 2 (C - IoU) / N for responsible predictors, 2 * .5 C / N for all others
    d_confidence = (cache.object_error + LAMBDA_NOOBJ * cache.empty_error) * scale
    # (5): 2 (p(c) - p^(c)) / N in cells with an object
    d_classes = cache.class_error * scale
    return xp.concatenate([d_box, d_confidence[..., None]], axis=-1), d_classes


def _sum_of_squares(error):
    return (error * error).sum()


def _check_shapes(boxes, classes, class_targets, box_targets, anchors):
    n, side, _, predictors, _ = boxes.shape if boxes.ndim == 5 else (None,) * 5
    answers = (n, side, side, 1 if anchors is None else predictors)
    right = boxes.shape == (n, side, side, predictors, 5) and classes.shape[:-1] == class_targets.shape == answers
    if not right or box_targets.shape != (*answers, 4) or (anchors is not None and anchors.shape != (predictors, 2)):
        shapes = f"{boxes.shape}, {classes.shape}, {class_targets.shape} and {box_targets.shape}"
        raise ValueError(
            "yolo_loss needs boxes (N, S, S, B, 5), classes (N, S, S, A, C), class_targets (N, S, S, A) and "
            f"box_targets (N, S, S, A, 4), where A is 1, or B with anchors (B, 2); got {shapes}"
        )
