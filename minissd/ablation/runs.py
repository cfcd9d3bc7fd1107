"""Training runs that are kept: each leaves a small JSON file, and is not repeated where that says the same set-up."""

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from minissd import __version__
from minissd.ablation.experiments import Variant
from minissd.detection import evaluate_detections, fit_boxes
from minissd.detection.object_sizes import SIZES, of_size
from minissd.errors import MinissdError
from minissd.files import parse_json, to_json, write_json
from minissd.layers import Initializer
from minissd.models.ssd import OWN
from minissd.models.ssd_tiny import tiny_detector
from minissd.training import TrainConfig, evaluate, train
from minissd.training.finite import NotFinite


@dataclass(frozen=True)
class Budget:
    """What all variants have in common."""

    data: str = "shapes"
    limit: int = 200  # images to train on
    input_size: int = 64
    epochs: int = 40
    steps: int | None = None  # in place of epochs
    device: str = "cpu"

    def check(self):
        """MinissdError, before any work, if no run could have these settings."""
        self.train_config(Variant(), 0)

    def train_config(self, variant, seed):
        settings = {name: getattr(variant, name) for name in ("augmentation", "lr", "clip")}
        return TrainConfig(epochs=self.epochs, steps=self.steps, seed=seed, **settings)


class Study:
    """The runs of an ablation on one pair of data sets, kept in `folder`."""

    def __init__(self, budget, training, test, folder):
        self.budget, self.training, self.test, self.folder = budget, training, test, Path(folder)

    def steps(self, variant):
        """Updates of one run."""
        config = self.budget.train_config(variant, 0)
        batches = len(self.training) // config.batch_size or 1  # as the loader counts them
        return config.total_steps(batches)

    def kept(self, variant, seed):
        """What the run gave, if it was done before; else None."""
        path, setup = self._place(variant, seed)
        try:
            content = parse_json(path.read_text(encoding="utf-8"))
            return content["result"] if content["setup"] == setup else None
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            raise MinissdError(
                f"{path}: is damaged or no run of `minissd ablate`: delete it to repeat that run"
            ) from None

    def run(self, variant, seed, report=None):
        """Train a variant from a seed and score it, or take what was kept -> {"mAP", "recall", "sizes", ...}.

        sizes: {"small", "medium", "large": {"mAP", "recall"}}, null where the test set has no such objects.
        report(record, total_steps): as in `train`.
        """
        result = self.kept(variant, seed)
        if result is None:
            result = train_and_score(self.budget, variant, seed, self.training, self.test, report)
            path, setup = self._place(variant, seed)
            write_json(path, {"setup": setup, "result": result})
            result = json.loads(to_json(result))  # the same whether it is read or made
        return result

    def _place(self, variant, seed):
        """(path, set-up): the name of the file follows from everything that the result depends on."""
        setup = {
            "minissd": __version__,
            **asdict(self.budget),
            **variant._asdict(),
            "seed": seed,
            "classes": self.training.classes,
            "images": [len(self.training), len(self.test)],
        }
        text = to_json(setup)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        return self.folder / f"{digest}-seed{seed}.json", json.loads(text)


def network(budget, variant, seed, training):
    """The variant's network at its start; whatever the boxes, the first numbers are those of the seed."""
    wiring = {name: getattr(variant, name) for name in ("ratios", "levels", "sampling")}

    def with_boxes(boxes):
        init = Initializer(np.random.default_rng(seed), device=budget.device)
        return tiny_detector(training.classes, init=init, input_size=budget.input_size, boxes=boxes, **wiring)

    usual = with_boxes(OWN)
    if variant.boxes == OWN:
        return usual
    objects = [training.objects(i) for i in range(len(training))]
    return with_boxes(fit_boxes(usual.spec, objects, seed).shapes)


def train_and_score(budget, variant, seed, training, test, report=None):
    """One run: the same seed gives every variant the same order of images."""
    model = network(budget, variant, seed, training)
    started, log = time.perf_counter(), []

    def keep(record, total):
        log.append(record)
        if report:
            report(record, total)

    try:
        train(model, training, budget.train_config(variant, seed), report=keep)
        diverged = None
    except NotFinite:  # then what it knows at that point is scored
        diverged = len(log)
    seconds = time.perf_counter() - started
    metrics, found, truth = evaluate(model, test, report=False)
    sizes = {}
    for name, (low, high) in SIZES.items():
        scores = evaluate_detections(*of_size(found, truth, low, high), test.classes)
        sizes[name] = {key: scores[key] for key in ("mAP", "recall")}
    return {
        "mAP": metrics["mAP"],
        "recall": metrics["recall"],
        "AP": metrics["AP"],
        "sizes": sizes,
        "default_boxes": len(model.default_boxes),
        "diverged": diverged,
        "last_loss": float(np.mean([record["loss"] for record in log[-10:]])),
        "seconds": round(seconds, 1),
    }
