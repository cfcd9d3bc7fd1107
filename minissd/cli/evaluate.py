"""`minissd evaluate`: score a checkpoint, and draw what the scores mean."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from minissd.backend import resolve_device
from minissd.card import check_precision
from minissd.cli import networks, options
from minissd.cli.console import console, print_notes, progress_bar
from minissd.cli.results import RESULTS
from minissd.data import open_dataset
from minissd.files import check_writable, write_json
from minissd.ops import products
from minissd.training import evaluate as score


class Method(StrEnum):
    voc07 = "voc07"
    voc07_arange = "voc07-arange"
    area = "area"


def evaluate(
    checkpoint: networks.Checkpoint = None,
    weights: networks.Weights = None,
    model: networks.Model = None,
    classes: networks.Classes = None,
    data: options.Data = "shapes",
    split: options.Split = "test",
    limit: options.Limit = None,
    iou: Annotated[float, typer.Option(help="Overlap from which a detection counts.", min=0.05, max=0.95)] = 0.5,
    method: Annotated[
        Method, typer.Option(help="AP at 11 points, exact or as np.arange has them, or the area.")
    ] = Method.voc07,
    batch_size: options.BatchSize = 16,
    device: options.Device = "auto",
    precision: options.Precision = "fp32",
    workers: options.Workers = 2,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for metrics.json and pictures; else that of the checkpoint.", metavar="DIR"),
    ] = None,
):
    """Score a checkpoint on a data set: mAP of boxes, accuracy of labels, IoU of masks, and pictures of them."""
    device = resolve_device(device)
    check_precision(precision, device)
    network = networks.network(checkpoint, weights, model, options.parse_classes(classes), device)
    where = {"classes": network.classes, "limit": limit, "size": network.input_size}
    dataset = open_dataset(data, split, task=network.task, keep_others=True, **where)
    print_notes(dataset)
    scoring = {"iou_threshold": iou, "method": method.value} if network.task == "detect" else {}
    place = out or (checkpoint.parent if checkpoint else Path("evaluation"))
    with products.precision(precision):
        metrics = evaluate_and_draw(network, dataset, place, batch_size=batch_size, workers=workers, **scoring)
    how = f", IoU {iou:g}, {method.value}" if scoring else ""
    RESULTS[network.task].print(metrics, f"{dataset.name} {split}: {len(dataset)} images{how}")
    console.print(f"metrics.json and pictures: {place}", markup=False, soft_wrap=True)


def evaluate_and_draw(model, dataset, out, *, batch_size=16, workers=2, **scoring):
    """Score a model with a progress bar; write metrics.json and the pictures into the folder `out`."""
    check_writable(out)
    with progress_bar("images") as bar:
        task = bar.add_task("evaluate", total=len(dataset), speed=0, note="")

        def report(done, total):
            bar.update(task, completed=done, speed=bar.tasks[task].speed or 0)

        metrics, found, truth = score(model, dataset, batch_size=batch_size, workers=workers, report=report, **scoring)
    write_json(out / "metrics.json", metrics)
    RESULTS[model.task].draw(dataset, metrics, found, truth, out, **scoring)
    return metrics
