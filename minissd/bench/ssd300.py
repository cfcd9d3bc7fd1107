"""The full network of the SSD paper: forward for one image, forward and backward for four, memory of a step."""

import numpy as np

from minissd.bench.figures import FASTEST, MEMORY, MINISSD, SPEED, Figure, Goal
from minissd.bench.inference import check, forward, peer_sides
from minissd.bench.step import peak_memory
from minissd.bench.subject import Subject, pictures
from minissd.bench.timing import fewer, interleaved

SUBJECT, BATCH_SIZE = Subject("ssd300-vgg16", 20), 4
LR = 1e-6  # fresh weights without batch norm: at the paper's 1e-3 the second loss would not be finite
# Where the input of a ReLU or a max pool is within rounding of the kink, one side passes the gradient on and the other
# does not: PyTorch's two memory formats differ by 2e-3 here, single numbers by more.  The tests compare in float64.
BACKWARD_AGREEMENT = {"tolerance": 2e-2, "norm": np.linalg.norm}
BESIDE_ALL_GOAL = Goal(FASTEST, 1.2, 1.5)
FORWARD_GOAL, BACKWARD_GOAL, MEMORY_GOAL = Goal(SPEED, 1.15, 1.6), Goal(SPEED, 1.0, 1.4), Goal(MEMORY, 1.1, 0.9)


def run(peer, repeat, report, runtimes=()):
    model, goal = SUBJECT.model(), BESIDE_ALL_GOAL if runtimes else FORWARD_GOAL
    work = f"{SUBJECT.name} training step, batch {BATCH_SIZE}"
    return [
        forward(model, 1, goal, peer, repeat, report, runtimes),
        forward_backward(model, peer, fewer(repeat), report),
        *peak_memory(work, MEMORY_GOAL, peer, report, SUBJECT, BATCH_SIZE, LR),
    ]


def forward_backward(model, peer, repeat, report):
    """All gradients of the parameters, of a gradient of the outputs that is given: without the loss, which is the same
    small work on both sides, and whose choice of negatives can turn on the last bit."""
    work, images = f"{model.name} forward + backward, batch {BATCH_SIZE}", pictures(BATCH_SIZE, model.input_size)
    rng = np.random.default_rng(0)
    outputs = (len(images), len(model.default_boxes))
    dy = tuple(rng.standard_normal((*outputs, n), dtype=np.float32) for n in (4, len(model.classes) + 1))

    def ours():
        _, cache = model.forward(images, train=True)
        _, grads = model.backward(dy, cache, need_dx=False, spend=True)
        return grads

    sides = {MINISSD: ours} | peer_sides(peer, "ForwardBackward", model, images, dy)
    check(work, sides, **BACKWARD_AGREEMENT)
    times = interleaved(sides, repeat, lambda done, total: report("backward", done, total))
    return Figure(work, "ms", times, BACKWARD_GOAL)
