"""Atrous is faster: fc6 of SSD300 in four forms on the same map, and the whole network with two of them.

By the SSD paper (Liu et al. 2016), section 3.2, the network with the whole VGG16 is about a fifth slower.

    fc6 3x3 atrous          pool5 keeps the map at 19x19; 3x3 taps with a dilation of 6, 1024 outputs
    fc6 7x7 dense           what it was decimated from: pool5 halves the map to 10x10; 7x7 taps, 4096 outputs
    fc6 13x13 with zeros    the first one without a dilation: zeros in the holes, the same output
    fc6 7x7 atrous          the second one on the fine map: 7x7 taps with a dilation of 2, 4096 outputs
"""

from contextlib import ExitStack
from statistics import median

import numpy as np

from minissd.bench.subject import Subject, pictures
from minissd.bench.timing import interleaved
from minissd.engine import conv2d, max_pool2d
from minissd.errors import MinissdError
from minissd.weights import decimate

NETWORKS = {
    "SSD300, atrous": Subject("ssd300-vgg16", 20),
    "SSD300, whole VGG16": Subject("ssd300-vgg16", 20, {"atrous": False}),
}
MAP = 19  # cells a side of conv5_3
ROUNDS = 5  # of a run, which gives their median: what disturbs the machine for a moment does not count
TOLERANCE = 1e-3  # of float32, where Winograd's error is about 1e-5


def time_fc6(runs, report):
    """{variant: [milliseconds of each run]} of one image, forward, in turns; report(done, total) after each round."""
    networks = {name: subject.model() for name, subject in NETWORKS.items()}
    whole = networks["SSD300, whole VGG16"]
    kernel = whole.stages["conv6_7"].layers["fc6"].params["w"]  # (7, 7, C, D)
    images = pictures(1, whole.input_size)
    with ExitStack() as inference:
        for network in networks.values():
            inference.enter_context(network.inference())
        sides = fc6_sides(kernel, MAP)
        sides |= {name: lambda network=network: network.infer(images) for name, network in networks.items()}
        times = interleaved(sides, runs * ROUNDS, report)
    return {
        name: [median(of_one[i : i + ROUNDS]) for i in range(0, len(of_one), ROUNDS)] for name, of_one in times.items()
    }


def fc6_sides(dense, size):
    """{variant: function without arguments -> output map} on one map conv5_3 (1, size, size, C).

    dense: (7, 7, C, D), the kernel that the others follow from.  Checks that the holes change nothing but the time.
    """
    x = np.random.default_rng(0).standard_normal((1, size, size, dense.shape[2]), dtype=dense.dtype)
    atrous = np.ascontiguousarray(decimate(dense, (3, 3, 1, 4)))  # (3, 3, C, D / 4)
    filled = np.zeros((13, 13, *atrous.shape[2:]), dense.dtype)
    filled[::6, ::6] = atrous
    atrous.flags.writeable = False  # as in inference, transformed filters are then kept

    def on_fine_map(w, dilation):
        pooled, _ = max_pool2d(x, 3, stride=1, pad=1)
        y, _ = conv2d(pooled, w, pad=6, dilation=dilation)
        return y

    def on_coarse_map():
        pooled, _ = max_pool2d(x, 2, ceil_mode=True)
        y, _ = conv2d(pooled, dense, pad=3)
        return y

    sides = {
        "fc6 3x3 atrous": lambda: on_fine_map(atrous, 6),
        "fc6 7x7 dense": on_coarse_map,
        "fc6 13x13 with zeros": lambda: on_fine_map(filled, 1),
        "fc6 7x7 atrous": lambda: on_fine_map(dense, 2),
    }
    holes, zeros = sides["fc6 3x3 atrous"](), sides["fc6 13x13 with zeros"]()
    if np.abs(holes - zeros).max() > TOLERANCE * np.abs(zeros).max():
        raise MinissdError("fc6 with holes differs from fc6 with zeros in them: not timed; run the tests")
    return sides
