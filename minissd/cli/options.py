"""The options that several commands share, with one wording."""

from collections.abc import Collection
from typing import Annotated

import typer

from minissd.data.texts import split_at_commas
from minissd.engine import ENGINES, use


def each_of(names: Collection[str]):
    """The callback of an argument of which every value is one of these names."""

    def check(values: list[str] | None):
        for value in values or ():
            if value not in names:
                raise typer.BadParameter(f"{value!r} is not one of {', '.join(names)}")
        return values

    return check


def _compute_with(context: typer.Context, engine: str):
    """The command computes with this engine until it ends."""
    each_of(ENGINES)([engine])
    context.with_resource(use(engine))
    return engine


DATA, MACHINE = "Data", "Machine"  # groups of a command's --help

Data = Annotated[
    str,
    typer.Option(
        rich_help_panel=DATA,
        help="shapes, what `minissd fetch` brought, or a path: a VOC tree, a COCO folder or JSON, a YOLO folder or "
        "data.yaml, MNIST, class folders; several of these separated by commas.",
    ),
]
Classes = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=DATA,
        help='Only these classes, separated by commas; one with a comma in its name as "bolt, hex".',
        metavar="A,B",
    ),
]
ImageFolder = Annotated[
    str | None,
    typer.Option(
        "--images",
        rich_help_panel=DATA,
        help="Folder of the images of a COCO JSON, if in no usual place.",
        metavar="DIR",
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(rich_help_panel=DATA, help="Only the first so many images, of each data set.", metavar="N", min=1),
]
Split = Annotated[
    str, typer.Option(rich_help_panel=DATA, help="Part of the data: train, val, test, trainval, or val2017 of COCO.")
]
Seed = Annotated[int, typer.Option(rich_help_panel=MACHINE, help="Everything random follows from it.", min=0)]
Device = Annotated[
    str, typer.Option(rich_help_panel=MACHINE, help="cpu, cuda, cuda:N, or auto: the GPU if there is one.")
]
Engine = Annotated[
    str,
    typer.Option(
        rich_help_panel=MACHINE, help="fast, or reference: the plain operations of minissd/ops.", callback=_compute_with
    ),
]
Precision = Annotated[
    str,
    typer.Option(
        rich_help_panel=MACHINE,
        help="Of matrix products on a GPU: fp32, tf32 (tensor cores), or fp16 for their factors.",
    ),
]
METRICS = (
    "voc07 (AP at 11 recalls), voc or area (area under the curve), coco (its twelve figures), or voc07-arange (voc07 "
    "as np.arange has the recalls)"
)
Workers = Annotated[int, typer.Option(rich_help_panel=MACHINE, help="Threads that prepare images ahead.", min=0)]
BatchSize = Annotated[int, typer.Option(help="Images at a time.", min=1)]


def parse_classes(text):
    """["person", "dog"] from "person,dog", ["bolt, hex", "nut"] from '"bolt, hex",nut'; None stays None."""
    return None if text is None else split_at_commas(" ".join(text.split()))
