"""`minissd detect`: what a detector finds in your own images and videos."""

import time
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from minissd.cli import networks, options
from minissd.cli.console import console, note_spelled_out, print_note, print_table, simple_table
from minissd.cli.media import find_media
from minissd.cli.results import in_words
from minissd.cli.search import Search
from minissd.device import resolve_device
from minissd.device.card import check_precision
from minissd.engine import products
from minissd.errors import MinissdError
from minissd.files import check_writable, write_json
from minissd.metrics.thresholds import USUAL_THRESHOLD
from minissd.training.interrupt import Terminated, stoppable

PAUSE, SPARING = 5, 20  # seconds between two writings of detections.json, or so many times as long as one takes
LISTED = 20  # files in the table; detections.json has them all


def detect(
    files: Annotated[
        list[str],
        typer.Argument(help="Images, videos, folders with all below, patterns like 'a/*.jpg'.", metavar="FILE..."),
    ],
    checkpoint: networks.Checkpoint = None,
    weights: networks.Weights = None,
    model: networks.Model = None,
    classes: networks.Classes = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            "--score",
            help="Show what scores higher, of any class.",
            min=0,
            max=1,
            show_default=f"that of each class in the checkpoint, or {USUAL_THRESHOLD}",
        ),
    ] = None,
    batch_size: options.BatchSize = 8,
    device: options.Device = "auto",
    engine: options.Engine = "fast",
    precision: options.Precision = "fp32",
    pictures: Annotated[bool, typer.Option(help="Draw annotated copies, or write detections.json only.")] = True,
    out: Annotated[Path, typer.Option(help="Folder for the copies and detections.json.", metavar="DIR")] = Path(
        "detections"
    ),
):
    """Find objects in images and videos: an annotated copy of each, and detections.json with boxes in pixels.

    Without --checkpoint and --weights by the published network that `minissd fetch` brought last.
    Videos need OpenCV (pip install 'minissd\\[video]'); their copies are MP4 without sound.
    """
    media = find_media(files, out, print_note)
    check_writable(out)  # better now than after an hour
    device = resolve_device(device)
    check_precision(precision, device)
    if checkpoint is None and weights is None:
        weights = networks.fetched_network()
    network = networks.network(checkpoint, weights, model, options.parse_classes(classes), device)
    if network.task != "detect":
        raise MinissdError(f"{checkpoint or weights}: {network.name} finds no boxes: give the weights of a detector")
    console.print(_which_are_shown(network, threshold), markup=False, soft_wrap=True)
    results = Results(out / "detections.json")
    search = Search(network, score=threshold, batch_size=batch_size, pictures=pictures, more=results.write_now_and_then)
    try:
        with products.precision(precision), stoppable():
            left_out = search.run(media)
    except (KeyboardInterrupt, Terminated):
        results.write(search.content)
        found = f"{out} has what was found until then" if search.content else "nothing was written"
        stopped = f"stopped after {len(search.content)} of {len(media)} files; {found}"
        console.print(stopped, markup=False, soft_wrap=True)
        raise
    except BaseException:
        results.write(search.content)
        raise
    results.write(search.content)
    if not search.content:
        raise MinissdError(f"none of the {len(media)} files could be searched (named above): nothing was written")
    print_table(str(checkpoint or weights), _summary(search.content))
    written = "annotated copies and detections.json" if pictures else "detections.json"
    console.print(f"{written}: {out}", markup=False, soft_wrap=True)
    if pictures:
        note_spelled_out(network.classes)
    if left_out:
        raise MinissdError(f"{left_out} of {len(media)} files were left out (named above): mend or do not name them")


def _which_are_shown(network, threshold):
    """From which score on detections are shown, in words, and why."""
    if threshold is not None:
        return f"shown: what scores above {threshold:g}"
    if not network.thresholds:
        return f"shown: what scores above {USUAL_THRESHOLD:g} (--threshold 0.3 for more)"
    named = in_words(dict(zip(network.classes, network.least_scores, strict=True)))
    return f"shown: what scores above {named}: best F1 at the validation (--threshold 0.5: one for all)"


class Results:
    """detections.json while it grows: whole at any time, and at most a few seconds behind."""

    def __init__(self, path):
        self.path, self.due = path, time.monotonic() + PAUSE

    def write_now_and_then(self, content):
        if time.monotonic() >= self.due:
            self.write(content)

    def write(self, content):
        if not content:
            return
        started = time.monotonic()
        write_json(self.path, content)
        took = time.monotonic() - started
        self.due = started + took + max(PAUSE, SPARING * took)


def _summary(content):
    """A table of the first files: how many objects, and the one with the best score."""
    table = simple_table("file", "objects", "best")
    for path, found in islice(content.items(), LISTED):
        frames = found["frames"] if isinstance(found, dict) else None
        objects = found if frames is None else [one for frame in frames for one in frame["objects"]]
        best = max(objects, key=lambda one: one["score"], default=None)
        table.add_row(
            escape(path),
            str(len(objects)) if frames is None else f"{len(objects)} in {len(frames)} frames",
            escape(f"{best['class']} {best['score']:.2f}") if best else "",
        )
    if len(content) > LISTED:
        table.add_row(f"and {len(content) - LISTED} more", "", "")
    return table
