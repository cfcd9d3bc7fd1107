"""The trained network that a command is to use, and the options that say which."""

from pathlib import Path
from typing import Annotated

import typer

from minissd.cli.console import console
from minissd.data import DOWNLOADS, fetched
from minissd.errors import MinissdError
from minissd.training import BEST, checkpoint_of, load_checkpoint
from minissd.training.checkpoint import read_description
from minissd.weights import load_model, read_weights


def in_run_folder(path: Path) -> Path:
    """A path to a file as it is; for the folder of a run the checkpoint that it stands for, and a line that says so."""
    if not path.is_dir():
        return path
    chosen = checkpoint_of(path)
    description, settings = read_description(chosen)
    best = settings.get("best")
    score = f", validation {best:.3f}" if best is not None else ""
    why = f"the best by its validations{score}" if chosen.name == BEST else "the newest, for it has no validation"
    console.print(f"{path}: {chosen.name}, step {description['step']}: {why}", markup=False, soft_wrap=True)
    return chosen


Checkpoint = Annotated[
    Path | None,
    typer.Option(
        help="A run folder, which stands for its best checkpoint, or a .safetensors file that `minissd train` wrote.",
        metavar="PATH",
        callback=lambda path: path and in_run_folder(path),
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(help="Instead: published weights of --model, a file or a name that `minissd fetch` knows."),
]
Model = Annotated[str | None, typer.Option(help="The model that --weights are for, as ssd300-vgg16.")]
Classes = Annotated[str | None, typer.Option(help="The classes of --weights, if these do not tell.", metavar="A,B")]


def weights_file(name):
    """The path of a file of weights: what `minissd fetch` brought under that name, that of a run, or as it is."""
    path = Path(name)
    return fetched(name, "weights") if name in DOWNLOADS and not path.is_dir() else in_run_folder(path)


def has_batch_norm(name):
    """Whether weights, named as for `weights_file`, are of a network with batch norm, by the names of the tensors."""
    path = Path(name)
    path = checkpoint_of(path) if path.is_dir() else fetched(name, "weights") if name in DOWNLOADS else path
    return any(".bn" in tensor for tensor in read_weights(path).tensors)


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
