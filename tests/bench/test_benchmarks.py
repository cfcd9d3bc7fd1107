"""Each benchmark agrees with PyTorch, and refuses to take the time of a wrong result."""

import numpy as np
import pytest

from minissd.bench import (
    BENCHMARKS,
    BESIDE_RUNTIMES,
    Growth,
    convolution,
    detection,
    growth,
    inference,
    layers,
    load_runtimes,
    preparation,
    ssd300,
    step,
)
from minissd.errors import MinissdError
from minissd.layers import Conv2d
from minissd.models import SSD
from minissd.models.cost import multiply_adds
from minissd.training import SGD

BESIDE_TORCH = ["conv", "ssd300", "step", "mobilenet", "growth", "layers"]


def figures_of(results):
    """All figures, those within growths too."""
    return [one for each in results for one in (each.figures if isinstance(each, Growth) else [each])]


@pytest.mark.parametrize("name", BESIDE_TORCH)
def test_both_sides_agree_and_are_timed(small, torch_peer, report, name):
    results = BENCHMARKS[name](torch_peer, 1, report)
    for figure in figures_of(results):
        product = figure.work.startswith(layers.PEAK)  # which has no memory formats
        assert set(figure.runs) == {"minissd", "contiguous", "channels_last"} - (
            {"channels_last"} if product else set()
        )
        assert all(value > 0 for values in figure.runs.values() for value in values)
    for result in results:
        assert result.goal is None or result.verdict in ("missed", "reached", "stretch")
    assert any(done == total for _, done, total in report.calls)


@pytest.fixture
def runtimes():
    for package in ("onnx", "onnxruntime", "openvino"):
        pytest.importorskip(package)
    return load_runtimes(["onnxruntime", "openvino"])


@pytest.mark.parametrize("name", ["tiny", "mobilenet"])
def test_inference_is_timed_beside_all_of_them(small, torch_peer, runtimes, report, name):
    assert name in BESIDE_RUNTIMES
    for figure in BENCHMARKS[name](torch_peer, 1, report, runtimes=runtimes):
        if "forward" in figure.work:
            assert set(figure.runs) == {"minissd", "contiguous", "channels_last", "onnxruntime", "openvino"}
            assert figure.beside.keys() == {"PyTorch", "onnxruntime", "OpenVINO"}
            fastest = min(value for value, _ in figure.beside.values())
            assert figure.score == pytest.approx(fastest / figure.ours)
            assert figure.as_dict()["OpenVINO"] == figure.beside["OpenVINO"][0]


def test_a_wrong_output_of_a_runtime_is_not_timed(small, runtimes, report, monkeypatch):
    right = runtimes[1].Inference.results
    wrong = {"results": lambda self: {name: array * 1.01 for name, array in right(self).items()}}
    monkeypatch.setattr(runtimes[1], "Inference", type("Inference", (runtimes[1].Inference,), wrong))
    with pytest.raises(MinissdError, match=r"openvino.*differ"):
        inference.tiny(None, 1, report, runtimes)
    assert not report.calls


@pytest.mark.parametrize("subject", [inference.MOBILENET, inference.LITE], ids=lambda subject: subject.name)
def test_the_small_ssds_agree_with_their_twins(torch_peer, subject):
    model = subject.model()
    images = np.random.default_rng(0).integers(0, 256, (1, model.input_size, model.input_size, 3), np.uint8)
    offsets, logits = model.infer(images)
    twin = {"contiguous": torch_peer.Inference(model, images, "contiguous")}
    inference.check("forward", {"minissd": lambda: {"offsets": offsets, "logits": logits}} | twin)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_runs_alone(small, report, name):
    results = BENCHMARKS[name](None, 1, report)
    assert all(set(figure.runs) == {"minissd"} for figure in figures_of(results))
    for result in results:
        judged_alone = name in ("detect", "data", "growth")
        assert (result.verdict is not None) == judged_alone


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


def test_the_released_network_agrees_with_its_twin(torch_peer):
    """At full size, where the L2 norm, the pools and the dilation are."""
    model = ssd300.SUBJECT.model()
    images = np.random.default_rng(0).integers(0, 256, (1, 300, 300, 3), np.uint8)
    (offsets, logits), _ = model.forward(images)
    outputs = {"offsets": offsets, "logits": logits}
    sides = {"minissd": lambda: outputs, "contiguous": torch_peer.Inference(model, images, "contiguous")}
    inference.check("forward", sides)
    logits *= 1.01
    with pytest.raises(MinissdError, match="logits: .*differ"):
        inference.check("forward", sides)


def test_a_wrong_output_of_the_network_is_not_timed(small, torch_peer, report, monkeypatch):
    right = SSD.infer

    def slightly_wrong(self, images):
        offsets, logits = right(self, images)
        return offsets, logits * 1.01

    monkeypatch.setattr(SSD, "infer", slightly_wrong)
    for run in (ssd300.run, growth.run):
        with pytest.raises(MinissdError, match="logits: .*differ"):
            run(torch_peer, 1, report)
    assert not report.calls


