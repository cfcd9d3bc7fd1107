"""`minissd export`: a trained network as a file for the programs of others."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from minissd.cli import networks, options
from minissd.cli.console import console
from minissd.errors import MinissdError
from minissd.export import export_onnx
from minissd.files import check_file_writable
from minissd.weights import export as export_weights


class Program(StrEnum):
    torchvision = "torchvision"
    ssd_pytorch = "ssd.pytorch"
    qfgaohao = "qfgaohao"
    onnx = "onnx"
    voc = "voc"
    coco = "coco"


def export(
    to: Annotated[
        Program,
        typer.Option(
            help="onnx: a graph, of any SSD, U-Net or classifier. torchvision (of ssd300-vgg16 or "
            "ssdlite320-mobilenet-v3), ssd.pytorch (ssd300-vgg16), qfgaohao (ssd300-mobilenet): a .pth for the "
            "program of that name.",
            metavar="onnx|torchvision|ssd.pytorch|qfgaohao",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The file to write: .onnx, or .pth.", metavar="FILE")],
    source: Annotated[
        str | None,
        typer.Argument(
            help="A run folder, which stands for its best checkpoint, a checkpoint, or published weights: a file or a "
            "name that `minissd fetch` knows.",
            metavar="CHECKPOINT",
        ),
    ] = None,
    checkpoint: Annotated[str | None, typer.Option(help="The same, as an option.", metavar="PATH")] = None,
    nms: Annotated[
        bool, typer.Option("--nms", help="onnx: end in detections, as `minissd detect` finds them.")
    ] = False,
    model: Annotated[
        str | None, typer.Option(help="The network that the weights are of, as ssd300-vgg16, if these do not tell.")
    ] = None,
    classes: Annotated[
        str | None, typer.Option(help="The classes of the weights, if these do not tell.", metavar="A,B")
    ] = None,
):
    """Write a trained network as an ONNX graph, or as weights that PyTorch's programs load.

    What the other program has to know is printed. Detections as files: `minissd evaluate --save voc` or `coco`.
    ONNX needs the onnx package (pip install 'minissd\\[onnx]').
    """
    if (source is None) == (checkpoint is None):
        raise typer.BadParameter("give exactly one of them", param_hint=["CHECKPOINT", "--checkpoint"])
    source = source or checkpoint
    if to in (Program.voc, Program.coco):
        raise MinissdError(
            f"{to} is a format of detections: minissd evaluate --checkpoint {source} --data DATA --save {to}"
        )
    if nms and to != Program.onnx:
        raise MinissdError(f"--nms is for --to onnx: {to.value} finds its own detections; leave it out")
    check_file_writable(out)
    network = networks.trained(source, model, options.parse_classes(classes))
    if to == Program.onnx:
        lines = [f"{key}: {value}" for key, value in export_onnx(network, out, nms=nms).items() if key != "network"]
        what = "of which its metadata say"
    else:
        lines, what = export_weights(network, out, to.value), "in Python"
    console.print(f"{network.name} for {to.value}: {out}; {what}:", markup=False, soft_wrap=True)
    for line in lines:
        console.print(f"    {line}", markup=False, soft_wrap=True)
