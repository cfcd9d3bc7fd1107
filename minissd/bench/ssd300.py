"""The full network of the SSD paper: forward for one image, forward and backward for four, memory of a step."""

import numpy as np

from minissd.bench.agreement import require_all_agree
from minissd.bench.figures import MEMORY, MINISSD, SPEED, Figure, Goal
from minissd.bench.step import peak_memory
from minissd.bench.subject import Subject, pictures
from minissd.bench.timing import fewer, interleaved

SUBJECT, BATCH_SIZE = Subject("ssd300-vgg16", 20), 4
LR = 1e-6  # fresh weights without batch norm: at the paper's 1e-3 the second loss would not be finite
# Where the input of a ReLU or a max pool is within rounding of the kink, one side passes the gradient on and the other
# does not: PyTorch's two memory formats differ by 2e-3 here, single numbers by more.  The tests compare in float64.
BACKWARD_AGREEMENT = {"tolerance": 2e-2, "norm": np.linalg.norm}
FORWARD_GOAL, BACKWARD_GOAL, MEMORY_GOAL = Goal(SPEED, 1.15, 1.6), Goal(SPEED, 1.0, 1.4), Goal(MEMORY, 1.3, 1.0)


def run(peer, repeat, report):
    model = SUBJECT.model()
    work = f"{SUBJECT.name} training step, batch {BATCH_SIZE}"
    return [
        forward(model, peer, repeat, report),
        forward_backward(model, peer, fewer(repeat), report),
        *peak_memory(work, MEMORY_GOAL, peer, report, SUBJECT, BATCH_SIZE, LR),
    ]


def forward(model, peer, repeat, report):
    """One image, offsets and logits of all default boxes; nothing is kept for a backward pass by PyTorch."""
    work, images = f"{model.name} forward, batch 1", pictures(1, model.input_size)

    def ours():
        offsets, logits = model.infer(images)
        return {"offsets": offsets, "logits": logits}

    sides = {MINISSD: ours} | peer_sides(peer, "Inference", model, images)
    with model.inference():
        check(work, sides)
        times = interleaved(sides, repeat, lambda done, total: report("forward", done, total))
    return Figure(work, "ms", times, FORWARD_GOAL)


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


def peer_sides(peer, kind, *arguments):
    """PyTorch's side in each memory format, {} without PyTorch.  kind: a class of `torch_peer`."""
    return {name: getattr(peer, kind)(*arguments, name) for name in peer.MEMORY_FORMATS} if peer else {}


def check(work, sides, **criterion):
    """Call every side once; all must give the same dict of arrays."""
    ours = sides[MINISSD]()
    for name, side in sides.items():
        if name != MINISSD:
            side()
            require_all_agree(f"{work} ({name})", ours, side.results(), **criterion)
