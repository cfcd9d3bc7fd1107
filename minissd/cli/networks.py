"""The trained network that a command is to use, and the options that say which."""

from pathlib import Path
from typing import Annotated

import typer

from minissd.cli.console import console
from minissd.data import DOWNLOADS, fetched, place_of
from minissd.errors import MinissdError
from minissd.training import BEST, checkpoint_of, load_checkpoint
from minissd.training.checkpoint import is_checkpoint, read_description
from minissd.weights import load_model, options_for, read_weights
from minissd.weights.loading import MOMENTUM_OF_A_RUN
from minissd.weights.report import some


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


def given(path: Path) -> Path:
    """The checkpoint that --checkpoint means; MinissdError if nothing is there."""
    if not path.exists():
        raise MinissdError(
            f"{path}: does not exist: give a run folder, or a .safetensors file that `minissd train` wrote"
        )
    return in_run_folder(path)


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
    typer.Option(help="Instead: published weights, a file or a name that `minissd fetch` knows."),
]
Model = Annotated[
    str | None, typer.Option(help="The model that --weights are for, as ssd300-vgg16, if these do not tell.")
]
Classes = Annotated[str | None, typer.Option(help="The classes of --weights, if these do not tell.", metavar="A,B")]


def weights_file(name):
    """The path of a file of weights: what `minissd fetch` brought under that name, that of a run, or as it is."""
    path = Path(name)
    return fetched(name, "weights") if name in DOWNLOADS and not path.is_dir() else in_run_folder(path)


def has_batch_norm(name):
    """Whether weights, named as for `weights_file`, are of a network with batch norm, by the names of the tensors."""
    return any(".bn" in tensor for tensor in read_weights(_path_of(name)).tensors)


def options_of_weights(name, model):
    """The options with which `model` has the layers of weights, named as for `weights_file`, where these need some."""
    return options_for(model, _path_of(name))


def _path_of(name):
    path = Path(name)
    return checkpoint_of(path) if path.is_dir() else fetched(name, "weights") if name in DOWNLOADS else path


def fetched_network():
    """The name of the published detector that is used where none is given: the one fetched last, and a line on it."""
    there = {name: place_of(name) for name, download in DOWNLOADS.items() if download.model}
    there = {name: place.stat().st_mtime for name, place in there.items() if place.exists()}
    if not there:
        raise MinissdError(
            "no network is given, and none has been fetched: run `minissd fetch ssdlite-coco` once, or give "
            "--checkpoint PATH, of one that `minissd train` wrote"
        )
    chosen = max(there, key=lambda name: there[name])
    others = ", ".join(name for name in there if name != chosen)
    note = f", the one fetched last; --weights NAME for another: {others}" if others else ", the one fetched"
    console.print(f"network: {chosen}{note}", markup=False, soft_wrap=True)
    return chosen


def network(checkpoint, weights, name, classes, device):
    """The network that the options of a command describe: a checkpoint, or weights and, if need be, their model."""
    if (checkpoint is None) == (weights is None):
        raise typer.BadParameter("give exactly one of them", param_hint=["--checkpoint", "--weights"])
    if checkpoint and (name or classes):
        raise typer.BadParameter("a checkpoint knows its own", param_hint=["--model", "--classes"])
    if checkpoint:
        return load_checkpoint(given(checkpoint), device=device).model
    return loaded(name, weights, classes, device)


def trained(source, name, classes, device="cpu"):
    """The network in a run folder, a checkpoint, a file of weights, or published weights by their name."""
    path = _path_of(source)
    if is_checkpoint(path):
        if name or classes:
            raise typer.BadParameter("a checkpoint knows its own", param_hint=["--model", "--classes"])
        return load_checkpoint(in_run_folder(Path(source)), device=device).model
    return loaded(name, source, classes, device)


def loaded(name, weights, classes, device):
    """The model `name`, or the one that they are of, with the weights in a file: all that it needs, and no other."""
    model, report = load_model(name, weights_file(weights), classes=classes, device=device)
    console.print(f"{weights}: {report}", markup=False, soft_wrap=True)
    missing = [name for name in report.untouched if name in model.params]
    if missing:
        raise MinissdError(
            f"{weights}: has no {missing[0]}, and {len(missing)} of {len(model.params)} parameters of {model.name} "
            "would be random: give the weights of the whole network"
        )
    foreign = [name for name, why in report.left_over.items() if why != MOMENTUM_OF_A_RUN]
    if foreign:
        raise MinissdError(
            f"{weights}: holds {some(foreign)}, for which {model.name} has no place: it is of another network; give "
            f"the weights of {model.name}"
        )
    return model
