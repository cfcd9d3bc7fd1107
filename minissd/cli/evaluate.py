"""`minissd evaluate`: score a checkpoint, and draw what the scores mean."""

import re
from enum import StrEnum
from itertools import chain, count
from pathlib import Path
from typing import Annotated

import typer

from minissd.cli import networks, options
from minissd.cli.console import console, note_spelled_out, print_note, print_notes
from minissd.cli.results import RESULTS, shown_at, write_classes
from minissd.cli.runs import place_of_data
from minissd.data import open_dataset, places_in
from minissd.device import resolve_device
from minissd.device.card import check_precision
from minissd.engine import products
from minissd.errors import MinissdError
from minissd.export.results import SAVERS, check_savable, other_pixels
from minissd.files import check_writable, parse_json, write_json
from minissd.metrics.boxes import metric_name
from minissd.metrics.coco import OVERLAPS
from minissd.training import evaluate as score
from minissd.training.checkpoint import read_description
from minissd.training.run_folder import images_of_run, read_settings


class Format(StrEnum):
    voc = "voc"
    coco = "coco"


def evaluate(
    checkpoint: networks.Checkpoint = None,
    weights: networks.Weights = None,
    model: networks.Model = None,
    classes: networks.Classes = None,
    data: options.Data = "shapes",
    image_folder: options.ImageFolder = None,
    split: options.Split = "test",
    limit: options.Limit = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", "--method", help=f"How boxes are scored: {options.METRICS}.", show_default="voc07"),
    ] = None,
    iou: Annotated[
        str | None,
        typer.Option(help="Overlap from which a detection counts, or several: 0.5,0.75.", show_default="0.5"),
    ] = None,
    batch_size: options.BatchSize = 16,
    device: options.Device = "auto",
    engine: options.Engine = "fast",
    precision: options.Precision = "fp32",
    workers: options.Workers = 2,
    save: Annotated[
        list[Format] | None,
        typer.Option(
            help="Also write all detections: voc, the text files of VOC's development kit, or coco, results JSON for "
            "pycocotools; may be given twice."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for metrics.json and pictures; else that of the checkpoint.", metavar="DIR"),
    ] = None,
):
    """Score a checkpoint on a data set: mAP of boxes, accuracy of labels, IoU of masks, with pictures."""
    device = resolve_device(device)
    check_precision(precision, device)
    scoring = scoring_of(metric, iou)
    network = networks.network(checkpoint, weights, model, options.parse_classes(classes), device)
    where = {"classes": network.classes, "limit": limit, "size": network.input_size}
    dataset = open_dataset(data, split, task=network.task, keep_others=True, images=image_folder, **where)
    print_notes(dataset)
    if network.task != "detect" and scoring:
        raise MinissdError(f"--metric and --iou are for detectors, and {network.name} is none: leave them out")
    if save and network.task != "detect":
        raise MinissdError(f"--save writes boxes, and {network.name} finds none: leave it out")
    check_savable(dataset, save or ())
    say_what_was_trained_on(checkpoint, data, dataset)
    if network.task == "detect":
        scoring = {"iou_threshold": 0.5, "method": "voc07"} | scoring
    place = out or (checkpoint.parent if checkpoint else Path("evaluation"))
    question = question_of(checkpoint, weights, data, split, limit, dataset, place)
    with products.precision(precision):
        working = {"batch_size": batch_size, "workers": workers, "save": save or ()}
        evaluate_and_draw(network, dataset, place, question, **working, **scoring)


def scoring_of(metric, iou):
    """What the score of boxes takes, as far as the user said it; MinissdError for what cannot be meant."""
    scoring = {} if metric is None else {"method": metric_name(metric)}
    if iou is None:
        return scoring | ({"iou_threshold": OVERLAPS.round(2).tolist()} if scoring.get("method") == "coco" else {})
    if scoring.get("method") == "coco":
        raise MinissdError("--metric coco has overlaps of its own, 0.5 to 0.95: leave --iou out, or use --metric voc")
    try:
        overlaps = sorted({float(part) for part in iou.split(",")})
    except ValueError:
        overlaps = []
    if not overlaps or not all(0.05 <= one <= 0.95 for one in overlaps):
        raise MinissdError(f"--iou {iou!r}: give one overlap from 0.05 to 0.95, or several, as 0.5,0.75")
    return scoring | {"iou_threshold": overlaps[0] if len(overlaps) == 1 else overlaps}


