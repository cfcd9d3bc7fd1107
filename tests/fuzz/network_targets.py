"""Networks and runs: checkpoints, weights of others, settings, logs, what was tuned."""

import json
import os
import shutil
from contextlib import contextmanager

import numpy as np
import safetensors.numpy
from fuzz.guard import check_refusal
from fuzz.mutations import mutated_bytes, mutated_json, mutated_json_lines, mutated_safetensors, mutated_zip
from fuzz.target import Target, require, sound

from minissd import weights
from minissd.cli import runs
from minissd.cli.training import start
from minissd.data import ShapesDataset
from minissd.engine import tuning
from minissd.errors import MinissdError
from minissd.models import build
from minissd.training import LAST, TrainConfig, load_checkpoint, read_log, save_checkpoint, train
from minissd.training.checkpoint import read_description
from minissd.training.curves import LearningCurves
from minissd.training.log import RunLog
from minissd.weights import loading
from minissd.weights.layouts import LAYOUTS

SMALL = {"classes": ("circle", "square"), "input_size": 64}


def checkpoint(folder):
    path, model = folder / "last.safetensors", build("ssd-tiny", **SMALL)
    model.thresholds = {"circle": 0.5}
    velocity = {name: np.ones_like(array) for name, array in model.params.items()}
    settings = {"config": {"freeze": None, "augmentation": "ssd"}, "best": 0.5, "images": {"training": "x"}}
    save_checkpoint(path, model, velocity=velocity, step=4, settings=settings)
    return path


def read_checkpoint(path, out):
    read_description(path)
    found = load_checkpoint(path)
    require(found.step >= 0 and all(array.dtype.kind == "f" for array in found.model.params.values()), "checkpoint")


def own_weights(folder):
    path = folder / "weights.safetensors"
    weights.save(build("ssd-tiny", **SMALL), path)
    return path


def read_weights_file(path, out):
    model, report = weights.load_model(None, path)
    require(all(np.isfinite(array).all() for array in model.params.values()) and str(report), "weights")


_model = build("ssd-tiny", **SMALL)
_few = build("lenet5", classes=("circle", "square"))  # a sixteenth of the numbers: archives are packed for each case


def start_from(model):
    def read(path, out):
        report = weights.start_from(model, path)
        require(all(np.isfinite(array).all() for array in model.params.values()) and str(report), "weights")

    return read


@contextmanager
def foreign_weights(folder):
    """The names of a published network, as those of others come, and a number each; the network is built once."""
    path, whole, kept = folder / "foreign.safetensors", loading.build, {}
    tensors = {name: np.ones(1, np.float32) for name in sorted(LAYOUTS[0].signature)}
    safetensors.numpy.save_file(tensors, path, {"format": "pt"})

    def built(name, **how):
        key = repr((name, how))
        if key not in kept:
            kept.clear()
            kept[key] = whole(name, **how)
        return kept[key]

    try:
        loading.build = built
        yield path
    finally:
        loading.build = whole


def read_foreign(path, out):
    """Its numbers are of no network: what cannot be loaded leaves a model as it is."""
    before = {name: array.copy() for name, array in _model.params.items()}
    for load in (lambda: weights.load_model(None, path), lambda: weights.load(_model, path)):
        try:
            load()
        except MinissdError as error:
            check_refusal(error, path)
    require(all((before[name] == array).all() for name, array in _model.params.items()), "the model was changed")


def npz(folder):
    np.savez(folder / "weights.npz", **_few.params)
    return folder / "weights.npz"


def torch_file(legacy):
    def write(folder):
        import torch

        path = folder / "weights.pth"
        state = {name: torch.from_numpy(array) for name, array in _few.params.items()}
        torch.save({"state_dict": state, "epoch": 3}, path, _use_new_zipfile_serialization=not legacy)
        return path

    return sound(write)


def _finished_run(folder):
    data, config = ShapesDataset(2, size=64), TrainConfig(steps=1, batch_size=2, workers=0)
    model = build("ssd-tiny", classes=data.classes, input_size=64)
    train(model, data, config, out=folder / "run", report=False)
    settings = json.loads((folder / "run" / "config.json").read_text())
    own = {"data": "shapes", "split": "train", "limit": 2, "recipe": "scratch", "image_folder": None}
    settings |= own | {"classes": None, "validation": "none", "weights": None}
    (folder / "run" / "config.json").write_text(json.dumps(settings))
    return folder / "run"


def run_settings(folder):
    return _finished_run(folder) / "config.json"


@contextmanager
def no_pictures(folder):
    """A finished run whose curves are not drawn again each time."""
    draw = LearningCurves.draw
    try:
        path = run_settings(folder)
        LearningCurves.draw = lambda self: None
        yield path
    finally:
        LearningCurves.draw = draw


def _link_networks(source, target):
    """They are replaced as a whole, never written into."""
    (os.symlink if source.endswith(".safetensors") else shutil.copy)(source, target)


def resume(path, out):
    """What `train --resume` does, in a copy of the run: there is no step left."""
    shutil.copytree(path.parent, out / "run", copy_function=_link_networks)
    settings = runs.stored_settings(out / "run", {})
    start(out / "run", settings, "cpu", resume=True)
    require(load_checkpoint(out / "run" / LAST).step == 1, "step")


def log(folder):
    run = _finished_run(folder)
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    scores = {"mAP": 0.5, "AP": {"circle": 0.5, "square": None}, "recall": 0.5}
    lines += [lines[0] | {"step": 2}, {"step": 2, "epoch": 1, "validation": scores}]
    (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return run / "log.jsonl"


def read_log_of_run(path, out):
    shutil.copy(path, out / "log.jsonl")
    records = read_log(path)
    log = RunLog(out / "log.jsonl", start=2, formats="csv")
    log.scores("mAP")
    log.has_validation(2)
    log.add({"step": 3, "epoch": 2, "loss": 1.0})
    log.settle()
    from minissd.viz.curves import loss_curves
    from minissd.viz.style import save_picture

    if len(records) and np.random.default_rng(len(path.read_bytes())).random() < 0.2:  # pictures take their time
        save_picture(loss_curves(log.records), out / "loss.png")


def users_tuning(folder):
    path = folder / "tuning.json"
    path.write_text(json.dumps(tuning.as_json(tuning.shipped()) | {"machine": tuning.this_machine()}))
    return path


def read_tuning(path, out):
    found = tuning.read(path)
    require(all(cost >= 0 for row in found.costs.values() for cost in row) and found.digest, "costs")


NETWORKS = (
    Target("checkpoint", sound(checkpoint), mutated_safetensors, read_checkpoint),
    Target("weights of ours", sound(own_weights), mutated_safetensors, read_weights_file),
    Target("weights to start from", sound(own_weights), mutated_safetensors, start_from(_model)),
    Target("safetensors of other networks", foreign_weights, mutated_safetensors, read_foreign),
    Target("npz", sound(npz), mutated_zip, start_from(_few)),
    Target("PyTorch, zip", torch_file(False), mutated_zip, start_from(_few)),
    Target("PyTorch, of 2017", torch_file(True), mutated_bytes, start_from(_few)),
    Target("config.json of a run", no_pictures, mutated_json, resume, 12, names=("run", "shapes")),
    Target("log.jsonl", sound(log), mutated_json_lines, read_log_of_run),
    Target("tuning.json", sound(users_tuning), mutated_json, read_tuning),
)
