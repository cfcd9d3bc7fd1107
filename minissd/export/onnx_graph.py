"""An ONNX graph that grows node by node.

N batch, C channels, H W a map's size.  Maps are (N, C, H, W) within the graph, as ONNX's operators want them; only the
batch is not known while it is built.
"""

import importlib
from typing import Any, NamedTuple

import numpy as np

from minissd.errors import MinissdError

OPSET, IR_VERSION = 17, 8  # of 2022: runtimes of today and of the last years know them
BATCH = "N"  # the name of the axis that is open


def onnx_module(name: str = "onnx") -> Any:
    """A module of the onnx package; MinissdError if it is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != "onnx":
            raise
        raise MinissdError("--to onnx needs the onnx package: pip install 'minissd[onnx]'") from None


class Map(NamedTuple):
    """A value of the graph: maps (N, channels, *size), or with an empty size vectors (N, channels)."""

    name: str
    channels: int
    size: tuple[int, ...]


class Graph:
    """Nodes and the arrays they read.  `onnx`: its module."""

    def __init__(self) -> None:
        self.onnx = onnx_module()
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._taken: set[str] = set()

    def input(self, name: str, dtype: Any, shape: tuple[int | str, ...]) -> str:
        """An input of the graph; a text in the shape names an axis that is open."""
        self.inputs.append(self._described(self._free(name), dtype, shape))
        return name

    def output(self, value: str, name: str, dtype: Any, shape: tuple[int | str, ...]) -> None:
        """Let a value be an output of the graph under this name."""
        self._nodes.append(self.onnx.helper.make_node("Identity", [value], [self._free(name)], name=f"to_{name}"))
        self.outputs.append(self._described(name, dtype, shape))

    def constant(self, array: Any, name: str = "constant", dtype: Any = np.float32) -> str:
        """An array that nodes read: the name of it."""
        name = self._free(name)
        values = np.ascontiguousarray(np.asarray(array, dtype))
        self._weights.append(self.onnx.numpy_helper.from_array(values.reshape(np.shape(array)), name))
        return name

    def integers(self, *values: int) -> str:
        """A vector of numbers that say how: axes, sizes."""
        return self.constant(values, "integers", np.int64)

    def add(self, operator: str, *inputs: str, name: str = "", outputs: int = 0, **attributes: Any) -> Any:
        """A node: the name of what it outputs, or with `outputs` a list of so many names."""
        name = self._free(name or operator.lower())
        names = [name] if not outputs else [self._free(f"{name}.{i}") for i in range(outputs)]
        self._nodes.append(self.onnx.helper.make_node(operator, list(inputs), names, name=f"node_{name}", **attributes))
        return names if outputs else name

    def model(self, name: str, metadata: dict[str, str]) -> Any:
        """The whole as an onnx.ModelProto that ONNX's checker has passed."""
        helper = self.onnx.helper
        graph = helper.make_graph(self._nodes, name, self.inputs, self.outputs, self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        model.producer_name = "minissd"
        helper.set_model_props(model, metadata)
        self.onnx.checker.check_model(model, full_check=True)
        return model

    def _described(self, name, dtype, shape):
        kind = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.onnx.helper.make_tensor_value_info(name, kind, shape)

    def _free(self, name):
        """The name, or if it is taken the name with a number."""
        free, count = name, 1
        while free in self._taken:
            count += 1
            free = f"{name}_{count}"
        self._taken.add(free)
        return free
