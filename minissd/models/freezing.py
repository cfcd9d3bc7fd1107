"""Layers that stand still while the others are trained.

Their parameters are left as they are, and their batch norms use the running statistics and leave them alone.  Where
nothing below is trained either, no gradient is needed, so the backward pass ends at the lowest layer that is trained,
and the forward pass keeps nothing for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from minissd.device import Array
from minissd.errors import MinissdError
from minissd.layers import Sequential
from minissd.models.network import Network

TRUNK = "trunk"


@contextmanager
def frozen(model: Network, names: str | None) -> Iterator[dict[str, Array]]:
    """Inside, the layers of `model` that are named stand still; gives the parameters that are trained, name -> array.

    names: separated by commas: "trunk", the name of a layer, with or without that of its stage, or what it is in, as
    "stage0".  MinissdError for a name that means nothing to the model, or where nothing is left to train.
    """
    still, trained = frozen_layers(model, names), trained_params(model, names)
    if not trained:
        raise MinissdError(f"--freeze {names}: nothing of {model.name} is left to train: name less of it")
    for name, layer in model.leaves():
        layer.frozen = name in still
    all(map(_fix, model.path()))  # up to the first that is not all fixed
    try:
        yield trained
    finally:
        for _, layer in model.leaves():
            layer.frozen = False
        for stage in model.path():
            _release(stage)


def frozen_layers(model: Network, names: str | None) -> set[str]:
    """The dotted names of the layers without children that `names`, as for `frozen`, stands for."""
    leaves, still = [name for name, _ in model.leaves()], set()
    for name in filter(None, map(str.strip, (names or "").split(","))):
        parts = model.trunk if name == TRUNK else (name,)
        found = {leaf for leaf in leaves if any(_is_part(leaf, part) for part in parts)}
        if not found:
            raise MinissdError(f"--freeze {name}: {model.name} has no such layer: {_known(model, name)}")
        still |= found
    return still


def trained_params(model: Network, names: str | None) -> dict[str, Array]:
    """The parameters, name -> array, that are trained while the layers `names` stand still."""
    still = frozen_layers(model, names)
    return {name: array for name, array in model.params.items() if name.rpartition(".")[0] not in still}


def of_trained(model: Network, grads: dict[str, Array]) -> dict[str, Array]:
    """Of the gradients, name -> array, those of layers that do not stand still."""
    still = {f"{name}.{key}" for name, layer in model.leaves() if layer.frozen for key in layer.params}
    return {name: array for name, array in grads.items() if name not in still}


def _is_part(leaf, part):
    """Whether a layer, "stage0.conv1", is what is named or within it: "stage0", "stage0.conv1", "conv1"."""
    return any(f"{name}.".startswith(f"{part}.") for name in (leaf, leaf.partition(".")[2]))


def _known(model, name):
    """The names there are: of the parts of the model, or of the layers in the part that is named."""
    stage = name.partition(".")[0]
    inside = [leaf for leaf, layer in model.leaves() if leaf.startswith(f"{stage}.") and layer.params]
    return "there are " + ", ".join(inside or [*[TRUNK] * bool(model.trunk), *model.children])


def _fix(stage):
    """Leave the frozen layers that a Sequential begins with out of the backward pass; whether these are all of it."""
    stage.fixed = 0
    for layer in stage.layers.values():
        still = _fix(layer) if isinstance(layer, Sequential) else layer.frozen or not layer.params
        if not still:
            return False
        stage.fixed += 1
    stage.frozen = True
    return True


def _release(stage):
    stage.frozen, stage.fixed = False, 0
    for layer in stage.layers.values():
        if isinstance(layer, Sequential):
            _release(layer)
