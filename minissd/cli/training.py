"""A training run on the command line: its data, its model, what is said of it."""

from contextlib import contextmanager
from shlex import quote

import numpy as np

from minissd import weights
from minissd.cli.console import console, print_notes
from minissd.cli.networks import weights_file
from minissd.cli.progress import training_progress
from minissd.cli.runs import TRAIN_FIELDS, train_on
from minissd.cli.splits import open_splits
from minissd.detection import fit_boxes
from minissd.device import to_device
from minissd.device.card import check_precision
from minissd.errors import MinissdError
from minissd.models import build
from minissd.models.freezing import frozen_layers, trained_params
from minissd.models.ssd import FIT, OWN
from minissd.training import ALONE, LAST, TrainConfig, load_checkpoint, task_of, train
from minissd.training.balance import drawn_in_an_epoch
from minissd.training.run_folder import CONFIG

SHOWN = 5  # classes


def start(out, settings, device, resume, processes=ALONE):
    """Train as the settings say, from the beginning or from the last checkpoint in the folder.

    Returns (training set, validation set or None).
    """
    if resume and not (out / LAST).exists():
        raise MinissdError(f"{out}: was stopped before its first checkpoint: start it again without --resume")
    with _kinds_checked(out):
        config = _stored_config(out, settings) if resume else config_of(settings)
        dataset, held_out = open_splits(settings)
    check_precision(config.precision, device)
    if resume:
        checkpoint = load_checkpoint(out / LAST, device=device)
        model = checkpoint.model
        _check_model(out, settings, model)
    else:
        checkpoint = None
        model, settings = new_model(settings, dataset, config, device)
    records = train_and_tell(model, dataset, held_out, config, out, checkpoint, processes, remember=settings)
    if resume and records[-1:] and records[-1]["step"] == checkpoint.step:
        done = f"{out}: was finished after {checkpoint.step} steps"
        console.print(f"{done}; to train for longer: {train_on(out, settings)}", markup=False, soft_wrap=True)
    return dataset, held_out


def config_of(settings):
    """The TrainConfig among the settings of a run."""
    return TrainConfig(**{name: settings[name] for name in TRAIN_FIELDS})


def _stored_config(out, settings):
    """The same, of a run to go on with: what is wrong with it stands in a file."""
    try:
        return config_of(settings)
    except MinissdError as error:
        raise MinissdError(f"{out / CONFIG}: {error}: restore the file or start a new run") from None


@contextmanager
def _kinds_checked(out):
    """MinissdError if the block finds a setting of the wrong kind: only a config.json edited by hand can have one."""
    try:
        yield
    except TypeError as error:
        raise MinissdError(
            f"{out / CONFIG}: a setting is of the wrong kind ({error}): restore the file or start a new run"
        ) from None


def new_model(settings, dataset, config, device):
    """(the network at its start, from weights if some are given; the settings with its options as they are then)."""
    settings = with_fitted_boxes(settings, dataset)
    model = build(settings["model"], classes=dataset.classes, seed=config.seed, device=device, **settings["options"])
    if settings["weights"]:
        report = weights.start_from(model, weights_file(settings["weights"]))
        console.print(f"{settings['weights']}: {report}", markup=False, soft_wrap=True)
        check_batch_norm(settings, report)
        balance(model, dataset, report)
        settings = settings | {"options": {name: model.options[name] for name in settings["options"]}}  # its boxes
    return model, settings


def balance(model, dataset, report):
    """Bring what was trained and what is fresh to one scale, where batch norm does not, and say so."""
    fresh = [name for name in report.untouched if name in model.params]
    if not fresh or not weights.can_be_balanced(model):
        return
    images = np.stack([model.resized(dataset[i].image) for i in range(min(weights.ENOUGH_IMAGES, len(dataset)))])
    low, high = weights.balance(model, to_device(images, model.device), fresh)
    told = f"activations of {low:.2g} to {high:.2g} (rms), brought to 1 like those of the fresh layers"
    console.print(f"the trained layers had {told}", markup=False, soft_wrap=True)


