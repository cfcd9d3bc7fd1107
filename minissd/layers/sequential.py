from minissd.layers.layer import Layer, prefixed


class Sequential(Layer):
    """Layers one after the other, each with a name: Sequential(conv=Conv2d(...), relu=ReLU())."""

    def __init__(self, **layers):
        super().__init__()
        self.layers = layers
        self.adopt(**layers)

    def forward(self, x, train=False, rng=None):
        caches = []
        for layer in self.layers.values():
            x, cache = layer.forward(x, train, rng)
            caches.append(cache)
        return x, caches

    def backward(self, dy, caches, need_dx=True):
        grads = {}
        first = next(iter(self.layers), None)
        for (name, layer), cache in zip(reversed(self.layers.items()), reversed(caches), strict=True):
            dy, layer_grads = layer.backward(dy, cache, need_dx=need_dx or name != first)
            grads.update(prefixed(name, layer_grads))
        return dy, grads

    def trace(self, x, train=False, rng=None):
        """Yield (name, output) of every layer in turn, of layers within layers under dotted names."""
        for name, layer in self.layers.items():
            if isinstance(layer, Sequential):
                for inner, y in layer.trace(x, train, rng):
                    yield f"{name}.{inner}", y
            else:
                y, _ = layer.forward(x, train, rng)
                yield name, y
            x = y
