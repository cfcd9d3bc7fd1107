"""A training run: steps, validations, and what surrounds them so that no work is lost (the step itself: step.py).

A run is a function of its seed: batch number b of epoch e, its augmentation and its dropout are drawn from
(seed, e, b) and not from a generator with a state, which is why a stopped run resumes bit for bit.
"""

import math
import time
from contextlib import ExitStack, nullcontext
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from minissd.data import PRESETS, Loader
from minissd.data.samples import Dataset
from minissd.detection import precision_recall_curves
from minissd.device.card import uploaded
from minissd.engine.products import precision
from minissd.errors import MinissdError
from minissd.metrics import best_thresholds
from minissd.models import Network
from minissd.models.detector import Detector
from minissd.models.freezing import frozen
from minissd.training.balance import draw_weights
from minissd.training.checkpoint import Checkpoint
from minissd.training.config import TrainConfig
from minissd.training.evaluation import check_classes, check_scorable, evaluate
from minissd.training.finite import Divergence
from minissd.training.interrupt import interrupt_at_the_end, stoppable
from minissd.training.log_formats import check_available
from minissd.training.loss_scale import loss_scale_for
from minissd.training.memory import step_that_fits
from minissd.training.optim import SGD
from minissd.training.parallel import ALONE, Processes, start_alike
from minissd.training.progress import run_shown
from minissd.training.run import Run
from minissd.training.run_folder import entered
from minissd.training.step import train_step
from minissd.training.tasks import task_of