def question_of(checkpoint, weights, data, split, limit, dataset, place):
    """What a score is of, as metrics.json says it."""
    if checkpoint is not None:
        beside = checkpoint.absolute().parent == place.absolute()  # so that a run folder may be moved
        network = {"checkpoint": checkpoint.name if beside else str(checkpoint.absolute())}
        network |= {"step": int(read_description(checkpoint)[0]["step"])}
    else:
        network = {"weights": weights}
    images = {"split": split, "limit": limit, "images": len(dataset), "classes": list(dataset.classes)}
    return network | {"data": place_of_data(data)} | images


def evaluate_and_draw(model, dataset, out, question, *, batch_size=16, workers=2, save=(), **scoring):
    """Score a model, print the figures, then write them and the pictures into the folder `out`, or below it.

    question: what the score is of.  Answers to others stay as they are.  save: names in SAVERS.
    """
    check_writable(out)
    metrics, found, truth = score(model, dataset, batch_size=batch_size, workers=workers, **scoring)
    how = ", ".join([f"{dataset.name} {question['split']}: {len(dataset)} images", *map(_in_words, scoring.items())])
    if model.task == "detect":
        metrics |= shown_at(model, found, truth, scoring["iou_threshold"])
    results = RESULTS[model.task]
    results.print(metrics, how)
    folder = folder_for(out, question | scoring, dataset.name)
    write_json(folder / "metrics.json", metrics | question | scoring)
    if model.task == "detect":
        write_classes(metrics, folder / "classes.csv")
    for name in save:
        console.print(f"detections: {SAVERS[name](dataset, found, folder, question['split'])}", soft_wrap=True)
    if save and other_pixels(dataset):
        print_note("the boxes that are saved count the pixels of the image files, and the annotations others")
    console.print(f"metrics.json and pictures: {folder}", markup=False, soft_wrap=True)
    note_spelled_out(dataset.classes)
    results.draw(dataset, metrics, found, truth, folder, **scoring)


def _in_words(setting):
    name, value = setting
    return value if name != "iou_threshold" else f"IoU {_overlaps(value, ', ')}"


def _overlaps(value, between):
    """One overlap, or several, COCO's as 0.5:0.95."""
    if value == OVERLAPS.round(2).tolist():
        return "0.5:0.95"
    return between.join(f"{one:g}" for one in (value if isinstance(value, list) else [value]))


def folder_for(place, question, name):
    """Where the answer goes: to `place`, or where another question's lies there, to a folder of its own below it.

    question: what tells it from others; name: of the data.
    """
    words = [Path(question.get("checkpoint") or str(question["weights"])).stem, name, question["split"]]
    words += [f"first{question['limit']}"] if question["limit"] else []
    words += [f"iou{_overlaps(question['iou_threshold'], '+')}", question["method"]] if "method" in question else []
    below = "-".join(re.sub(r"[^\w.]+", "_", word) for word in words)
    names = chain([""], [f"evaluation-{below}"], (f"evaluation-{below}-{k}" for k in count(2)))
    return next(place / one for one in names if _is_free(place / one / "metrics.json", question))


def _is_free(path, question):
    """Whether there is no metrics.json, or one that answers this question (at another step, perhaps)."""
    try:
        there = parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    changing = ("step", "images")
    return isinstance(there, dict) and all(
        there.get(key) == value for key, value in question.items() if key not in changing
    )


def say_what_was_trained_on(checkpoint, data, dataset):
    """A note if the network knows some of the images: what a score of those says."""
    trained = set(images_of_run(checkpoint.parent).get("training", ())) if checkpoint else set()
    among_several = f"{dataset.name}/"  # what ids begin with where it was one of several sets to train on
    known = [image_id for image_id in dataset.ids if {image_id, among_several + image_id} & trained]
    if not known:
        return
    same = set(places_in(place_of_data(data))) <= set(places_in(str(read_settings(checkpoint.parent).get("data"))))
    what, when = ("are images", "") if same else ("have the ids of images", "if they are the same, ")
    print_note(
        f"{len(known)} of the {len(dataset)} images {what} that the network was trained on (first: {known[0]}): "
        f"{when}the score is better than it would be on new ones"
    )
