"""Run folders: what a training run leaves, and how it is taken up again.

config.json       the settings, as the command line names them
log.jsonl         a line a step
last.safetensors  the newest checkpoint; best.safetensors the one with the highest validation mAP
loss.png          the loss curves
"""

import json
from dataclasses import asdict, fields

from minissd import __version__
from minissd.cli.console import console, print_notes
from minissd.cli.progress import TrainingProgress
from minissd.data import open_dataset
from minissd.errors import MinissdError
from minissd.files import write_json
from minissd.models import build
from minissd.training import LAST, TrainConfig, load_checkpoint, read_log, train

CONFIG = "config.json"
_TRAIN_FIELDS = tuple(field.name for field in fields(TrainConfig))
_DATA_FIELDS = ("data", "split", "validation", "classes", "limit", "model", "input_size")
_MAY_CHANGE = ("workers",)  # what a resumed run may do otherwise and still give the same numbers


def new_settings(out, options):
    """The settings of a new run from the values of the command's options."""
    if (out / LAST).exists():
        raise MinissdError(f"{out}: holds a run already: add --resume to go on with it, or choose another --out")
    config = TrainConfig(**{name: value for name, value in options.items() if name in _TRAIN_FIELDS})
    return {"minissd": __version__, **{name: options[name] for name in _DATA_FIELDS}, **asdict(config)}


def stored_settings(out, given):
    """The settings of the run in a folder.  `given`: options the user typed, which must not contradict them."""
    try:
        settings = json.loads((out / CONFIG).read_text(encoding="utf-8"))
        missing = {*_TRAIN_FIELDS, *_DATA_FIELDS} - settings.keys()
    except (OSError, ValueError, AttributeError):
        raise MinissdError(f"{out}: holds no run to resume (no readable {CONFIG}): give the --out of the run") from None
    if missing:
        raise MinissdError(f"{out / CONFIG}: says nothing of {min(missing)}: restore the file or start a new run")
    for name, value in given.items():
        if name in _MAY_CHANGE:
            settings[name] = value
        elif name in settings and settings[name] != value:
            raise MinissdError(
                f"--{name.replace('_', '-')} is {value!r}, but the run in {out} began with {settings[name]!r}: "
                "leave it out, or start a new run in another --out"
            )
    return settings


def start(out, settings, device, resume):
    """Train as the settings say, from the beginning or from the last checkpoint in the folder."""
    if resume and not (out / LAST).exists():
        raise MinissdError(f"{out}: was stopped before its first checkpoint: start it again without --resume")
    try:
        config = TrainConfig(**{name: settings[name] for name in _TRAIN_FIELDS})
        dataset, held_out = open_splits(settings)
    except TypeError as error:  # only a config.json edited by hand can do that
        raise MinissdError(
            f"{out / CONFIG}: a setting is of the wrong kind ({error}): restore the file or start a new run"
        ) from None
    if resume:
        checkpoint = load_checkpoint(out / LAST, device=device)
        model = checkpoint.model
    else:
        checkpoint = None
        model = build(
            settings["model"],
            classes=dataset.classes,
            seed=config.seed,
            device=device,
            input_size=settings["input_size"],
        )
        write_json(out / CONFIG, settings)
    train_and_draw(model, dataset, held_out, config, out, checkpoint)
    return held_out


def train_and_draw(model, dataset, held_out, config, out, checkpoint=None):
    """Train with a progress bar, then draw the loss curves into the run folder."""
    parameters = sum(p.size for p in model.params.values())
    console.print(
        f"[bold]{model.name}[/]: {parameters:,} parameters, {len(model.default_boxes):,} default boxes, "
        f"{model.input_size}x{model.input_size} input, on {model.device}"
    )
    names = ", ".join(dataset.classes)
    console.print(f"{dataset.name}: {len(dataset)} images of {names}", markup=False, soft_wrap=True)
    print_notes(dataset)
    with TrainingProgress(config, checkpoint.step if checkpoint else 0) as progress:
        try:
            train(model, dataset, config, validation=held_out, out=out, resume=checkpoint, report=progress.report)
        except KeyboardInterrupt:
            console.print(f"stopped; to go on: minissd train --out {out} --resume", markup=False, soft_wrap=True)
            raise
    from minissd.viz.curves import loss_curves  # here, for matplotlib takes a second that --help need not wait
    from minissd.viz.style import save_picture

    save_picture(loss_curves(read_log(out / "log.jsonl")), out / "loss.png")


def open_splits(settings):
    """(training set, validation set or None).  "val" is the default validation, if it is there and held out."""
    validation = settings["validation"]

    def opened(split, classes, keep_others=False):
        return open_dataset(
            settings["data"],
            split,
            classes=classes,
            limit=settings["limit"],
            size=settings["input_size"],
            seed=settings["seed"],
            keep_others=keep_others,
        )

    dataset = opened(settings["split"], settings["classes"])
    if validation == "none":
        return dataset, None
    try:
        held_out = opened(validation or "val", dataset.classes, keep_others=True)
    except MinissdError as error:
        if validation:
            raise
        console.print(f"note: no validation ({error})", style="yellow", markup=False, soft_wrap=True)
        return dataset, None
    overlap = set(dataset.ids) & set(held_out.ids)
    if overlap and validation:
        raise MinissdError(
            f"--validation {validation} shares {len(overlap)} images with --split {settings['split']} "
            f"({min(overlap)}, ...): its score would say nothing; choose another split, or none"
        )
    if overlap:
        console.print("note: no validation: val is a part of the images to train on", style="yellow")
        return dataset, None
    return dataset, held_out
