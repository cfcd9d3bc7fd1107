"""`minissd detect`: draw what a checkpoint finds in your own images."""

import itertools
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.markup import escape

from minissd.backend import resolve_device, to_device
from minissd.cli import options
from minissd.cli.console import console, error_console, print_table, progress_bar, simple_table
from minissd.data import read_image, resize_image
from minissd.errors import MinissdError
from minissd.files import write_json
from minissd.training import load_checkpoint

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm")


def detect(
    images: Annotated[list[Path], typer.Argument(help="Images, or folders of images.", metavar="IMAGE...")],
    checkpoint: options.CheckpointFile,
    threshold: Annotated[float, typer.Option(help="Lowest score to show.", min=0, max=1)] = 0.5,
    device: options.Device = "auto",
    out: Annotated[
        Path, typer.Option(help="Folder for the annotated images and detections.json.", metavar="DIR")
    ] = Path("detections"),
):
    """Find objects in images: an annotated copy of each, and detections.json with boxes in pixels."""
    from minissd.viz.boxes import annotated_image  # matplotlib is slow to import
    from minissd.viz.style import save_picture

    model = load_checkpoint(checkpoint, device=resolve_device(device)).model
    paths = [found for path in images for found in _image_files(path)]
    names = _output_names(paths)
    _protect(paths, [out / name for name in names])
    results, failed = {}, 0
    table = simple_table("image", "objects", "best")
    with progress_bar("images") as bar:
        task = bar.add_task("detect", total=len(paths), speed=0, note="")
        for path, name in zip(paths, names, strict=True):
            bar.update(task, advance=1, speed=bar.tasks[task].speed or 0)
            try:
                image = read_image(path)
            except MinissdError as error:  # one bad file among many does not cost the others
                if len(paths) == 1:
                    raise
                error_console.print(f"left out: {error}", markup=False, soft_wrap=True)
                failed += 1
                continue
            pixels = to_device(resize_image(image, model.input_size)[None], model.device)
            found = model.detect(pixels, score_threshold=threshold)[0]
            save_picture(annotated_image(image, found, model.classes), out / name)
            results[str(path)] = _as_json(found, image.shape, model.classes)
            best = f"{model.classes[found.labels[0]]} {found.scores[0]:.2f}" if len(found.scores) else ""
            table.add_row(escape(str(path)), str(len(found.scores)), escape(best))
    write_json(out / "detections.json", results)
    print_table(f"{checkpoint}, score at least {threshold:g}", table)
    console.print(f"annotated images and detections.json: {out}", markup=False, soft_wrap=True)
    if failed:
        raise MinissdError(f"{failed} of {len(paths)} images could not be read (named above): mend or leave them out")


def _image_files(path):
    """The path itself, or the images in it if it is a folder."""
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
    if not found:
        looked_for = ", ".join(SUFFIXES)
        raise MinissdError(f"{path}: no image in this folder (looked for {looked_for}): give images or another folder")
    return found


def _as_json(found, shape, classes):
    """A list of {"class", "score", "box"}; box: x_min, y_min, x_max, y_max in pixels from the upper left corner."""
    height, width = shape[:2]
    boxes = np.clip(found.corners, 0, 1) * np.array([width, height, width, height])
    return [
        {"class": classes[label], "score": round(float(score), 4), "box": [round(float(edge), 1) for edge in box]}
        for box, label, score in zip(boxes, found.labels, found.scores, strict=True)
    ]


def _output_names(paths):
    """NAME.png for each image; numbered where that is taken, also on a disk that does not tell A from a."""
    names, taken = [], set()
    for path in paths:
        candidates = (f"{path.stem}{'' if k == 1 else f'-{k}'}.png" for k in itertools.count(1))
        name = next(candidate for candidate in candidates if candidate.lower() not in taken)
        taken.add(name.lower())
        names.append(name)
    return names


def _protect(paths, outputs):
    """MinissdError if an annotated copy would take the place of one of the images."""
    originals = {path.resolve() for path in paths}
    for output in outputs:
        if output.resolve() in originals:
            raise MinissdError(f"{output} is one of the images and would be overwritten: choose another --out")
