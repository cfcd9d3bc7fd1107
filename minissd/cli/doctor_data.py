"""`minissd doctor DATA`: what is in a data set, what is wrong with it, and how default boxes fit its objects."""

from contextlib import suppress
from pathlib import Path
from shlex import join

import numpy as np

from minissd.cli import doctor_report as report
from minissd.cli.doctor_labels import draw_copies, draw_counts, examine_labels, words_for_task
from minissd.cli.runs import folder_for
from minissd.data.catalogue import tasks_of
from minissd.data.duplicates import find_copies
from minissd.data.survey import look_at_images, survey
from minissd.data.texts import join_by_commas
from minissd.detection import coverage, fit_boxes
from minissd.detection.object_sizes import SIZES
from minissd.errors import MinissdError
from minissd.files import check_writable, write_json
from minissd.models import MODELS, SSD, build
from minissd.models.ssd import FIT, OWN
from minissd.training import default_recipe, settings_of
from minissd.training.progress import counted

DEFAULT_MODEL = "ssd-tiny"
PHOTOGRAPH = 64  # pixels of a side: smaller pictures, as digits, are compared pixel for pixel
GAIN = 0.01  # of the recall ceiling: less is hardly a change


def examine(data, image_folder, classes, model, input_size, decode, out, task=None):
    """Print and draw what there is to know of a data set before a network is trained on it."""
    out = out or Path("doctor") / folder_for(data).name
    network, options = network_for(model, input_size)
    check_writable(out)
    task = task or tasks_of(data)[0]
    found = opened(data, classes, image_folder, task)
    with counted(None, "images") as told:
        look = look_at_images(found, decode, told)
    with counted(None, "comparing") as told:
        copies = find_copies(look.prints, told, exact=look.sizes.max(initial=0) < PHOTOGRAPH)
    copies.sort(key=lambda one: len(found.splits_of(one.images)) == 1)  # those in several splits first
    if task != "detect":
        examine_labels(found, look, copies, train_command(data, None, classes, found, words_for_task(found)), out)
        return
    learned = learned_split(found)
    coverages = coverages_of(network, found, learned)
    groups = groups_of(found)
    ceilings = {
        group: {name: one.recall_ceiling(chosen) for name, one in coverages.items()} for group, chosen in groups.items()
    }
    words = words_for_model(model, options, fitted_gain(ceilings[in_split(learned)]) >= GAIN)
    command = train_command(data, image_folder, classes, found, words)

    report.print_objects(found, look)
    report.print_faults(found, look)
    report.print_copies(found, copies)
    report.print_ceilings(f"{model}, {network.input_size}x{network.input_size}", groups, ceilings)
    say_what_to_do(ceilings[in_split(learned)], command)
    draw(found, copies, coverages, out)
    boxes = {name: one.spec.shapes for name, one in coverages.items()}
    boxes = {"model": model, "options": options, "recall_ceiling": ceilings, "boxes": boxes}
    record = report.record_of(found, look, copies) | {"default_boxes": boxes, "command": command}
    write_json(out / "doctor.json", record)
    report.print_plain(f"doctor.json and pictures: {out}")


def opened(data, classes, image_folder, task):
    """The survey of the data; where nothing can be used, all faults are printed, for the error counts them only."""
    try:
        with counted(None, "annotations", unit="splits") as told:
            return survey(data, classes, image_folder, told, task)
    except MinissdError as error:
        for fault in error.faults if len(error.faults) > 1 else ():
            report.print_fault("fault", fault)
        raise


def network_for(name, input_size):
    """(an SSD as `minissd train` would make it, its options that were given); MinissdError if it is none."""
    if name not in MODELS:
        raise MinissdError(f"model {name!r} is not known: choose one of {', '.join(MODELS)}")
    given = {} if input_size is None else {"input_size": input_size}
    network = build(name, classes=("object",), **settings_of(default_recipe(name), name, given)[1])
    if not isinstance(network, SSD):
        known = ", ".join(one for one in MODELS if one.startswith("ssd"))
        raise MinissdError(f"{name} has no default boxes that could fit objects: choose one of {known}")
    return network, given


