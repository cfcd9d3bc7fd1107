"""`minissd doctor DATA` for data without boxes, class folders, MNIST and masks; the pictures that all data share."""

from contextlib import suppress

import numpy as np

from minissd.cli import doctor_report as report
from minissd.cli.console import note_spelled_out
from minissd.errors import MinissdError
from minissd.files import write_json

EXAMPLES = 4  # images of a class on the sheet of examples


def examine_labels(found, look, copies, command, out):
    """Print and draw what there is to know of images with a class each, or of masks."""
    report.print_labels(found, look)
    report.print_faults(found, look)
    report.print_copies(found, copies)
    if command:
        report.print_plain(f"next: {command}")
    draw_counts(found, "images", out)
    draw_examples(found, out)
    draw_copies(found, copies, out)
    write_json(out / "doctor.json", report.record_of(found, look, copies) | {"command": command})
    report.print_plain(f"doctor.json and pictures: {out}")


def words_for_task(found):
    """What chooses a network for data without boxes on the command line."""
    if found.task == "segment":
        return ["--model", "unet"]
    return ["--model", "lenet5"] if found.sample(0).image.shape[2] == 1 else ["--task", "classify"]


def draw_counts(found, what, out):
    """Write classes.png: a bar for each class; what: is counted."""
    from minissd.viz import dataset as pictures  # matplotlib is slow to import
    from minissd.viz.style import save_picture

    inside = {name: found.in_split(name)[found.image_of] for name in found.splits}
    counts = {name: np.bincount(found.labels[part], minlength=len(found.classes)) for name, part in inside.items()}
    save_picture(pictures.class_counts(counts, found.classes, what), out / "classes.png")
    note_spelled_out(found.classes)


def draw_examples(found, out):
    """Write examples.png: the first images of each class, of the split that is learned from."""
    from minissd.viz import dataset as pictures
    from minissd.viz.style import save_picture

    rows = []
    for label, name in list(enumerate(found.classes))[: pictures.ROWS]:
        images = found.image_of[found.labels == label][:EXAMPLES]
        rows.append([])
        for image in images:
            with suppress(MinissdError):  # a damaged image, which has been told of
                rows[-1].append((found.sample(image), f"{name}: {found.id(image)}"))
    rows = [row for row in rows if row]
    if rows:
        save_picture(pictures.examples_sheet(rows, len(found.classes)), out / "examples.png")


def draw_copies(found, copies, out):
    """Write copies.png, of groups of images that show one picture; without any, that of an earlier look goes."""
    from minissd.viz import dataset as pictures
    from minissd.viz.style import save_picture

    (out / "copies.png").unlink(missing_ok=True)
    rows = [
        [(found.sample(image).image, f"{found.places[image][0]}: {found.id(image)}") for image in one.images]
        for one in copies[: pictures.ROWS]
    ]
    if rows:
        save_picture(pictures.copies_sheet(rows, len(copies)), out / "copies.png")
