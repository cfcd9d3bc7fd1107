"""`minissd evaluate`: score a checkpoint the PASCAL VOC way, and draw what the scores mean."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.markup import escape

from minissd import detection
from minissd.backend import resolve_device
from minissd.cli import options
from minissd.cli.console import console, print_notes, print_table, progress_bar, simple_table
from minissd.data import open_dataset
from minissd.files import write_json
from minissd.training import evaluate as score
from minissd.training import load_checkpoint

SHEET_IMAGES = 6


class Method(StrEnum):
    voc07 = "voc07"
    area = "area"


def evaluate(
    checkpoint: options.CheckpointFile,
    data: options.Data = "shapes",
    split: Annotated[str, typer.Option(help="Images to score: a name in ImageSets/Main.")] = "test",
    limit: options.Limit = None,
    iou: Annotated[float, typer.Option(help="Overlap from which a detection counts.", min=0.05, max=0.95)] = 0.5,
    method: Annotated[Method, typer.Option(help="Average precision at 11 points, or the area.")] = Method.voc07,
    batch_size: options.BatchSize = 16,
    device: options.Device = "auto",
    workers: options.Workers = 2,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for metrics.json and pictures; that of the checkpoint unless given.", metavar="DIR"),
    ] = None,
):
    """Score a checkpoint on a data set: AP of each class, mAP, recall, and pictures of them."""
    model = load_checkpoint(checkpoint, device=resolve_device(device)).model
    dataset = open_dataset(
        data,
        split,
        classes=model.classes,
        limit=limit,
        size=model.input_size,
        keep_others=True,
    )
    print_notes(dataset)
    metrics = evaluate_and_draw(
        model,
        dataset,
        out or checkpoint.parent,
        method=method.value,
        iou_threshold=iou,
        batch_size=batch_size,
        workers=workers,
    )
    print_metrics(metrics, f"{dataset.name} {split}: {len(dataset)} images, IoU {iou:g}, {method.value}")
    console.print(f"metrics.json and pictures: {out or checkpoint.parent}", markup=False, soft_wrap=True)


def evaluate_and_draw(model, dataset, out, *, method="voc07", iou_threshold=0.5, batch_size=16, workers=2):
    """Score a model with a progress bar; write metrics.json and the pictures into the folder `out`."""
    with progress_bar("images") as bar:
        task = bar.add_task("evaluate", total=len(dataset), speed=0, note="")

        def report(done, total):
            bar.update(task, completed=done, speed=bar.tasks[task].speed or 0)

        metrics, detections, objects = score(
            model,
            dataset,
            method=method,
            iou_threshold=iou_threshold,
            batch_size=batch_size,
            workers=workers,
            report=report,
        )
    write_json(out / "metrics.json", metrics)
    from minissd.viz.curves import average_precision_chart, precision_recall_curves  # matplotlib is slow to import
    from minissd.viz.style import save_picture

    curves = detection.precision_recall_curves(detections, objects, dataset.classes, iou_threshold)
    save_picture(precision_recall_curves(curves, metrics["AP"], method), out / "precision_recall.png")
    save_picture(average_precision_chart(metrics["AP"], method), out / "average_precision.png")
    least = best_scores(curves)
    save_picture(sheet(dataset, detections, least), out / "detections.png")
    drawn = ", ".join(f"{name} {score:.2f}" for name, score in zip(dataset.classes, least, strict=True))
    console.print(f"drawn from the score on that balances precision and recall: {drawn}", markup=False, soft_wrap=True)
    return metrics


def best_scores(curves):
    """(C,) for each class the score from which on its detections reach the highest F1 = 2 P R / (P + R)."""
    least = []
    for curve in curves.values():
        f1 = 2 * curve.precision * curve.recall / np.maximum(curve.precision + curve.recall, 1e-9)
        least.append(curve.scores[f1.argmax()] if len(f1) else 1.0)
    return np.array(least)


def sheet(dataset, detections, least):
    """Detections beside the ground truth for a few images spread over the data set; least: the lowest scores (C,)."""
    from minissd.viz.boxes import detection_sheet, detections_beside_truth

    chosen = np.unique(np.linspace(0, len(dataset) - 1, SHEET_IMAGES).round().astype(int))
    rows = []
    for i in chosen:
        sample = dataset[i]
        clear = detections[i].scores >= least[detections[i].labels]
        found = detection.Detections(*(part[clear] for part in detections[i]))
        rows.append(detections_beside_truth(sample.image, found, sample.objects, dataset.classes, title=sample.id))
    return detection_sheet(rows)


def print_metrics(metrics, title):
    table = simple_table("class", "AP")
    for name, ap in metrics["AP"].items():
        table.add_row(escape(name), _figure(ap))
    table.add_section()
    table.add_row("mAP", _figure(metrics["mAP"]))
    table.add_row("recall", _figure(metrics["recall"]))
    print_table(title, table)


def _figure(value):
    return "no object" if np.isnan(value) else f"{value:.4f}"
