"""`minissd explain errors`: why one detector scores below another."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.markup import escape

from minissd.cli import looking, options
from minissd.cli.console import console, print_notes, print_table, simple_table
from minissd.cli.networks import given
from minissd.cli.results import in_words, thresholds_for
from minissd.data import open_dataset
from minissd.detection import precision_recall_curves
from minissd.detection.object_errors import FOUND, lost_in_cells, object_errors
from minissd.device import resolve_device
from minissd.errors import MinissdError
from minissd.files import check_writable
from minissd.models import YOLO
from minissd.models.yolo_v1 import SIDE
from minissd.training import evaluate, load_checkpoint

SIDES = (0.1, 0.2, 0.3)  # parts of the image: between the groups of sizes
YOLO_V1 = ("yolo-v1", SIDE, None)  # its cells a side, and no anchors: to compare with


def explain_errors(
    checkpoints: Annotated[
        list[Path] | None,
        typer.Argument(help="Run folders or checkpoints of detectors with the same classes.", metavar="CHECKPOINT..."),
    ] = None,
    further: Annotated[
        list[Path] | None, typer.Option("--checkpoint", help="The same, as an option for each.", metavar="PATH")
    ] = None,
    data: options.Data = "shapes",
    split: options.Split = "test",
    limit: options.Limit = None,
    device: options.Device = "auto",
    engine: options.Engine = "fast",
    out: looking.Out = Path("explained"),
):
    """Compare detectors object by object: which sizes they miss, how well their boxes lie; errors.png shows it."""
    check_writable(out)
    checkpoints = [given(path) for path in [*(checkpoints or ()), *(further or ())]]
    if not checkpoints:
        raise typer.BadParameter("give at least one of them", param_hint=["CHECKPOINT...", "--checkpoint"])
    networks = [load_checkpoint(path, device=resolve_device(device)).model for path in checkpoints]
    first = networks[0]
    for path, network in zip(checkpoints, networks, strict=True):
        if network.task != "detect" or network.classes != first.classes:
            raise MinissdError(f"{path}: is no detector of {', '.join(first.classes)}: give such, as the first is one")
    dataset = open_dataset(data, split, task="detect", classes=first.classes, limit=limit, keep_others=True)
    print_notes(dataset)
    truth = [dataset.objects(i) for i in range(len(dataset))]
    errors = {}
    for path, network in zip(checkpoints, networks, strict=True):
        metrics, found, _ = evaluate(network, dataset)
        thresholds, origin = thresholds_for(network, precision_recall_curves(found, truth, dataset.classes))
        counted = f"{path}: counted is what scores above {in_words(thresholds)}: {origin}"
        console.print(counted, markup=False, soft_wrap=True)
        least = np.array(list(thresholds.values()))
        errors[f"{path.parent.name}/{network.name}: mAP {metrics['mAP']:.3f}"] = object_errors(found, truth, least)
    some = next(iter(errors.values()))
    groups = size_groups(some.sides) | {name: some.labels == i for i, name in enumerate(dataset.classes)}
    what = "found / badly placed / missed, median IoU of those found"
    print_table(f"{dataset.name} {split}: {what}", _table(errors, groups))
    total = sum(len(one.labels) for one in truth)
    grids = [(one.name, one.side, one.host_anchors) for one in networks if isinstance(one, YOLO)]
    for name, side, anchors in [YOLO_V1, *grids]:
        lost = lost_in_cells(truth, side, anchors)
        console.print(f"{name}, {side}x{side} cells: {lost} of {total} objects share a place with another and are lost")

    from minissd.viz.object_errors import object_error_chart  # matplotlib is slow to import
    from minissd.viz.style import save_picture

    save_picture(object_error_chart(errors, groups), out / "errors.png")
    console.print(f"errors.png: {out}", markup=False, soft_wrap=True)


def size_groups(sides):
    """{name: (G,) bool} of objects by sqrt(w h)."""
    groups = {}
    for low, high in pairwise((0, *SIDES, np.inf)):
        name = f"over {low:g}" if high == np.inf else f"{low:g} to {high:g}"
        groups[name] = (low <= sides) & (sides < high)
    return {name: chosen for name, chosen in groups.items() if chosen.any()}


def _table(errors, groups):
    table = simple_table("side or class", "objects", *(escape(name) for name in errors))
    for group, chosen in groups.items():
        cells = []
        for one in errors.values():
            if not chosen.any():
                cells.append("")
                continue
            shares = " / ".join(f"{share:.2f}" for share in one.shares(chosen))
            found = one.overlaps[chosen & (one.overlaps >= FOUND)]
            cells.append(f"{shares}, {np.median(found):.2f}" if len(found) else shares)
        table.add_row(escape(group), str(np.count_nonzero(chosen)), *cells)
    return table
