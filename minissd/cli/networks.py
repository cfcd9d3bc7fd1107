"""The trained network that a command is to use, and the options that say which."""

from pathlib import Path
from typing import Annotated

import typer

from minissd.cli.console import console
from minissd.data import DOWNLOADS, fetched
from minissd.errors import MinissdError
from minissd.training import load_checkpoint
from minissd.weights import load_model

Checkpoint = Annotated[
    Path | None, typer.Option(help="A .safetensors file that `minissd train` wrote.", metavar="FILE")
]
Weights = Annotated[
    str | None,
    typer.Option(help="Instead: published weights of --model, a file or a name that `minissd fetch` knows."),
]
Model = Annotated[str | None, typer.Option(help="The model that --weights are for, as ssd300-vgg16.")]
Classes = Annotated[str | None, typer.Option(help="The classes of --weights, if these do not tell.", metavar="A,B")]


def weights_file(name):
    """The path of a file of weights: what `minissd fetch` brought under that name, or a path as it is."""
    return fetched(name, "weights") if name in DOWNLOADS else Path(name)


def network(checkpoint, weights, name, classes, device):
    """The network that the options of a command describe: a checkpoint, or weights and the model they are for."""
    if (checkpoint is None) == (weights is None):
        raise typer.BadParameter("give exactly one of them", param_hint=["--checkpoint", "--weights"])
    if checkpoint and (name or classes):
        raise typer.BadParameter("a checkpoint knows its own", param_hint=["--model", "--classes"])
    if weights and not name:
        raise typer.BadParameter("say which model they are for", param_hint="--weights without --model")
    return load_checkpoint(checkpoint, device=device).model if checkpoint else loaded(name, weights, classes, device)


def loaded(name, weights, classes, device):
    """The model `name` with the weights in a file, which have to be all that it needs."""
    model, report = load_model(name, weights_file(weights), classes=classes, device=device)
    console.print(f"{weights}: {report}", markup=False, soft_wrap=True)
    missing = [name for name in report.untouched if name in model.params]
    if missing:
        raise MinissdError(
            f"{weights}: has no {missing[0]}, and {len(missing)} of {len(model.params)} parameters of {name} would be "
            "random: give the weights of the whole network"
        )
    return model