@pytest.mark.parametrize("name", ["stage0.conv0.w", "head1.logits.b"])
def test_a_wrong_gradient_of_the_network_is_not_timed(small, torch_peer, report, monkeypatch, name):
    right = SSD.backward

    def wrong(self, *args, **options):
        dx, grads = right(self, *args, **options)
        return dx, grads | {name: grads[name] * 1.05}

    monkeypatch.setattr(SSD, "backward", wrong)
    with pytest.raises(MinissdError, match=f"backward.*{name}: .*differ"):
        ssd300.run(torch_peer, 1, report)


def test_a_missing_gradient_of_the_network_is_not_timed(small, torch_peer, report, monkeypatch):
    right = SSD.backward

    def lazy(self, *args, **options):
        dx, grads = right(self, *args, **options)
        return dx, {name: grad for name, grad in grads.items() if not name.startswith("stage0")}

    monkeypatch.setattr(SSD, "backward", lazy)
    with pytest.raises(MinissdError, match="only one of both sides gives stage0"):
        ssd300.run(torch_peer, 1, report)


def test_a_batch_of_which_an_image_is_skipped_is_not_timed(small, report, monkeypatch):
    right = SSD.infer

    def lazy(self, images):
        offsets, logits = right(self, images)
        if len(images) > 1:
            logits[-1] = 0
        return offsets, logits

    monkeypatch.setattr(SSD, "infer", lazy)
    with pytest.raises(MinissdError, match="logits of one image in a batch"):
        growth.run(None, 1, report)


def test_a_wrong_layer_is_not_timed(small, torch_peer, report, monkeypatch):
    inputs = list(layers.convolutions(ssd300.SUBJECT.model(), np.zeros((1, 64, 64, 3), np.uint8)))
    right = Conv2d.forward
    monkeypatch.setattr(Conv2d, "forward", lambda self, x, *args: (right(self, x)[0] * 1.01, None))
    with pytest.raises(MinissdError, match=f"^{inputs[0][0]} "):
        layers.run(torch_peer, 1, report)


def test_the_layers_are_those_of_the_network_and_cost_what_it_costs(small, report):
    peak, *convolutions = layers.run(None, 1, report)
    model = layers.SUBJECT.model()
    assert sum(figure.operations for figure in convolutions) == 2 * multiply_adds(model)
    assert {f"{figure.work}.w" for figure in convolutions} == {key for key in model.params if key.endswith(".w")}
    assert peak.operations == 2 * 64**3


def test_a_wrong_loss_is_not_timed(small, torch_peer, report, monkeypatch):
    right = step.train_step
    monkeypatch.setattr(step, "train_step", lambda *args, **kw: {"loss": right(*args, **kw)["loss"] * 1.01})
    with pytest.raises(MinissdError, match="loss of step 1"):
        step.run(torch_peer, 1, report)


def test_a_step_that_skips_the_update_is_not_timed(small, torch_peer, report, monkeypatch):
    monkeypatch.setattr(SGD, "step", lambda self, grads: None)
    with pytest.raises(MinissdError, match="loss of step 2"):
        step.run(torch_peer, 1, report)


def test_the_memory_of_a_step_that_does_something_else_is_no_figure(small, torch_peer, report, monkeypatch):
    monkeypatch.setattr(step, "peak_growth", lambda _, side, *rest: (1.0, [1.0, 2.0 if side == "minissd" else 1.5]))
    with pytest.raises(MinissdError, match="loss of step 2"):
        step.peak_memory("work", None, torch_peer, report)


@pytest.mark.parametrize("wrong", ["class", "offsets", "unmatched", "pixels"])
def test_wrong_targets_or_images_are_not_timed(small, report, monkeypatch, wrong):
    right = preparation.DetectionPreparation.__call__

    def wrongly(self, sample, rng):
        image, classes, offsets = right(self, sample, rng)
        first = np.flatnonzero(classes)[:1]
        classes[first] += wrong == "class"
        offsets[first] += 0.5 * (wrong == "offsets")
        classes[:] *= wrong != "unmatched"
        return image[:, ::-1] if wrong == "pixels" else image, classes, offsets

    monkeypatch.setattr(preparation.DetectionPreparation, "__call__", wrongly)
    with pytest.raises(MinissdError, match="run the tests"):
        preparation.run(None, 1, report)


def test_the_generated_photographs_are_as_large_as_real_ones(tmp_path):
    dataset = preparation.JpegShapes(tmp_path, 4)
    sizes = [path.stat().st_size for path in dataset.paths]
    assert 50_000 < np.mean(sizes) < 150_000  # those of PASCAL VOC: about 90 kB
    sample = dataset[0]
    assert sample.image.shape == (375, 500, 3)
    x_min, y_min, x_max, y_max = sample.corners[0]
    assert 0 <= x_min < x_max <= 1 and 0 <= y_min < y_max <= 1


def test_data_of_ones_own_are_prepared(small, report):
    (figure,) = preparation.run(None, 1, report, data="shapes")
    assert "shapes" in figure.work and figure.unit == "images/s"


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
