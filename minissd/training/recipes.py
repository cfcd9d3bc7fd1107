"""Recipes: settings that belong together, by name.  What the user sets goes before what a recipe says; a learning rate
is for the recipe's batch size, and where only the batch size is set it follows in proportion (Goyal et al. 2017).

The keys are those of `TrainConfig`, and options of the model (`batch_norm`), which a model that lacks them ignores.
"""

from dataclasses import fields
from typing import Any

from minissd.errors import MinissdError
from minissd.models import MODELS, options_of
from minissd.training.config import TrainConfig

SCRATCH, FINETUNE = "scratch", "finetune"
# SSD paper, section 3.1, and the released solver: SGD with 1e-3, divided by ten at 2/3 and 5/6 of all steps; biases
# learn twice as fast and are spared the decay.  The paper starts from a trained VGG16 and so does without a warm-up;
# a hundredth of the steps costs little and lets the fresh heads settle.
_PAPER: dict[str, Any] = {
    "lr": 1e-3,
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "batch_size": 32,
    "schedule": "step",
    "warmup": 0.01,
    "bias_lr": 2.0,
    "bias_decay": False,
    "augmentation": "ssd",  # with expansion
    "negatives": "paper",
}

RECIPES: dict[str, dict[str, Any]] = {
    # The defaults of TrainConfig, for a small network and minutes; of a hundred images an epoch is but six steps.
    "short": {"least_steps": 1000},
    "paper-voc07": _PAPER | {"steps": 60_000},
    "paper-voc0712": _PAPER | {"steps": 120_000},
    # Without a trained trunk: batch norm keeps sixteen fresh layers trainable, at a rate ten times the paper's that
    # is approached slowly.
    SCRATCH: {
        "batch_norm": True,
        "batch_size": 32,
        "lr": 0.01,
        "epochs": 100,
        "warmup": 0.3,
    },
    # From a trained trunk on a set of one's own: what a laptop or one card does in an evening.
    FINETUNE: {"batch_norm": False, "batch_size": 8, "lr": 1e-3, "epochs": 20},
    # The YOLO loss is a sum over all objects of an image, where that of SSD is a mean: so much smaller is the rate, and
    # so much longer the gradient.
    "yolo": {"lr": 0.003, "warmup": 0.2, "clip": 0, "augmentation": "light"},
    # YOLO paper, section 2.2: 1e-2 after a slow start, divided by ten twice (there after 75 and 105 epochs).
    "paper-yolo": {
        "lr": 0.01,
        "batch_size": 64,
        "epochs": 135,
        "schedule": "step",
        "warmup": 0.02,
        "clip": 0,
        "augmentation": "light",
    },
    # A trunk as a classifier.
    "classify": {
        "batch_norm": True,
        "batch_size": 64,
        "lr": 0.1,
        "epochs": 60,
        "warmup": 0.2,
        "augmentation": "light",
    },
    # A mask says something of each of thousands of pixels, so that few images make a batch.
    "segment": {
        "batch_norm": True,
        "batch_size": 4,
        "lr": 0.04,
        "epochs": 70,
        "least_steps": 4200,
        "warmup": 0.2,
        "augmentation": "medium",
    },
    # 28x28 digits: the rate that the small networks take without batch norm.
    "digits": {"batch_size": 64, "lr": 0.05, "epochs": 8, "warmup": 0.2, "augmentation": "digits"},
    "slant": {"batch_size": 64, "lr": 0.01, "epochs": 3, "warmup": 0.2, "clip": 0, "augmentation": "none"},
}
_DEFAULTS = {"ssd300-vgg16": SCRATCH, "ssd512-vgg16": SCRATCH, "vgg16": "classify", "mobilenet": "classify"}
_DEFAULTS |= {"yolo-tiny": "yolo", "yolo-v1": "paper-yolo"}
_DEFAULTS |= {"mlp": "digits", "lenet5": "digits", "slant": "slant"}
_DEFAULTS |= {"unet": "segment"}
_CONFIG_FIELDS = {field.name for field in fields(TrainConfig)}


def default_recipe(model: str) -> str:
    """The name of the recipe that a model is trained with unless the user says otherwise."""
    return _DEFAULTS.get(model, "short")


def settings_of(recipe: str, model: str, given: dict[str, Any]) -> tuple[TrainConfig, dict[str, Any]]:
    """(config, options): a TrainConfig, and what `build` gets, from a recipe's name and the settings `given`.

    given: what the user set himself: fields of TrainConfig and options of the model.  MinissdError for a model that
    has no such option, or for a recipe that is not known.
    """
    if recipe not in RECIPES:
        raise MinissdError(f"--recipe {recipe!r} is not known: choose one of {', '.join(RECIPES)}")
    if given.get("epochs") and given.get("steps"):
        raise MinissdError("--epochs and --steps both say when to stop: give one of them")
    if given.get("negatives") and not model.startswith("ssd"):
        raise MinissdError(f"--negatives means nothing to {model}: it chooses background boxes that an SSD learns from")
    if given.get("metric") and MODELS[model].task != "detect":
        raise MinissdError(f"--metric means nothing to {model}: it is for the boxes of detectors")
    settings = dict(RECIPES[recipe])
    if given.get("epochs") or given.get("steps"):
        settings = {name: value for name, value in settings.items() if name not in ("steps", "least_steps")}
    known = options_of(model)
    options = {name: settings[name] for name in settings.keys() & known.keys()}
    options |= {name: value for name, value in given.items() if name not in _CONFIG_FIELDS}
    for name in options:
        if name not in known:
            takes = ", ".join(f"--{option.replace('_', '-')}" for option in known) or "none of its own"
            raise MinissdError(f"--{name.replace('_', '-')} means nothing to {model}: its options are {takes}")
    if "lr" in settings and given.get("batch_size"):  # in proportion, as in `TrainConfig`
        settings["lr"] *= given["batch_size"] / settings.get("batch_size", TrainConfig.batch_size)
    settings = {name: value for name, value in (settings | given).items() if name in _CONFIG_FIELDS}
    return TrainConfig(**settings), known | options
