"""What computes the operations can be exchanged, as a whole or one by one."""

import ast
import inspect
import threading
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from minissd import detection, engine, ops
from minissd.cli.main import app
from minissd.data import ShapesDataset
from minissd.engine import fast
from minissd.models import build
from minissd.training import TrainConfig, train


def counted(calls, function):
    """A function that counts its calls."""

    def operation(*arguments, **options):
        calls.append(function.__name__)
        return function(*arguments, **options)

    return operation


def test_a_detector_trains_on_functions_of_ones_own():
    calls = []
    own = {name: counted(calls, getattr(ops, name)) for name in ("conv2d", "conv2d_backward", "relu", "relu_backward")}
    data, config = ShapesDataset(4, "train", 64), TrainConfig(steps=1, batch_size=4, augmentation="none", workers=0)
    with engine.use(own):
        train(build("ssd-tiny", classes=data.classes, input_size=64), data, config)
    assert all(calls.count(name) > 3 for name in own)


@pytest.mark.parametrize("name", fast.__all__)
def test_the_fast_form_is_what_layers_call(name):
    assert inspect.unwrap(getattr(engine, name)) is getattr(fast, name)


def test_the_loss_and_the_scores_of_a_detector_are_exchanged_too():
    calls, rng = [], np.random.default_rng(0)
    offsets, logits, boxes = rng.normal(size=(1, 5, 4)), rng.normal(size=(1, 5, 3)), rng.uniform(0.3, 0.6, (5, 4))
    own = {name: counted(calls, getattr(ops, name)) for name in ("softmax", "log_softmax")}
    with engine.use(own):
        detection.multibox_loss(offsets, logits, offsets, np.array([[0, 1, 2, 0, 0]]))
        detection.detections_from(offsets, logits, boxes)
    assert calls == ["log_softmax", "softmax"]


def test_what_is_above_the_engine_imports_no_operation_past_the_exchange():
    package = Path(engine.__file__).parents[1]
    files = [path for path in package.rglob("*.py") if path.relative_to(package).parts[0] not in ("engine", "ops")]
    past = {
        f"{path.relative_to(package)}: {name.name}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("minissd.engine.", "minissd.ops"))
        for name in node.names
        if name.name in engine.OPERATIONS
    }
    assert len(files) > 100 and not past


def test_both_engines_learn_the_same():
    data = ShapesDataset(16, "train", 64)
    losses = {}
    for which in engine.ENGINES:
        config = TrainConfig(steps=20, batch_size=8, augmentation="none", workers=0, lr=0.01)
        with engine.use(which):
            model = build("ssd-tiny", classes=data.classes, input_size=64, dtype="float64")
            losses[which] = [record["loss"] for record in train(model, data, config) if "loss" in record]
    assert len(losses["fast"]) == 20
    np.testing.assert_allclose(losses["reference"], losses["fast"], rtol=1e-4)


def test_an_exchange_lasts_as_long_as_its_block_and_others_are_left_alone():
    calls, x = [], np.ones((1, 2))
    own = {name: counted(calls, getattr(ops, name)) for name in ("relu", "relu_backward")}
    with engine.use(own):
        engine.relu(x, in_place=True)  # a hint that is for the fast one alone
        with engine.use("fast"):
            engine.relu(x)
        engine.sigmoid(x)
        other = threading.Thread(target=engine.relu, args=(x,))
        other.start()
        other.join()
    engine.relu(x)
    assert calls == ["relu"]


def test_blocks_add_up():
    calls, x = [], np.ones((1, 2))
    relus = {name: counted(calls, getattr(ops, name)) for name in ("relu", "relu_backward")}
    sigmoids = {name: counted(calls, getattr(ops, name)) for name in ("sigmoid", "sigmoid_backward")}
    with engine.use(relus), engine.use(sigmoids):
        engine.relu(x)
        engine.sigmoid(x)
    assert calls == ["relu", "sigmoid"]


@pytest.mark.parametrize(
    "engines, message",
    [
        ("slow", "fast, reference"),
        ({"relu": ops.relu}, "'relu' needs 'relu_backward'"),
        ({"conv": ops.relu}, "no operation 'conv'"),
    ],
)
def test_what_cannot_be_used_is_refused(engines, message):
    with pytest.raises(ValueError, match=message), engine.use(engines):
        pass


def test_a_command_computes_with_the_engine_it_is_given(monkeypatch):
    calls = []
    monkeypatch.setattr(ops, "conv2d", counted(calls, ops.conv2d))
    for which in engine.ENGINES:
        result = CliRunner().invoke(app, ["gradcheck", "--only", "conv2d, im2col, plain", "--engine", which])
        assert result.exit_code == 0, result.output
        assert bool(calls) == (which == "reference")
    assert CliRunner().invoke(app, ["gradcheck", "--engine", "slow"]).exit_code == 2