def coverages_of(network, found, learned):
    """{name: `Coverage`} of the network's default boxes, and of those fitted to a split, if it can have such."""
    specs = {network.boxes: network.spec}
    if network.options.get("boxes") == OWN:
        specs["fitted"] = fit_boxes(network.spec, found.objects(learned))
    coverages = {}
    for name, spec in specs.items():
        with counted(None, f"{name} boxes", unit="objects") as told:
            coverages[name] = coverage(spec, found.corners, told)
    return coverages


def groups_of(found):
    """{name: (G,) bool} of all objects, those of each class, of each size and of each split."""
    sizes = np.sqrt(found.sides.prod(axis=1))
    groups = {"all": np.ones(len(sizes), bool)}
    groups |= {f"class {name}": found.labels == label for label, name in enumerate(found.classes)}
    groups |= {f"size {name}": (low <= sizes) & (sizes < high) for name, (low, high) in SIZES.items()}
    return groups | {in_split(name): found.in_split(name)[found.image_of] for name in found.splits}


def learned_split(found):
    """The split to train on: train, where there is one."""
    return next(iter(found.splits))


def in_split(name):
    return f"split {name}"


def train_command(data, image_folder, classes, found, words):
    """The command that trains on these data, None where their train split cannot be used; words: further ones."""
    if "train" in found.unusable:
        return None
    split = learned_split(found)
    given = ["--data", data]
    given += ["--images", image_folder] if image_folder else []
    given += ["--split", split] if split != "train" else []
    given += ["--classes", join_by_commas(classes)] if classes else []
    return "minissd train " + join(map(str, [*given, *words]))


def words_for_model(model, options, fit):
    """What chooses the network on the command line."""
    words = ["--model", model] if model != DEFAULT_MODEL else []
    for name, value in options.items():
        words += [f"--{name.replace('_', '-')}", value]
    return words + (["--boxes", FIT] if fit else [])


def fitted_gain(ceilings):
    """By how much fitted boxes raise the recall ceiling, 0 where there are none."""
    own, *fitted = ceilings.values()
    return fitted[0] - own if fitted else 0


def say_what_to_do(ceilings, command):
    """Whether fitted boxes are worth it, and the command that trains."""
    own, *fitted = ceilings.values()
    gain = fitted_gain(ceilings)
    for one in fitted:
        change = "raise" if gain >= GAIN else "hardly change" if gain > -GAIN else "lower"
        report.print_plain(
            f"fitted boxes {change} the recall ceiling of what is trained on: {own:.3f}, fitted {one:.3f}"
        )
    if command:
        report.print_plain(f"{'to train with them' if gain >= GAIN else 'next'}: {command}")


def draw(found, copies, coverages, out):
    """Write the pictures; a sheet of copies of an earlier look goes."""
    from minissd.viz import dataset as pictures  # matplotlib is slow to import
    from minissd.viz.style import save_picture

    draw_counts(found, "objects", out)
    save_picture(pictures.object_sizes(found.sides, coverages), out / "object_sizes.png")
    views = least_covered(found, next(iter(coverages.values())), pictures.TILES)
    if views:
        save_picture(pictures.least_covered(views), out / "least_covered.png")
    draw_copies(found, copies, out)


def least_covered(found, by, count):
    """(image, object, its best default box, caption) of the objects that a `Coverage` overlaps least, one an image."""
    views, seen = [], set()
    for k in np.argsort(by.overlaps, kind="stable").tolist():
        image = found.image_of[k]
        if image in seen:
            continue
        seen.add(image)
        caption = f"IoU {by.overlaps[k]:.2f}, {found.classes[found.labels[k]]}: {found.id(image)}"
        with suppress(MinissdError):  # a damaged image, which has been told of
            views.append((found.sample(image).image, found.corners[k], by.boxes[k], caption))
        if len(views) == count:
            break
    return views
