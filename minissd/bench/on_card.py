"""The benchmarks of `minissd bench --device cuda`: SSD300 in use and in training, NMS, a real run, memory, busy share.

Times are the GPU's own, between two events with all its work before and after waited for, so copies to and from the
host count, and so does waiting for launches.  PyTorch works eagerly on the same GPU, in channels_last, in the same
precision, and takes turns with us.
"""

from typing import NamedTuple

import numpy as np

from minissd.bench import detection, ssd300
from minissd.bench.agreement import require_all_agree
from minissd.bench.figures import MINISSD, OWN_RATE, OWN_TIME, SPEED, Figure, Goal
from minissd.bench.step import check as check_losses
from minissd.bench.subject import pictures, training_batch
from minissd.bench.timing import fewer, interleaved
from minissd.detection import SSD300, default_boxes, detections_from
from minissd.device import free_card_memory, to_device, to_numpy
from minissd.device.card import memory_held, milliseconds_on_card
from minissd.engine.products import precision
from minissd.training import SGD, TrainConfig, train_step
from minissd.training.loss_scale import loss_scale_for

PYTORCH = "channels_last"
BATCHES, BATCH_IN_USE, BATCH_IN_TRAINING = (1, 8, 32), 8, 32
CHECKED_STEPS = 2
# the largest error of an output, in the largest output: 10 bits of mantissa through 23 layers
TOLERANCES = {"fp32": 1e-3, "tf32": 2e-2, "fp16": 2e-2}
NETWORK_GOAL, RATE_GOAL = Goal(SPEED, 0.5, 0.9), Goal(OWN_RATE, 400, 1000)
STEP_GOAL, NMS_GOAL = Goal(SPEED, 0.4, 0.8), Goal(OWN_TIME, 1.7, 0.5)


class Conditions(NamedTuple):
    device: str
    precision: str = "fp32"
    data: str | None = None  # what `open_dataset` takes


def inference(peer, repeat, report, conditions):
    """The network alone beside PyTorch, at each batch size, then from images in host memory to detections there."""
    there, here = model_and_twin_source(conditions)
    figures = []
    with precision(conditions.precision), there.inference():
        for count in BATCHES:
            figures += network(there, here, count, peer, repeat, report, conditions)
        images = pictures(BATCH_IN_USE, there.input_size)
        times = on_card({MINISSD: lambda: there.detect(to_device(images, there.device))}, repeat, report)
    rates = {MINISSD: [1e3 * len(images) / time for time in times[MINISSD]]}
    work = f"{there.name}, images to detections, batch {len(images)}, {conditions.precision}"
    return [*figures, Figure(work, "images/s", rates, RATE_GOAL)]


def network(there, here, count, peer, repeat, report, conditions):
    """Figures of the forward pass of `count` images: time and memory."""
    work = f"{there.name} forward, batch {count}, {conditions.precision}"
    host_images = pictures(count, there.input_size)
    images = to_device(host_images, there.device)

    def ours():
        return dict(zip(("offsets", "logits"), there.infer(images), strict=True))

    sides = {MINISSD: ours}
    if peer:
        sides[PYTORCH] = peer.Inference(here, host_images, conditions.precision)
        found = {name: to_numpy(array) for name, array in ours().items()}
        sides[PYTORCH]()
        require_all_agree(work, found, sides[PYTORCH].results(), tolerance=TOLERANCES[conditions.precision])
    goal = NETWORK_GOAL if count == BATCH_IN_USE else None
    return [Figure(work, "ms", on_card(sides, repeat, report), goal), memory(work, sides, peer)]


def training(peer, repeat, report, conditions):
    """A training step, the batch being on the GPU: forward, multibox loss, backward, SGD, the loss read."""
    there, here = model_and_twin_source(conditions)
    config = TrainConfig(lr=ssd300.LR, negatives="paper", precision=conditions.precision)
    batch = training_batch(here, BATCH_IN_TRAINING)
    moved = batch._replace(
        images=to_device(batch.images, there.device),
        targets=tuple(to_device(target, there.device) for target in batch.targets),
    )
    optimizer = SGD(there.params, config.lr, config.momentum, config.weight_decay)
    scale = loss_scale_for(config.precision)
    there_already = {"moved": moved, "loss_scale": scale}
    sides = {MINISSD: lambda: train_step(there, optimizer, batch, config, 0, **there_already)["loss"]}
    if peer:
        sides[PYTORCH] = peer.TrainingStep(here, batch, config, config.precision)
    work = f"{there.name} training step, batch {BATCH_IN_TRAINING}, {config.precision}"
    losses = {name: [side() for _ in range(CHECKED_STEPS)] for name, side in sides.items()}
    check_losses(work, losses, tolerance=TOLERANCES[config.precision])
    times = on_card(sides, fewer(repeat), report)
    return [Figure(work, "ms", times, STEP_GOAL), memory(work, sides, peer)]


def nms(peer, repeat, report, conditions):
    """Decode and NMS of SSD300's output, which lies on the GPU, to detections in host memory; each image's share."""
    boxes = default_boxes(SSD300)
    objects = detection.random_objects(np.random.default_rng(0))
    output = detection.realistic_output(boxes, *objects, np.random.default_rng(1))
    figures = []
    for count in (1, BATCH_IN_USE):
        offsets, logits = (to_device(part[None].repeat(count, axis=0), conditions.device) for part in output)
        boxes_there = to_device(boxes.astype(output[0].dtype), conditions.device)

        def ours(offsets=offsets, logits=logits, boxes_there=boxes_there):
            return detections_from(offsets, logits, boxes_there, iou_threshold=detection.IOU_THRESHOLD)

        for found in ours():
            detection.check(found, *objects)
        times = on_card({MINISSD: ours}, repeat, report)
        each = {MINISSD: [time / count for time in times[MINISSD]]}
        work = f"decode + NMS: {len(boxes)} boxes, {detection.CLASSES} classes, an image of {count}"
        figures.append(Figure(work, "ms", each, NMS_GOAL))
    return figures


def model_and_twin_source(conditions):
    """The network on the GPU, and the same numbers in host memory, from which PyTorch's twin is made."""
    return ssd300.SUBJECT.model(conditions.device), ssd300.SUBJECT.model()


def on_card(sides, repeat, report):
    """Milliseconds of every call, as `interleaved` gives them, by the clock of the GPU."""
    clock = lambda side: milliseconds_on_card(side)[0]  # noqa: E731
    return interleaved(sides, repeat, lambda done, total: report("timing", done, total), clock)


def memory(work, sides, peer):
    """A figure of what each side takes from the GPU for the work, weights and caches not counted as free."""
    taken = {}
    for name, side in sides.items():
        theirs = name == PYTORCH
        forget, held = (peer.forget_memory, peer.memory_held) if theirs else (free_card_memory, memory_held)
        forget()
        side()
        taken[name] = [held() / 2**20]
    return Figure(f"{work}: memory of the GPU", "MiB", taken)