def train(
    model: Network,
    data: Dataset,
    config: TrainConfig,
    *,
    validation: Dataset | None = None,
    out: str | Path | None = None,
    augmentation: Any = None,
    resume: Checkpoint | None = None,
    report: Any = None,
    processes: Processes = ALONE,
    remember: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Train `model` on the data set `data`; returns the log records of the run, one dict a step.

    validation: a data set to score every `config.validate_every` epochs; the best, by the metric of the model's task,
    is kept as best.safetensors.
    out: folder of the run, see run_folder.py; nothing is written without it.  MinissdError if it holds a run already,
    or if another process trains into it.
    augmentation: a `minissd.data.Augmentation` in place of the preset that `config` names.
    resume: the `Checkpoint` to go on from; its model must be `model`, and the images those that the run began with.
    report(record, total_steps): called after every step and every validation; if it has a `validating(done, total)`,
    that is called after every batch of a validation.  None shows the progress where somebody watches, in a terminal
    or a notebook; False shows none.
    processes: those that train together, from `minissd.training.join()`; the first alone validates, writes, reports.
    remember: further settings for config.json.

    The run is saved as last.safetensors after every epoch and in long ones every few minutes, and whatever ends it
    before its time: Ctrl-C, SIGTERM or SIGHUP (after the step under way), an image that cannot be read, an error in a
    validation.  The exception passes on, with a note of what was saved.
    """
    if processes.rank > 0:
        validation, out, report = None, None, False
    check_available(config.log)
    loader = batches_of(model, data, config, augmentation, processes)
    if validation is not None:
        check_classes(model, validation)
        check_scorable(model, validation)
    loss_scale = loss_scale_for(config.precision, resume and resume.settings.get("loss_scale"))
    if config.patience and validation is None and processes.rank == 0:
        raise MinissdError(f"--patience {config.patience} needs images to validate on: give some, or leave it out")
    sets = {"training": data, "validation": validation}
    with ExitStack() as stack:
        optimizer = optimizer_for(model, stack.enter_context(frozen(model, config.freeze)), config)
        if resume:
            _restore(optimizer, model, resume)
        start_alike(processes, model, optimizer, data, resume.step if resume else 0)
        stack.enter_context(stoppable() if processes.rank == 0 else nullcontext())
        place = {"resume": resume, "remember": remember, "augmentation": augmentation}
        prints = stack.enter_context(entered(out, model, config, sets, **place))
        run = Run(model, optimizer, loss_scale, config, task_of(model).metric, folder=out, prints=prints, resume=resume)
        report = stack.enter_context(run_shown(report, config, run.metric, run.step))
        stack.callback(run.log.close)
        try:
            _go_through(run, loader, validation, report, processes)
            run.curves.draw()
        except BaseException as error:
            run.keep_after(error)
            raise
    return run.log.records


def batches_of(model, data, config, augmentation=None, processes=ALONE):
    """The batches of the data set; MinissdError if there is nothing to learn in it."""
    check_classes(model, data)
    task = task_of(model)
    prepare = task.preparation(model, augmentation or PRESETS[config.augmentation])
    options = {"seed": config.seed, "workers": config.workers, "part": (processes.rank, processes.size)}
    weights = draw_weights(data, task) if config.balance else None
    loader = Loader(data, prepare, config.batch_size, **options, weights=weights)
    if loader.batches_per_epoch == 0:
        raise MinissdError(f"{data.name} has no image to train on: choose another split or more classes")
    if not task.learnable(data):
        raise MinissdError(
            f"{data.name}: not one of the {len(data)} images shows anything of {', '.join(data.classes)}, so there is "
            "nothing to learn: choose another split or other classes, or mend the annotation"
        )
    return loader


def optimizer_for(model, trained, config):
    """SGD for the parameters that are trained, name -> array."""
    trunk = {name: config.trunk_rate for name in trained if name.partition(".")[0] in model.trunk}
    rates = config.lr, config.momentum, config.weight_decay
    return SGD(trained, *rates, bias_lr=config.bias_lr, bias_decay=config.bias_decay, factors=trunk)


def _go_through(run, loader, validation, report, processes):
    """All steps that are left, and the validations that are due."""
    config, model, divergence = run.config, run.model, Divergence(run.log.records)
    per_epoch = loader.batches_per_epoch
    total = config.total_steps(per_epoch)
    epochs = math.ceil(total / per_epoch)
    # A run that was stopped at the end of an epoch returns to it, for its validation may be missing.
    for epoch in range(max(run.step - 1, 0) // per_epoch, epochs):
        left = loader.epoch(epoch, start=run.step - epoch * per_epoch)
        for batch, moved in uploaded(islice(left, total - run.step), model.device):
            with interrupt_at_the_end():
                started = time.perf_counter()
                run.optimizer.lr = config.learning_rate(run.step, total)
                with run.whole_step():
                    losses = _step(run, batch, moved, processes)
                record = run.done(epoch, losses, round(time.perf_counter() - started, 4))
            report(record, total)
            divergence.look_at(record)
            run.keep_now_and_then()
        run.keep()
        if validation is not None and _due(epoch, epochs, config) and not run.log.has_validation(run.step):
            metrics = _validate(model, validation, config, getattr(report, "validating", False), processes)
            report(run.validated(epoch, metrics), total)
            run.keep()
        if config.patience and epoch + 1 < epochs and any(processes.gather(run.waited >= config.patience)):
            if hasattr(report, "say") and validation is not None:  # process 0 alone validates
                why = f"{run.metric} has not risen above {run.best:.3f} in {run.waited} validations (--patience)"
                report.say(f"stopped after epoch {epoch + 1}: {why}")
            break


def _validate(model, validation, config, report, processes):
    """The metrics of a validation; a detector remembers the best thresholds of its classes."""
    part = math.ceil(config.batch_size / config.accumulate / processes.size)  # what the memory holds
    scoring = {"method": config.metric} if isinstance(model, Detector) else {}
    options = {"batch_size": part, "workers": config.workers, "report": report}
    with precision(config.precision):
        metrics, found, truth = evaluate(model, validation, **options, **scoring)
    if isinstance(model, Detector):
        model.thresholds = best_thresholds(precision_recall_curves(found, truth, model.classes))
    return metrics


def _step(run, batch, moved, processes):
    """The losses of one update, or a MinissdError that says what would fit into the memory."""
    of_step = {"processes": processes, "moved": moved, "loss_scale": run.loss_scale}
    step = partial(train_step, run.model, run.optimizer, batch, run.config, run.step, **of_step)
    return step_that_fits(step, partial(train_step, run.model, step=run.step), batch, run.config)


def _due(epoch, epochs, config):
    """Whether to validate after this epoch (from 0): every few, and after the last."""
    return (epoch + 1) % config.validate_every == 0 or epoch + 1 == epochs


def _restore(optimizer, model, checkpoint):
    if checkpoint.model is not model:
        raise ValueError("train: the model must be that of the checkpoint to resume from, resume.model")
    if not checkpoint.velocity:
        raise MinissdError("the checkpoint holds no momentum: it can be evaluated, but not resumed")
    if checkpoint.velocity.keys() != optimizer.velocity.keys():
        raise MinissdError(
            "the checkpoint holds the momentum of other layers than are trained: resume with its --freeze"
        )
    for name, velocity in checkpoint.velocity.items():
        optimizer.velocity[name][...] = velocity
