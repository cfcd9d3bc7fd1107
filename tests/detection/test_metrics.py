"""Precision, recall, average precision: their invariants, VOC's rules and the notes' table."""

import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from minissd.detection import Detections, Objects, average_precision, evaluate_detections, judge
from minissd.detection.metrics import FALSE_ALARM, HIT, IGNORED, precision_recall_curves
from minissd.naive import boxes as loops
from minissd.properties.windows import seeds

METHODS = ["voc07", "area"]
UNIT = [0.0, 0.0, 1.0, 1.0]
APPLES_FOUND = [1, 1, 0, 0, 0, 1, 1, 0, 0, 1]  # the notes' table with row 9 put right


def curve(hits, objects):
    """recall, precision of detections given as hit or not, best first."""
    found = np.cumsum(hits)
    return found / objects, found / np.arange(1, len(hits) + 1)


def row(positions):
    """Unit boxes in a row at these positions: boxes at different whole positions do not touch."""
    return np.array([[x, 0, x + 1, 1] for x in positions], dtype=float).reshape(-1, 4)


def found(positions, scores=None, labels=None):
    scores = np.linspace(0.9, 0.1, len(positions)) if scores is None else scores
    labels = np.zeros(len(positions), int) if labels is None else labels
    return Detections(row(positions), np.array(labels), np.array(scores))


def present(positions, difficult=None, labels=None):
    difficult = np.zeros(len(positions), bool) if difficult is None else difficult
    labels = np.zeros(len(positions), int) if labels is None else labels
    return Objects(row(positions), np.array(labels), np.array(difficult, bool))


# --- average precision ---


@given(st.lists(st.booleans(), max_size=30), st.integers(0, 10), st.sampled_from(METHODS))
def test_average_precision_equals_the_loops_and_lies_in_0_to_1(hits, missed, method):
    recall, precision = curve(hits, max(sum(hits) + missed, 1))
    ap = average_precision(recall, precision, method)
    np.testing.assert_allclose(ap, loops.average_precision(recall, precision, method), atol=1e-12)
    assert 0 <= ap <= 1 + 1e-12


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.data(), st.sampled_from(METHODS))
def test_a_further_hit_never_lowers_average_precision(hits, data, method):
    better = list(hits)
    better[data.draw(st.integers(0, len(hits) - 1))] = True
    objects = max(sum(better), 1)
    improved = average_precision(*curve(better, objects), method)
    assert improved >= average_precision(*curve(hits, objects), method) - 1e-12


@given(st.lists(st.booleans(), max_size=20), st.integers(1, 5), st.sampled_from(METHODS))
def test_false_alarms_that_score_lowest_cost_nothing(hits, alarms, method):
    objects = max(sum(hits), 1)
    ap = average_precision(*curve(hits, objects), method)
    np.testing.assert_allclose(average_precision(*curve(hits + [False] * alarms, objects), method), ap)


@pytest.mark.parametrize("method", METHODS)
def test_extremes(method):
    assert average_precision([], [], method) == 0
    np.testing.assert_allclose(average_precision(*curve([1] * 7, 7), method), 1)
    assert average_precision(*curve([0] * 7, 7), method) == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("tenths", range(11))
def test_trap_8_a_recall_on_a_threshold_reaches_it(tenths, dtype):
    recall = np.array([tenths / 10], dtype)
    np.testing.assert_allclose(average_precision(recall, np.ones(1, dtype), "voc07"), (tenths + 1) / 11)


def test_trap_8_the_running_sum_would_have_missed_it():
    assert not (np.arange(0, 1.1, 0.1) <= 0.3)[3]


def ap_as_programs_with_arange_count_it(recall, precision):
    """The loop that most evaluators in Python have, as it stands there."""
    ap = 0.0
    for t in np.arange(0.0, 1.1, 0.1):
        p = 0 if np.sum(recall >= t) == 0 else np.max(precision[recall >= t])
        ap = ap + p / 11.0
    return ap


@given(st.lists(st.booleans(), max_size=30), st.integers(0, 10))
def test_voc07_arange_equals_the_loop_with_arange_and_is_never_higher(hits, missed):
    recall, precision = curve(hits, max(sum(hits) + missed, 1))
    ap = average_precision(recall, precision, "voc07-arange")
    np.testing.assert_allclose(ap, ap_as_programs_with_arange_count_it(recall, precision), atol=1e-12)
    assert ap <= average_precision(recall, precision, "voc07") + 1e-12


