"""What the package offers has types that an editor and a type checker can read."""

import inspect
from pathlib import Path

import pytest

import minissd
from minissd import (
    backend,
    data,
    detection,
    engine,
    explain,
    gradcheck,
    layers,
    metrics,
    models,
    ops,
    training,
    weights,
)

PACKAGES = (
    minissd, ops, engine, layers, models, training, detection, metrics, data, gradcheck, explain, weights, backend
)  # fmt: skip
PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in PACKAGES
    for name in module.__all__
    if callable(getattr(module, name))
}


def functions_of(thing):
    """(name, function) of a function, or of the public methods that a class of ours defines itself."""
    if not inspect.isclass(thing):
        return [(thing.__name__, thing)]
    own = [(name, method) for name, method in vars(thing).items() if inspect.isfunction(method)]
    return [(name, method) for name, method in own if name == "__init__" or not name.startswith("_")]


def test_the_marker_for_type_checkers_is_there():
    assert (Path(minissd.__file__).parent / "py.typed").exists()


@pytest.mark.parametrize("thing", PUBLIC.values(), ids=PUBLIC)
def test_arguments_and_results_have_types(thing):
    for name, function in functions_of(thing):
        signature = inspect.signature(function)
        missing = [p.name for p in signature.parameters.values() if p.annotation is p.empty and p.name != "self"]
        if signature.return_annotation is signature.empty and name != "__init__":
            missing.append("the result")
        assert not missing, f"{name}: {missing}"
