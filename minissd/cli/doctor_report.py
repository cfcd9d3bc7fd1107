"""What `minissd doctor DATA` says: tables of objects and of the recall ceiling, what is wrong, and doctor.json."""

import numpy as np
from rich.markup import escape

from minissd.cli.console import console, print_note, print_table, simple_table
from minissd.data.survey import remarks_of
from minissd.detection.object_sizes import SIZES
from minissd.errors import one_line

SHOWN, GROUPS = 5, 10  # ids after a remark; groups of copies
FEW = 20  # objects of a class to learn from


def print_objects(found, look):
    """How many objects of each class there are in each split, and how large they are."""
    inside = {name: found.in_split(name)[found.image_of] for name in found.splits}
    table = simple_table("objects", *(escape(name) for name in found.splits), *SIZES, "median size")
    rows = [found.labels == label for label in range(len(found.classes))] + [np.ones(len(found.labels), bool)]
    for name, chosen in zip([*found.classes, "all"], rows, strict=True):
        if chosen is rows[-1]:
            table.add_section()
        counts = [f"{np.count_nonzero(chosen & part):,}" for part in inside.values()]
        table.add_row(escape(name), *counts, *_sizes(found.sides[chosen]))
    table.add_row("images", *(f"{len(dataset):,}" for dataset in found.splits.values()))
    empty = (len(found.splits[name]) - len(np.unique(found.image_of[part])) for name, part in inside.items())
    table.add_row("empty images", *(f"{count:,}" for count in empty))
    print_table(
        f"{found.name}: {len(found.places):,} images; small: below 1/8 of the image's side, large: above 1/4", table
    )
    _print_sizes(found, look)


def print_labels(found, look):
    """How many images of each class there are in each split, or in how many masks each class is."""
    table = simple_table("images", *(escape(name) for name in found.splits), "all")
    inside = [found.in_split(name)[found.image_of] for name in found.splits]
    for label, name in enumerate(found.classes):
        counts = [np.count_nonzero((found.labels == label) & part) for part in inside]
        table.add_row(escape(name), *(f"{count:,}" for count in (*counts, sum(counts))))
    table.add_section()
    table.add_row("all", *(f"{len(dataset):,}" for dataset in found.splits.values()), f"{len(found.places):,}")
    what = "in how many masks each class is" if found.task == "segment" else "images of each class"
    print_table(f"{found.name}: {what}", table)
    _print_sizes(found, look)


def _print_sizes(found, look):
    """The sizes of images, and the splits that have no images of their own."""
    print_plain(_image_sizes(look.sizes[look.sizes[:, 0] > 0]))
    for name, count in found.unions.items():
        print_plain(f"{name} has no images of its own: its {count:,} are in {' or '.join(found.splits)}")


def _sizes(sides):
    """The shares of objects (G, 2) in each of SIZES, and their median sides, in words."""
    if not len(sides):
        return ["" for _ in SIZES]
    sizes = np.sqrt(sides.prod(axis=1))
    shares = [np.mean((low <= sizes) & (sizes < high)) for low, high in SIZES.values()]
    return [f"{share:.0%}" for share in shares] + ["{:.0%} x {:.0%}".format(*np.median(sides, axis=0))]


def _image_sizes(sizes):
    """The sizes of images (I, 2), in words."""
    if not len(sizes):
        return "image sizes: not known"
    different, counts = np.unique(sizes, axis=0, return_counts=True)
    often = "most often {}x{}".format(*different[counts.argmax()])
    widths, heights = ("{} to {}".format(*np.quantile(side, (0, 1)).astype(int)) for side in sizes.T)
    if len(different) == 1:
        return "image size: {}x{} pixels".format(*different[0])
    return f"image sizes: {widths} pixels wide, {heights} high, {often}"


