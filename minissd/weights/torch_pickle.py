"""The pickles inside PyTorch's files, read without running anything.

A pickle is a program for a small stack machine, and two of its instructions call functions by name: loading a file
from elsewhere with the `pickle` module runs what its author chose.  Here `pickletools` of the standard library splits
the program into instructions, and this machine knows those that a state_dict consists of: numbers, strings, tuples,
lists, dictionaries, and GLOBALS, the few names that describe a tensor.  All else is refused by its name.
"""

import pickletools
from types import FunctionType

from minissd.errors import MinissdError
from minissd.weights.torch_tensors import ELEMENTS, Elements, Tensor, new_storage, new_tensor


def unpickle(file):
    """(value, storages by key) of the pickle that begins at the position of a binary file, which is left at its end.

    Tensors come as `Tensor`, OrderedDicts as dict.  Raises MinissdError for a damaged pickle, or one that holds more.
    """
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(file):
            machine.step(opcode.name, argument)
        return machine.stack.pop(), machine.storages
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:80]
        raise MinissdError(f"damaged ({reason}): use another file") from None


def _ordered_dict(pairs=()):
    return _with_items({}, pairs)


def _rebuild_tensor(storage, offset, shape, strides, *_):
    """What follows says whether gradients are wanted, and who is told of them."""
    return new_tensor(storage, offset, shape, strides)


def _rebuild_parameter(tensor, *_):
    if not isinstance(tensor, Tensor):
        raise ValueError("a parameter without a tensor")
    return tensor


GLOBALS = {
    "collections.OrderedDict": _ordered_dict,
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    **{f"torch.{name}": Elements(code) for name, code in ELEMENTS.items()},
}


class _Machine:
    """The stack, the stacks below each open mark, and the memo, as `pickletools` describes them."""

    def __init__(self):
        self.stack, self.below, self.memo, self.storages = [], [], {}, {}

    def step(self, name, argument):
        """Carry out one instruction."""
        if name in _LITERALS:
            self.push(argument)
        elif name in _CONSTANTS:
            self.push(_CONSTANTS[name])
        elif name in _INSTRUCTIONS:
            _INSTRUCTIONS[name](self, argument)
        elif name not in _NOTHING_TO_DO:
            raise MinissdError(f"holds the pickle instruction {name}, which no tensors need: {_ADVICE}")

    def push(self, value):
        self.stack.append(value)

    def pop(self, count):
        """The topmost values, in the order in which they were pushed."""
        if len(self.stack) < count:
            raise ValueError("a value is missing")
        values = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return values

    def mark(self, _):
        self.below.append(self.stack)
        self.stack = []

    def pop_to_mark(self):
        values, self.stack = self.stack, self.below.pop()
        return values

    def get(self, index):
        self.push(self.memo[index])

    def put(self, index):
        self.memo[len(self.memo) if index is None else index] = self.stack[-1]

    def extend(self, values):
        if type(self.stack[-1]) is not list:
            raise ValueError("an item is added to what is no list")
        self.stack[-1].extend(values)

    def set_items(self, values):
        keys, items = values[::2], values[1::2]
        _with_items(self.stack[-1], list(zip(keys, items, strict=True)))

    def find(self, name):
        """The meaning of a name.  This is where the `pickle` module would import it."""
        if name not in GLOBALS:
            raise MinissdError(f"holds {name[:80]!r}, which is no tensor, and nothing from a file is run: {_ADVICE}")
        self.push(GLOBALS[name])

    def reduce(self, _):
        function, arguments = self.pop(2)
        if not isinstance(function, FunctionType):  # only `find` puts functions on the stack, ours
            raise ValueError("a call of what is no function")
        self.push(function(*arguments))

    def build(self, _):
        """Attributes of an OrderedDict: PyTorch keeps the versions of modules there, which say nothing of tensors."""
        target, _attributes = self.pop(2)
        self.push(_with_items(target, ()))

    def persistent(self, _):
        """("storage", elements, key, device, numel[, view]) stands for numbers outside the pickle."""
        ((kind, elements, key, _device, numel, *view),) = self.pop(1)
        if kind != "storage" or not isinstance(elements, Elements) or type(key) is not str:
            raise ValueError("not the description of a storage")
        storage = new_storage(key, elements, numel, *view)
        whole = self.storages.setdefault(key, storage)
        if (whole.elements, whole.numel) != (elements, numel):
            raise ValueError(f"two descriptions of storage {key[:20]!r}")
        self.push(storage)


def _with_items(target, pairs):
    if type(target) is not dict:
        raise ValueError("an entry is set in what is no dictionary")
    for key, value in pairs:
        if type(key) not in (str, int):
            raise ValueError("a key that is neither text nor a number")
        target[key] = value
    return target


_ADVICE = "save the state_dict() alone with torch.save"
_LITERALS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING"),
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_NOTHING_TO_DO = {"PROTO", "FRAME", "STOP"}
_INSTRUCTIONS = {
    "MARK": _Machine.mark,
    "BINGET": lambda machine, index: machine.get(index),
    "LONG_BINGET": lambda machine, index: machine.get(index),
    "BINPUT": lambda machine, index: machine.put(index),
    "LONG_BINPUT": lambda machine, index: machine.put(index),
    "MEMOIZE": lambda machine, _: machine.put(None),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.pop_to_mark())),
    "TUPLE1": lambda machine, _: machine.push(tuple(machine.pop(1))),
    "TUPLE2": lambda machine, _: machine.push(tuple(machine.pop(2))),
    "TUPLE3": lambda machine, _: machine.push(tuple(machine.pop(3))),
    "APPEND": lambda machine, _: machine.extend(machine.pop(1)),
    "APPENDS": lambda machine, _: machine.extend(machine.pop_to_mark()),
    "SETITEM": lambda machine, _: machine.set_items(machine.pop(2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_to_mark()),
    "GLOBAL": lambda machine, name: machine.find(name.replace(" ", ".", 1)),
    "INST": lambda machine, name: machine.find(name.replace(" ", ".", 1)),
    "STACK_GLOBAL": lambda machine, _: machine.find(".".join(machine.pop(2))),
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent,
}
