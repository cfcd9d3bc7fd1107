"""Run folders: what a training run leaves, and how it is taken up again.

config.json       the settings, as the command line names them
log.jsonl         a line a step
last.safetensors  the newest checkpoint; best.safetensors the one with the highest validation mAP
loss.png          the loss curves
"""

import json
from dataclasses import asdict, fields
from shlex import quote

from minissd import __version__, weights
from minissd.card import check_precision
from minissd.cli.console import console, print_notes
from minissd.cli.networks import weights_file
from minissd.cli.progress import TrainingProgress
from minissd.data import open_dataset
from minissd.errors import MinissdError
from minissd.files import write_json
from minissd.models import MODELS, TRUNK_OF, build
from minissd.training import (
    ALONE,
    LAST,
    TrainConfig,
    default_recipe,
    load_checkpoint,
    read_log,
    settings_of,
    task_of,
    train,
)

CONFIG = "config.json"
_TRAIN_FIELDS = tuple(field.name for field in fields(TrainConfig))
_DATA_FIELDS = ("data", "split", "validation", "classes", "limit", "weights")
_MODEL_FIELDS = ("model", "recipe", "options")
_MODEL_OPTIONS = ("input_size", "batch_norm", "atrous", "boxes", "anchors", "width", "dropout")
GENERATED_SIZE = 300  # pixels of a generated image, where the model's input is not to be chosen
_ADDED_LATER = {"precision": "fp32"}  # what older runs say nothing of, as they had it
_MAY_CHANGE = ("workers",)  # what a resumed run may do otherwise and still give the same numbers


def new_settings(out, values):
    """The settings of a new run from the values of the command's options, None where the user said nothing."""
    if (out / LAST).exists():
        raise MinissdError(f"{out}: holds a run already: add --resume to go on with it, or choose another --out")
    model = _model_for(values["model"], values["task"])
    recipe = values["recipe"] or default_recipe(model)
    given = {name: values[name] for name in (*_TRAIN_FIELDS, *_MODEL_OPTIONS) if values.get(name) is not None}
    config, options = settings_of(recipe, model, given)
    data = {name: values[name] for name in _DATA_FIELDS}
    return {"minissd": __version__, **data, "model": model, "recipe": recipe, "options": options, **asdict(config)}


def _model_for(model, task):
    """The name of the model that is trained: of a detector that is to learn a task of its trunk, the trunk."""
    if model not in MODELS:
        raise MinissdError(f"model {model!r} is not known: choose one of {', '.join(MODELS)}")
    if task == "classify" and model in TRUNK_OF:
        console.print(f"--task classify trains the trunk of {model}: {TRUNK_OF[model]}", markup=False)
        return TRUNK_OF[model]
    if task and MODELS[model].task != task:
        others = ", ".join(name for name, kind in MODELS.items() if kind.task == task)
        raise MinissdError(f"{model} does not {task}: --task {task} goes with {others}")
    return model


def stored_settings(out, given):
    """The settings of the run in a folder.  `given`: options the user typed, which must not contradict them."""
    try:
        settings = _ADDED_LATER | json.loads((out / CONFIG).read_text(encoding="utf-8"))
        missing = {*_TRAIN_FIELDS, *_DATA_FIELDS, *_MODEL_FIELDS} - settings.keys()
    except (OSError, ValueError, TypeError):
        raise MinissdError(f"{out}: holds no run to resume (no readable {CONFIG}): give the --out of the run") from None
    if missing:
        raise MinissdError(f"{out / CONFIG}: says nothing of {min(missing)}: restore the file or start a new run")
    if "model" in given:
        given = given | {"model": _model_for(given["model"], given.get("task"))}
    learned = MODELS[settings["model"]].task
    if given.get("task", learned) != learned:
        raise MinissdError(
            f"--task is {str(given['task'])!r}, but the run in {out} began with {learned!r}: "
            "leave it out, or start a new run in another --out"
        )
    for name, value in given.items():
        if name in _MAY_CHANGE:
            settings[name] = value
            continue
        began = settings["options"].get(name) if name in _MODEL_OPTIONS else settings.get(name, value)
        if began != value:
            raise MinissdError(
                f"--{name.replace('_', '-')} is {value!r}, but the run in {out} began with {began!r}: "
                "leave it out, or start a new run in another --out"
            )
    return settings


def start(out, settings, device, resume, processes=ALONE):
    """Train as the settings say, from the beginning or from the last checkpoint in the folder."""
    check_precision(settings["precision"], device)
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
            settings["model"], classes=dataset.classes, seed=config.seed, device=device, **settings["options"]
        )
        if settings["weights"]:
            report = weights.load(model, weights_file(settings["weights"]), heads=None)
            console.print(f"{settings['weights']}: {report}", markup=False, soft_wrap=True)
            check_batch_norm(settings, report)
            settings = settings | {"options": {name: model.options[name] for name in settings["options"]}}  # its boxes
        if processes.rank == 0:
            write_json(out / CONFIG, settings)
    train_and_draw(model, dataset, held_out, config, out, checkpoint, processes)
    return held_out


def check_batch_norm(settings, report):
    """MinissdError if a network with batch norm got weights without, or the other way round: neither would work."""
    wanted = settings["options"].get("batch_norm")
    if wanted and not any(".bn" in ours for ours in report.matched.values()):
        raise MinissdError(
            f"{settings['weights']}: trained without batch norm, which --recipe {settings['recipe']} puts into the "
            "network: add --recipe paper-voc07, or --no-batch-norm and a lower --lr"
        )
    if wanted is False and any(".bn" in theirs for theirs in report.left_over):
        raise MinissdError(f"{settings['weights']}: trained with batch norm: add --batch-norm, or --recipe scratch")


def train_and_draw(model, dataset, held_out, config, out, checkpoint=None, processes=ALONE):
    """Train with a progress bar, then draw the loss curves into the run folder."""
    parameters = sum(p.size for p in model.params.values())
    predicts = f"{model.predicts}, " if model.predicts else ""
    console.print(
        f"[bold]{model.name}[/]: {parameters:,} parameters, {predicts}"
        f"{model.input_size}x{model.input_size} input, on {model.device}"
        + (f", {processes.size} processes" if processes.size > 1 else ""),
        soft_wrap=True,
    )
    names = ", ".join(dataset.classes)
    console.print(f"{dataset.name}: {len(dataset)} images of {names}", markup=False, soft_wrap=True)
    print_notes(dataset)
    with TrainingProgress(config, task_of(model).metric, checkpoint.step if checkpoint else 0) as progress:
        try:
            options = {"resume": checkpoint, "report": progress.report, "processes": processes}
            train(model, dataset, config, validation=held_out, out=out, **options)
        except KeyboardInterrupt:
            command = f"minissd train --out {quote(str(out))} --resume"
            console.print(f"stopped; to go on: {command}", markup=False, soft_wrap=True)
            raise
    if processes.rank > 0:
        return
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
            size=settings["options"].get("input_size", GENERATED_SIZE),
            task=MODELS[settings["model"]].task,
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
