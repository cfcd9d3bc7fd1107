"""How many bytes the arrays of a cache hold, those counted once that share memory."""

from dataclasses import fields, is_dataclass

import numpy as np


def held_bytes(cache) -> int:
    """Of all arrays in the tuples, lists, dictionaries and dataclasses of a cache."""
    return sum(_buffers(cache).values())


def _buffers(thing):
    """{address: bytes} of what the arrays lie in."""
    if isinstance(thing, np.ndarray):
        while isinstance(thing.base, np.ndarray):
            thing = thing.base
        return {thing.ctypes.data: thing.nbytes}
    if isinstance(thing, dict):
        thing = list(thing.values())
    elif is_dataclass(thing):
        thing = [getattr(thing, field.name) for field in fields(thing)]
    found = {}
    for part in thing if isinstance(thing, tuple | list) else ():
        found |= _buffers(part)
    return found
