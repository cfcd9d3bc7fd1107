"""Every convolution of SSD300 alone, one image, forward, beside the matrix product that this machine does at best.

Rates count the multiply-adds of the convolution's definition.  An algorithm that needs fewer, as Winograd's does, can
so exceed the matrix product's peak.
"""

import numpy as np

from minissd.bench.figures import MINISSD, Figure
from minissd.bench.inference import check, peer_sides
from minissd.bench.ssd300 import SUBJECT
from minissd.bench.subject import pictures
from minissd.bench.timing import fewer, interleaved
from minissd.layers import Conv2d
from minissd.models.cost import multiply_adds_by_layer
from minissd.models.heads import NormalizedHead

SIDE = 2048  # of the matrices: larger ones are no faster
PEAK = "matrix product"  # how the work of the first figure begins


def run(peer, repeat, report):
    """[Figure]: the matrix product first, then the layers in the order of the network; a figure's work is its name."""
    model = SUBJECT.model()
    layers = list(convolutions(model, pictures(1, model.input_size)))
    costs = multiply_adds_by_layer(model)
    figures = [matrix_product(peer, fewer(repeat))]
    with model.inference():
        for done, (name, layer, x) in enumerate(layers, 1):
            sides = {MINISSD: lambda layer=layer, x=x: {"y": layer.infer(x)}}
            sides |= peer_sides(peer, "Inference", layer, x)
            check(name, sides)
            times = interleaved(sides, fewer(repeat), lambda _done, _total: None)
            figures.append(Figure(name, "ms", times, operations=2 * costs[name]))
            report(name, done, len(layers))
    return figures


def matrix_product(peer, repeat):
    """The peak: a product of two square single-precision matrices."""
    a, b = np.random.default_rng(0).standard_normal((2, SIDE, SIDE), dtype=np.float32)
    sides = {MINISSD: lambda: {"product": a @ b}}
    if peer:
        sides["contiguous"] = peer.MatrixProduct(a, b)
    check(PEAK, sides)
    times = interleaved(sides, repeat, lambda _done, _total: None)
    return Figure(f"{PEAK} {SIDE}x{SIDE}x{SIDE}", "ms", times, operations=2 * SIDE**3)


def convolutions(model, images):
    """Yield (name, layer, input) of every convolution of a detector, with the input it gets for these images."""
    x = model.normalize(images)
    for i, ((stage_name, stage), head) in enumerate(zip(model.stages.items(), model.heads, strict=True)):
        for name, layer in stage.layers.items():
            if isinstance(layer, Conv2d):
                yield f"{stage_name}.{name}", layer, x
            x = layer.infer(x)
        seen = head.l2norm.infer(x) if isinstance(head, NormalizedHead) else x
        for name in ("offsets", "logits"):
            yield f"head{i}.{name}", getattr(head, name), seen
