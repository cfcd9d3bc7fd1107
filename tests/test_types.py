"""What the package offers has types that an editor and a type checker can read, and says what it does."""

import inspect
import re
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


@pytest.mark.parametrize("thing", PUBLIC.values(), ids=PUBLIC)
def test_it_is_said_what_it_does(thing):
    silent = [name for name, _ in functions_of(thing) if name != "__init__" and not said_of(thing, name)]
    assert inspect.getdoc(thing) and not silent, silent


def said_of(thing, name):
    """The docstring of a function, or of a method, which may be that of the class it comes from."""
    return inspect.getdoc(getattr(thing, name) if inspect.isclass(thing) else thing)


@pytest.mark.parametrize("name", [name for name in ops.__all__ if name not in ("effective_kernel", "output_size")])
def test_an_operation_gives_shapes(name):
    """Here, or where all of its file have the same."""
    function = getattr(ops, name)
    assert re.search(
        r"\([A-Z.]|\bshape of|any shape|one shape", inspect.getdoc(function) + inspect.getmodule(function).__doc__
    )