def print_faults(found, look):
    """What is wrong: splits and images that cannot be used, what readers remarked, classes with few objects."""
    told = set()
    for name, faults in found.unusable.items():
        for fault in dict.fromkeys(faults):
            if fault not in told:
                print_fault(f"{name} cannot be used", fault)
        told.update(faults)
    for fault in look.damaged:
        print_fault("damaged", fault)
    first, whole = next(iter(found.splits.items()))
    for name, dataset in found.splits.items():
        remarks, notes = remarks_of(dataset)
        for remark, ids in remarks.items():
            print_note(f"{name}: {remark}: {len(ids):,} ({some(dict.fromkeys(ids))})")
        for note in notes:
            print_note(f"{name}: {note}")
        for other, one, lacking in ((first, dataset, whole), (name, whole, dataset)):
            names = [label for label in one.classes if label not in lacking.classes]
            if names:
                print_note(f"classes that {other} does not have: {some(names)}")
    counts = np.bincount(found.labels[found.in_split(first)[found.image_of]], minlength=len(found.classes))
    few = [f"{name} {count}" for name, count in zip(found.classes, counts, strict=True) if 0 < count < FEW]
    if few:
        what = "objects" if found.task == "detect" else "images"
        print_note(f"{first}: classes with fewer than {FEW} {what} to learn from: {some(few)}")


def print_copies(found, copies):
    """Images that show the same picture; copies: those in several splits first."""
    several = [one for one in copies if len(found.splits_of(one.images)) > 1]
    what = {
        "one picture in several splits: a score then counts what was trained on": several,
        "one picture several times in a split": copies[len(several) :],
    }
    for title, groups in what.items():
        if groups:
            print_note(f"{title}: {len(groups):,}")
        for one in groups[:GROUPS]:
            names = [f"{found.id(image)} ({found.places[image][0]})" for image in one.images]
            print_plain(f"  {'the same pixels' if one.exact else 'nearly the same'}: {some(names)}")
        if len(groups) > GROUPS:
            print_plain(f"  and {len(groups) - GROUPS:,} more, in doctor.json")


def print_ceilings(network, groups, ceilings):
    """The recall ceiling of each group of objects, for each set of default boxes."""
    names = list(next(iter(ceilings.values())))
    table, kind = simple_table("", "objects", *(f"{name} boxes" for name in names)), "all"
    for group, chosen in groups.items():
        if group.partition(" ")[0] != kind:
            kind = group.partition(" ")[0]
            table.add_section()
        shares = ("" if np.isnan(share) else f"{share:.3f}" for share in ceilings[group].values())
        table.add_row(escape(group), f"{np.count_nonzero(chosen):,}", *shares)
    title = f"recall ceiling of {network}: share of the objects that a default box overlaps by more than 0.5"
    print_table(title, table)


def record_of(found, look, copies):
    """What doctor.json says of images and objects."""
    groups = [
        {"images": [{"split": found.places[i][0], "id": found.id(i)} for i in one.images], "exact": one.exact}
        for one in copies
    ]
    return {
        "name": found.name,
        "splits": {name: _record_of_split(found, name) for name in found.splits},
        "other_lists": found.unions,
        "unusable": found.unusable,
        "image_sizes": np.unique(look.sizes, axis=0).tolist(),
        "damaged": look.damaged,
        "copies": groups,
    }


def _record_of_split(found, name):
    remarks, notes = remarks_of(found.splits[name])
    inside = found.in_split(name)[found.image_of]
    images, shown = len(found.splits[name]), len(np.unique(found.image_of[inside]))
    classes = {
        one: _record_of_objects(found, inside & (found.labels == label)) for label, one in enumerate(found.classes)
    }
    return {"images": images, "without_objects": images - shown, "classes": classes, "notes": notes, "remarks": remarks}


def _record_of_objects(found, chosen):
    sizes = np.sqrt(found.sides[chosen].prod(axis=1))
    return {
        "objects": len(sizes),
        "difficult": int(found.difficult[chosen].sum()),
        "images": len(np.unique(found.image_of[chosen])),
        "median_sides": np.median(found.sides[chosen], axis=0).tolist() if len(sizes) else None,
        **{name: int(np.sum((low <= sizes) & (sizes < high))) for name, (low, high) in SIZES.items()},
    }


def some(names):
    names = list(names)
    return ", ".join(names[:SHOWN]) + ", ..." * (len(names) > SHOWN)


def print_fault(what, fault):
    console.print(f"[bold red]{escape(what)}:[/] {escape(one_line(fault))}", soft_wrap=True)


def print_plain(text):
    console.print(one_line(text), markup=False, soft_wrap=True)