@pytest.mark.parametrize(
    ("objects", "hits", "exact", "arange"), [(10, 3, 4, 3), (5, 3, 7, 6), (20, 14, 8, 7), (4, 2, 6, 6)]
)
def test_recalls_of_3_6_and_7_tenths_miss_a_step_of_arange(objects, hits, exact, arange):
    """`hits` of `objects` found without a false alarm: a precision of 1 at so many of the eleven recalls."""
    steps = curve([1] * hits, objects)
    assert average_precision(*steps, "voc07") == pytest.approx(exact / 11)
    assert average_precision(*steps, "voc07-arange") == pytest.approx(arange / 11)


def test_a_data_set_is_scored_by_the_method_named():
    detections, objects = [found(range(3))], [present(range(10))]
    for method, ap in {"voc07": 4 / 11, "voc07-arange": 3 / 11, "area": 0.3}.items():
        result = evaluate_detections(detections, objects, ("thing",), method=method)
        assert (result["mAP"], result["method"]) == (pytest.approx(ap), method)


def test_apples_table_of_the_notes():
    recall, precision = curve(APPLES_FOUND, 5)
    printed = [1.0, 1.0, 0.67, 0.5, 0.4, 0.5, 0.57, 0.5, 0.44, 0.5]
    np.testing.assert_allclose(precision, printed, atol=0.005)  # the notes' columns need row 9 to be false
    np.testing.assert_allclose(recall, [0.2, 0.4, 0.4, 0.4, 0.4, 0.6, 0.8, 0.8, 0.8, 1.0])
    assert round(average_precision(recall, precision, "voc07"), 3) == 0.753
    assert round(average_precision(recall, precision, "area"), 3) == 0.729


def test_slip_row_9_of_the_apples_table_cannot_be_correct():
    as_printed = [*APPLES_FOUND[:8], 1, 1]
    assert curve(as_printed, 5)[0][-1] == pytest.approx(6 / 5)  # six hits for five apples
    # Were row 9 to lie on an apple, it could only be one that a better detection has found already:
    detections = found([0, 1, 10, 11, 12, 2, 3, 13, 3, 4])
    result = evaluate_detections([detections], [present(range(5))], ("apple",))
    assert round(result["mAP"], 3) == 0.753


def test_method_is_checked():
    with pytest.raises(ValueError, match=r"voc07.*got 'coco'"):
        average_precision([1], [1], "coco")


# --- VOC's rules ---


def test_trap_9_each_object_is_hit_once_by_the_best_scoring_detection():
    verdicts = judge(found([0, 0, 5], scores=[0.3, 0.8, 0.9]), present([0]))
    np.testing.assert_array_equal(verdicts, [FALSE_ALARM, HIT, FALSE_ALARM])


def test_trap_9_of_equal_scores_the_first_wins():
    np.testing.assert_array_equal(judge(found([0, 0], scores=[0.5, 0.5]), present([0])), [HIT, FALSE_ALARM])


def test_trap_9_a_detection_is_held_against_the_object_it_overlaps_most_even_if_that_is_taken():
    detections = found([0, 0.2], scores=[0.9, 0.8])
    objects = present([0, 0.5])  # the second detection: IoU 0.67 with the first object, 0.54 with the second
    np.testing.assert_array_equal(judge(detections, objects), [HIT, FALSE_ALARM])


def test_trap_9_an_overlap_of_exactly_one_half_counts():
    pixels = np.array([[37.0, 12, 47, 32], [37, 12, 47, 22]])  # the second is the upper half of the first
    corners = (pixels / [333, 500, 333, 500]).astype(np.float32)
    detections, objects = found([0])._replace(corners=corners[1:]), present([0])._replace(corners=corners[:1])
    np.testing.assert_array_equal(judge(detections, objects), [HIT])


def test_trap_9_difficult_objects_are_neither_hits_nor_misses():
    detections, objects = found([0, 1, 1, 5]), present([0, 1], difficult=[False, True])
    np.testing.assert_array_equal(judge(detections, objects), [HIT, IGNORED, IGNORED, FALSE_ALARM])
    the_curve = precision_recall_curves([detections], [objects], ("thing",))["thing"]
    assert the_curve.objects == 1
    np.testing.assert_array_equal(the_curve.recall, [1, 1])
    np.testing.assert_array_equal(the_curve.precision, [1, 0.5])


