"""What holds for the figures of a detector: precision and recall, average precision, hits, and Bayes' rule."""

import numpy as np
from hypothesis import strategies as st

from minissd import naive
from minissd.detection import average_precision, iou, judge, precision_recall_curves
from minissd.properties.box_sets import corners
from minissd.properties.core import Property, equals, require_equal

# ---- precision and recall --------------------------------------------------------------------------------------------


@st.composite
def _verdicts(draw):
    hits = draw(st.lists(st.booleans(), max_size=6))
    return {"hits": np.array(hits, bool), "objects": draw(st.integers(sum(hits), 6))}


def _counted(hits, objects):
    """One detection after the other."""
    precision, recall, found = [], [], 0
    for rank, hit in enumerate(hits, 1):
        found += bool(hit)
        precision.append(found / rank)
        recall.append(found / objects if objects else 0.0)
    return np.array(precision), np.array(recall)


def precision_and_recall(hits, objects):
    """The library's own, of one image in which nothing but these detections and objects is."""
    side = np.arange(len(hits) + objects)[:, None] * 2.0
    boxes = np.concatenate([side, 0 * side, side + 1, 0 * side + 1], axis=1)  # apart from each other
    detected = np.flatnonzero(hits).tolist()
    places = [detected.index(k) if hit else objects + k for k, hit in enumerate(hits)]
    scores = np.linspace(1, 0.5, len(hits))
    found = boxes[np.array(places, int)], np.zeros(len(hits), int), scores
    truth = boxes[:objects], np.zeros(objects, int), np.zeros(objects, bool)
    curve = precision_recall_curves([found], [truth], ("thing",))["thing"]
    return curve.precision, curve.recall


def _monotone(function, hits, objects):
    _, recall = function(hits, objects)
    assert (np.diff(recall) >= 0).all(), f"the recalls {np.round(recall, 3)} fall: what is found stays found"


PRECISION_RECALL = (
    equals(_counted, _verdicts(), statement="gives precision and recall after each detection"),
    Property("never lets the recall fall", _verdicts(), _monotone),
)

# ---- average precision -----------------------------------------------------------------------------------------------


@st.composite
def _curves(draw):
    hits = np.cumsum(draw(st.lists(st.booleans(), min_size=1, max_size=10)))
    objects = draw(st.sampled_from([10, 5, 20]))
    return {"recall": np.minimum(hits / objects, 1), "precision": hits / np.arange(1, len(hits) + 1)}


def _eleven(recall, precision):
    return naive.average_precision(recall.tolist(), precision.tolist(), "voc07")


def _area(recall, precision):
    return naive.average_precision(recall.tolist(), precision.tolist(), "area")


def _perfect(function, recall, precision):
    everything = np.arange(1, 11) / 10
    require_equal(function(everything, np.ones(10)), 1.0, what="the result for 10 of 10 found without a false alarm")


AP_11 = (
    equals(_eleven, _curves(), statement="averages the best precision at or beyond each of the eleven recalls"),
    Property("gives 1 to a perfect detector", _curves(), _perfect),
)
AP_AREA = (
    equals(_area, _curves(), statement="is the area under the interpolated curve"),
    Property("gives 1 to a perfect detector", _curves(), _perfect),
)


def ap_eleven(recall, precision):
    return average_precision(recall, precision, "voc07")


def ap_area(recall, precision):
    return average_precision(recall, precision, "area")


# ---- hits and false alarms -------------------------------------------------------------------------------------------


@st.composite
def _found(draw):
    """Objects, and detections near them: each once or twice, with a few strangers."""
    objects = draw(corners(0, 3))
    twice = draw(st.booleans())
    boxes = np.concatenate([objects, *([objects] if twice else []), draw(corners(0, 2))])
    order = draw(st.permutations(range(len(boxes))))
    return {"corners": boxes, "scores": 1 - np.array(order, float) / 10, "objects": objects}


def _greedy(corners, scores, objects):
    """The rule, word for word: best first, each against the object that it overlaps most."""
    taken, hit = set(), np.zeros(len(scores), bool)
    for k in sorted(range(len(scores)), key=lambda k: -scores[k]):
        overlaps = [naive.iou(corners[[k]], objects[[g]])[0, 0] for g in range(len(objects))]
        if overlaps and max(overlaps) >= 0.5:
            best = overlaps.index(max(overlaps))
            hit[k] = best not in taken
            taken.add(best)
    return hit


def hits_of(corners, scores, objects):
    """The library's own, for one class without difficult objects."""
    truth = objects, np.zeros(len(objects), int), np.zeros(len(objects), bool)
    return judge((corners, np.zeros(len(scores), int), scores), truth) == 1


def _no_more_hits_than_objects(function, corners, scores, objects):
    count = int(np.sum(function(corners, scores, objects)))
    assert count <= len(objects), f"{count} hits for {len(objects)} objects: each can be found once"


@st.composite
def _halves_of_objects(draw):
    """One object and its left or upper half, which overlaps it by exactly 0.5."""
    objects = draw(corners(1, 1, min_side=2))
    left, top, right, bottom = objects[0]
    half = draw(st.sampled_from([(left, top, (left + right) / 2, bottom), (left, top, right, (top + bottom) / 2)]))
    return {"corners": np.array([half]), "scores": np.array([0.9]), "objects": objects}


HITS = (
    Property("counts no more hits than there are objects", _found(), _no_more_hits_than_objects),
    equals(_greedy, _found(), statement="lets the best detection hit, and calls later ones false alarms"),
    equals(_greedy, _halves_of_objects(), statement="calls an overlap of exactly 0.5 a hit"),
)

# ---- boxes of whole pixels -------------------------------------------------------------------------------------------

pixels = st.integers(1, 6)


@st.composite
def _pixel_boxes(draw):
    def box():
        (left, right), (top, bottom) = (sorted(draw(st.tuples(pixels, pixels))) for _ in range(2))
        return np.array([left, top, right, bottom])

    return {"a": box(), "b": box()}


def _pixel_sets(a, b):
    """As sets of pixels, which cannot be miscounted."""
    sets = [{(x, y) for x in range(l, r + 1) for y in range(t, b_ + 1)} for l, t, r, b_ in (a, b)]  # noqa: E741
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def iou_of_pixels(a, b):
    """The library's own, which takes edges: pixel xmin begins at the edge xmin - 1."""
    first, second = (np.array([[box[0] - 1, box[1] - 1, box[2], box[3]]], float) for box in (a, b))
    return float(iou(first, second)[0, 0])


INCLUSIVE_IOU = (equals(_pixel_sets, _pixel_boxes(), statement="is the IoU of the two sets of pixels"),)

# ---- Bayes -----------------------------------------------------------------------------------------------------------


@st.composite
def _counts(draw):
    """A population: how many have A, of these how many show B, and of the others."""
    with_a, without = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    return {
        "with_a": with_a,
        "without": without,
        "b_a": draw(st.integers(1, with_a)),
        "b_not": draw(st.integers(0, without)),
    }


def _posterior(function, with_a, without, b_a, b_not):
    """Counted: of all that show B, the share that has A."""
    prior = with_a / (with_a + without)
    require_equal(function(prior, b_a / with_a, b_not / without), b_a / (b_a + b_not), what="P(A|B)")


BAYES = (Property("finds the share that has A among those that show B", _counts(), _posterior),)
