"""Each benchmark agrees with PyTorch, and refuses to take the time of a wrong result."""

import numpy as np
import pytest

from minissd.bench import BENCHMARKS, convolution, detection, step
from minissd.errors import MinissdError
from minissd.training import SGD


@pytest.mark.parametrize("name", ["conv", "step"])
def test_both_sides_agree_and_are_timed(small, torch_peer, report, name):
    for figure in BENCHMARKS[name](torch_peer, 2, report):
        assert set(figure.runs) == {"minissd", "contiguous", "channels_last"}
        assert all(value > 0 for values in figure.runs.values() for value in values)
        assert figure.ratio > 0 and figure.reached in (True, False)
    assert ("timing", 2, 2) in report.calls


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_runs_alone(small, report, name):
    for figure in BENCHMARKS[name](None, 1, report):
        assert set(figure.runs) == {"minissd"}
        assert figure.ratio is None and figure.reached is None


@pytest.mark.parametrize("wrong, name", [(0, "dx"), (1, "dw"), (2, "db")])
def test_a_wrong_gradient_of_the_convolution_is_not_timed(small, torch_peer, report, monkeypatch, wrong, name):
    right = convolution.conv2d_backward

    def slightly_wrong(dy, cache):
        grads = list(right(dy, cache))
        grads[wrong] = grads[wrong] * 1.01
        return grads

    monkeypatch.setattr(convolution, "conv2d_backward", slightly_wrong)
    with pytest.raises(MinissdError, match=f"convolution, {name} .*differ"):
        convolution.run(torch_peer, 1, report)
    assert not report.calls


def test_a_wrong_loss_is_not_timed(small, torch_peer, report, monkeypatch):
    right = step.train_step
    monkeypatch.setattr(step, "train_step", lambda *args, **kw: {"loss": right(*args, **kw)["loss"] * 1.01})
    with pytest.raises(MinissdError, match="loss of step 1"):
        step.run(torch_peer, 1, report)


def test_a_step_that_skips_the_update_is_not_timed(small, torch_peer, report, monkeypatch):
    monkeypatch.setattr(SGD, "step", lambda self, grads: None)
    with pytest.raises(MinissdError, match="loss of step 2"):
        step.run(torch_peer, 1, report)


def test_detections_that_miss_an_object_are_not_timed(report, monkeypatch):
    right = detection.detections_from
    monkeypatch.setattr(detection, "detections_from", lambda *args, **kw: right(*args, limit=3, **kw))
    with pytest.raises(MinissdError, match="planted objects"):
        detection.run(None, 1, report)


def test_detections_without_suppression_are_not_timed(report, monkeypatch):
    right = detection.detections_from
    monkeypatch.setattr(detection, "detections_from", lambda *args, iou_threshold: right(*args, iou_threshold=1.0))
    with pytest.raises(MinissdError, match="NMS left two boxes"):
        detection.run(None, 1, report)


def test_realistic_output_has_a_realistic_number_of_candidates():
    boxes = detection.default_boxes(detection.SSD300)
    corners, labels = detection.random_objects(np.random.default_rng(0))
    _, logits = detection.realistic_output(boxes, corners, labels, np.random.default_rng(1))
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    assert 500 < (p[:, 1:] > 0.01).sum() < 5000
    assert (p[:, 0] > 0.5).mean() > 0.9  # most boxes show background
