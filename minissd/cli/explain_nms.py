"""`minissd explain nms`: non-maximum suppression on an image, step by step."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from minissd.cli import networks, options
from minissd.cli.console import console
from minissd.data import read_image
from minissd.device import resolve_device, to_device
from minissd.errors import MinissdError
from minissd.files import check_writable
from minissd.naive import nms_steps

SUPPRESS_NOTHING = 2.0  # an IoU that no two boxes have


def explain_nms(
    image: Annotated[Path, typer.Argument(help="The image to find objects in.", metavar="IMAGE")],
    checkpoint: networks.Checkpoint = None,
    weights: networks.Weights = None,
    model: networks.Model = None,
    classes: networks.Classes = None,
    of: Annotated[
        str | None, typer.Option(help="Class whose boxes to follow; else the one with the most.", metavar="CLASS")
    ] = None,
    score: Annotated[float, typer.Option(help="T: lowest score to take part.", min=0, max=1)] = 0.3,
    iou: Annotated[float, typer.Option(help="tau: boxes that overlap a better one by more go.", min=0, max=1)] = 0.45,
    device: options.Device = "auto",
    engine: options.Engine = "fast",
    out: Annotated[Path, typer.Option(help="The picture to write.", metavar="FILE")] = Path("nms.png"),
):
    """Non-maximum suppression step by step: the best box is taken, those too close to it go, and so on."""
    network = networks.network(checkpoint, weights, model, options.parse_classes(classes), resolve_device(device))
    if network.task != "detect":
        raise MinissdError(f"{checkpoint or weights}: {network.name} finds no boxes: give the weights of a detector")
    check_writable(out.parent)
    pixels = read_image(image)
    seen = to_device(network.resized(pixels)[None], network.device)
    (found,) = network.detect(seen, score_threshold=score, iou_threshold=SUPPRESS_NOTHING)
    label = _class_to_follow(network.classes, found.labels, of, score)
    some = found.labels == label
    corners, scores = found.corners[some], found.scores[some]
    steps = list(nms_steps(corners, scores, iou))
    for number, step in enumerate(steps, 1):
        removed = ", ".join(f"{scores[box]:.2f} (IoU {overlap:.2f})" for box, overlap in step.removed.items())
        console.print(
            f"{number:3d}. {network.classes[label]} {scores[step.taken]:.2f} stays; removed: {removed or 'none'}",
            markup=False,
            soft_wrap=True,
        )

    from minissd.viz.nms_steps import nms_pictures  # here, for matplotlib takes a second that --help need not wait
    from minissd.viz.style import save_picture

    save_picture(nms_pictures(pixels, corners, scores, steps, network.classes[label], iou), out)
    console.print(f"{len(scores)} boxes, {len(steps)} stay: {out}", markup=False, soft_wrap=True)


def _class_to_follow(classes, labels, wanted, score):
    """The label of the class `wanted`, or of the one with the most boxes; MinissdError if it has none."""
    if wanted is not None and wanted not in classes:
        raise MinissdError(f"--of {wanted!r} is no class of the model: choose one of {', '.join(classes)}")
    numbers = Counter(np.asarray(labels).tolist())
    label = classes.index(wanted) if wanted is not None else max(numbers, key=numbers.get, default=None)
    if not numbers[label]:
        raise MinissdError(f"no box of {wanted or 'any class'} scores {score:g}: lower --score, or try another image")
    return label
