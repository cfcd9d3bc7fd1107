"""What every layer is: parameters, buffers, forward, backward.  Layers keep no activations.

    y, cache  = layer.forward(x, train=False, rng=None)
    dx, grads = layer.backward(dy, cache, need_dx=True)   # grads: same keys and shapes as layer.params

need_dx=False allows the first layer of a network to leave out dx (None), which training has no use for.
`params` are trained; `buffers` are saved with them but not trained (the running statistics of batch norm).  Both
are flat dictionaries of arrays that are only ever changed in place, so a container can list the arrays of its
children under dotted names once and for all.
"""


class Layer:
    """A layer without parameters, unless its constructor fills `params` and `buffers`."""

    def __init__(self):
        self.params = {}
        self.buffers = {}
        self.children = {}

    def infer(self, x):
        """The output alone; containers keep nothing for a backward pass, so each map's memory serves the next."""
        y, _ = self.forward(x)
        return y

    @property
    def tapped(self):
        """Whether somebody looks on: who does, puts a `forward` into the object itself (`minissd/inspect/taps.py`)."""
        return "forward" in vars(self)

    def leaves(self, prefix=""):
        """Yield (dotted name, layer) of every layer inside that has no children, in the order of their adoption."""
        for name, child in self.children.items():
            if child.children:
                yield from child.leaves(f"{prefix}{name}.")
            else:
                yield prefix + name, child

    def adopt(self, **children):
        """Know the children by name, and list their arrays under "child.name"."""
        self.children.update(children)
        for name, child in children.items():
            self.params.update(prefixed(name, child.params))
            self.buffers.update(prefixed(name, child.buffers))


def prefixed(name, arrays):
    """The same dictionary with "name." before every key."""
    return {f"{name}.{key}": array for key, array in arrays.items()}