def with_fitted_boxes(settings, dataset):
    """The settings of a run, in which --boxes fit has become shapes that fit the objects of its training images."""
    options = settings["options"]
    if options.get("boxes") != FIT:
        return settings
    usual = build(settings["model"], classes=dataset.classes, **options | {"boxes": OWN})
    objects = [dataset.objects(i) for i in range(len(dataset))]
    fitted = fit_boxes(usual.spec, objects, settings["seed"])
    console.print(f"default boxes fitted to the shapes of {sum(len(one.labels) for one in objects):,} objects")
    return settings | {"options": options | {"boxes": fitted.shapes}}


def _check_model(out, settings, model):
    """MinissdError if the checkpoint in the folder is not of the network that config.json names."""
    options = {name: model.options.get(name) for name in settings["options"]}
    if (model.name, options) != (settings["model"], settings["options"]):
        raise MinissdError(
            f"{out / LAST}: is of {model.name} {options}, but {CONFIG} of {settings['model']} {settings['options']}: "
            "restore the one that belongs to this run"
        )


def check_batch_norm(settings, report):
    """MinissdError if a network with batch norm got weights without, or the other way round: neither would work."""
    wanted = settings["options"].get("batch_norm")
    if wanted and not any(".bn" in ours for ours in report.matched.values()):
        raise MinissdError(
            f"{settings['weights']}: trained without batch norm, which --recipe {settings['recipe']} puts into the "
            "network: add --recipe finetune or paper-voc07"
        )
    if wanted is False and any(".bn" in theirs for theirs in report.left_over):
        raise MinissdError(f"{settings['weights']}: trained with batch norm: add --batch-norm, or --recipe scratch")


def train_and_tell(model, dataset, held_out, config, out, checkpoint=None, processes=ALONE, remember=None):
    """Train with a progress bar, and say what; returns the records of the log."""
    parameters = sum(p.size for p in model.params.values())
    predicts = f"{model.predicts}, " if model.predicts else ""
    console.print(
        f"[bold]{model.name}[/]: {parameters:,} parameters, {predicts}"
        f"{model.input_size}x{model.input_size} input, on {model.device}"
        + (f", {processes.size} processes" if processes.size > 1 else ""),
        soft_wrap=True,
    )
    if config.freeze:
        still = frozen_layers(model, config.freeze)
        trained = sum(array.size for array in trained_params(model, config.freeze).values())
        layers = [name in still for name, layer in model.leaves() if layer.params]
        count = f"{sum(layers)} of {len(layers)} layers, {trained:,} parameters are trained"
        console.print(f"frozen: {config.freeze}: {count}", markup=False, soft_wrap=True)
    names = ", ".join(dataset.classes)
    console.print(f"{dataset.name}: {len(dataset)} images of {names}", markup=False, soft_wrap=True)
    if config.balance:
        drawn = sorted(drawn_in_an_epoch(dataset, task_of(model)).items(), key=lambda pair: pair[1][0])[:SHOWN]
        words = ", ".join(f"{name} {draws:.0f} (of {images})" for name, (images, draws) in drawn)
        console.print(f"balanced, draws of images in an epoch: {words}", markup=False, soft_wrap=True)
    print_notes(dataset)
    with training_progress(config, task_of(model).metric, checkpoint.step if checkpoint else 0) as progress:
        try:
            options = {"resume": checkpoint, "report": progress, "processes": processes, "remember": remember}
            records = train(model, dataset, config, validation=held_out, out=out, **options)
        except BaseException as error:
            _say_how_to_go_on(error, out)
            raise
    return records


def _say_how_to_go_on(error, out):
    """What became of the work, as `train` noted it on the error."""
    for note in getattr(error, "__notes__", ()):
        console.print(note, markup=False, soft_wrap=True)
        if (out / LAST).exists():
            console.print(f"to go on: minissd train --out {quote(str(out))} --resume", markup=False, soft_wrap=True)
