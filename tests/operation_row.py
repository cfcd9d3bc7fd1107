"""What a row says of an operation, for the tables that test_every_operation.py checks."""

from typing import NamedTuple


class Operation(NamedTuple):
    forward: object  # (*inputs) -> (y, cache)
    backward: object  # (dy, cache) -> gradients; None for a function that has no backward pass
    inputs: object  # (rng) -> list of float64 arrays, away from kinks
    naive: object  # (*inputs) -> y
    torch: object  # (torch.nn.functional, *tensors) -> y


def normal(*shapes):
    return lambda rng: [rng.standard_normal(shape) for shape in shapes]
