"""`minissd export`: a trained network as a file for the programs of others."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from minissd.cli import networks, options
from minissd.cli.console import console
from minissd.files import check_file_writable
from minissd.weights import export as export_weights


class Program(StrEnum):
    torchvision = "torchvision"
    ssd_pytorch = "ssd.pytorch"
    qfgaohao = "qfgaohao"


def export(
    source: Annotated[
        str,
        typer.Argument(
            help="A run folder, which stands for its best checkpoint, a checkpoint, or published weights: a file or a "
            "name that `minissd fetch` knows.",
            metavar="CHECKPOINT",
        ),
    ],
    to: Annotated[
        Program,
        typer.Option(
            help="torchvision (ssd300-vgg16, ssdlite320-mobilenet-v3), ssd.pytorch (ssd300-vgg16) or qfgaohao "
            "(ssd300-mobilenet): a .pth that the program of that name loads.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The file to write.", metavar="FILE")],
    model: networks.Model = None,
    classes: networks.Classes = None,
):
    """Write a trained network as a file for PyTorch's programs.

    The lines of Python that load the file there are printed.
    """
    check_file_writable(out)
    network = networks.trained(source, model, options.parse_classes(classes))
    lines = export_weights(network, out, to.value)
    console.print(f"{network.name} for {to.value}: {out}; in Python:", markup=False, soft_wrap=True)
    for line in lines:
        console.print(f"    {line}", markup=False, soft_wrap=True)