def test_trap_9_boxes_of_inclusive_pixels():
    to_edges = np.array([-1, -1, 0, 0])  # pixels 1 to 3 are three wide, from edge 0 to edge 3
    objects = present([0])._replace(corners=np.array([[1, 1, 3, 1]]) + to_edges)
    detections = found([0])._replace(corners=np.array([[2, 1, 4, 1]]) + to_edges)  # shares 2 of 4 columns
    np.testing.assert_array_equal(judge(detections, objects), [HIT])


def test_the_class_must_be_right():
    verdicts = judge(found([0, 1], labels=[0, 1]), present([0, 1], labels=[1, 1]))
    np.testing.assert_array_equal(verdicts, [FALSE_ALARM, HIT])


# --- a whole data set ---


def random_dataset(seed, images=5):
    rng = np.random.default_rng(seed)
    detections, objects = [], []
    for _ in range(images):
        there = rng.permutation(6)[: rng.integers(0, 5)]
        objects.append(present(there, rng.random(len(there)) < 0.2, rng.integers(0, 3, len(there))))
        seen = rng.integers(0, 7, rng.integers(0, 8)) + rng.uniform(-0.4, 0.4)
        detections.append(found(seen, rng.random(len(seen)), rng.integers(0, 3, len(seen))))
    return detections, objects


def shuffled(rng, parts):
    order = rng.permutation(len(parts[0]))
    return type(parts)(*(part[order] for part in parts))


@given(seeds, st.sampled_from(METHODS))
def test_the_order_of_images_boxes_and_classes_does_not_matter(seed, method):
    detections, objects = random_dataset(seed)
    expected = evaluate_detections(detections, objects, "abc", method=method)
    rng = np.random.default_rng(seed + 1)
    order = rng.permutation(len(detections))
    mixed = [shuffled(rng, detections[n]) for n in order], [shuffled(rng, objects[n]) for n in order]
    result = evaluate_detections(*mixed, "abc", method=method)
    np.testing.assert_allclose(list(result["AP"].values()), list(expected["AP"].values()))
    np.testing.assert_allclose([result["mAP"], result["recall"]], [expected["mAP"], expected["recall"]])


@given(seeds, st.sampled_from(METHODS))
def test_perfect_detections_score_1(seed, method):
    _, objects = random_dataset(seed)
    assume(any(not difficult.all() for _, _, difficult in objects))
    perfect = [Detections(corners, labels, np.ones(len(labels))) for corners, labels, _ in objects]
    result = evaluate_detections(perfect, objects, "abc", method=method)
    assert result["mAP"] == pytest.approx(1) and result["recall"] == 1


@given(seeds)
def test_curves_rise_in_recall_and_fall_in_score(seed):
    for one in precision_recall_curves(*random_dataset(seed), "abc").values():
        assert (np.diff(one.recall) >= 0).all() and (np.diff(one.scores) <= 0).all()
        assert ((one.precision >= 0) & (one.precision <= 1) & (one.recall <= 1)).all()


def test_classes_without_objects_stay_out_of_the_means():
    detections, objects = [found([0, 5], labels=[0, 2])], [present([0, 3], labels=[0, 1])]
    result = evaluate_detections(detections, objects, ("seen", "missed", "absent"))
    assert (result["AP"]["seen"], result["AP"]["missed"]) == (pytest.approx(1), 0)
    assert np.isnan(result["AP"]["absent"])
    assert (result["mAP"], result["recall"], result["method"]) == (pytest.approx(0.5), 0.5, "voc07")
    nothing = evaluate_detections([found([])], [present([])], ("absent",))
    assert np.isnan(nothing["mAP"]) and np.isnan(nothing["recall"])


def test_the_result_goes_into_json_as_it_is():
    result = evaluate_detections(*random_dataset(3), ("a", "b", "c"), method="area")
    assert list(result) == ["mAP", "AP", "recall", "method"]
    assert set(json.loads(json.dumps(result))["AP"]) == {"a", "b", "c"}


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="1 images do not go with objects of 0"):
        evaluate_detections([found([0])], [], ("thing",))
