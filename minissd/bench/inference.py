"""Whole networks inside `inference()`, one image and eight, and a training step of ssd300-mobilenet."""

from functools import partial

from minissd.bench import step
from minissd.bench.agreement import require_all_agree
from minissd.bench.figures import FASTEST, MINISSD, SPEED, Figure, Goal
from minissd.bench.subject import Subject, pictures
from minissd.bench.timing import interleaved

TINY = Subject("ssd-tiny", 3, {"input_size": 240})
MOBILENET, LITE = Subject("ssd300-mobilenet", 20), Subject("ssdlite320-mobilenet-v3", 20)
BATCHES = (1, 8)
GOAL = Goal(FASTEST, 0.7, 1.0)
STEP_BATCH_SIZE, STEP_GOAL = 16, Goal(SPEED, 0.8, 1.2)
# Of the second step's loss, a twentieth lower than the first: PyTorch's two memory formats differ by 1.3e-3, for some
# inputs of the many ReLUs are within rounding of the kink
STEP_AGREEMENT = 5e-3


def tiny(peer, repeat, report, runtimes=()):
    return forwards(TINY.model(), peer, repeat, report, runtimes)


def mobilenet(peer, repeat, report, runtimes=()):
    """A training step too; of the runtimes none trains."""
    figures = forwards(MOBILENET.model(), peer, repeat, report, runtimes)
    step_report = partial(_named, report, "step")
    work = MOBILENET, STEP_BATCH_SIZE, STEP_GOAL
    return [*figures, step.timed(*work, peer, repeat, step_report, tolerance=STEP_AGREEMENT)]


def ssdlite(peer, repeat, report, runtimes=()):
    return forwards(LITE.model(), peer, repeat, report, runtimes)


def forwards(model, peer, repeat, report, runtimes):
    return [
        forward(model, count, GOAL, peer, repeat, partial(_named, report, f"batch {count}"), runtimes)
        for count in BATCHES
    ]


def _named(report, what, _, done, total):
    report(what, done, total)


def forward(model, count, goal, peer, repeat, report, runtimes=()):
    """The Figure of so many images, offsets and logits of all default boxes; nobody keeps a thing for a backward pass.

    peer: `torch_peer`, or None; runtimes: modules of `load_runtimes`.
    """
    work, images = f"{model.name} forward, batch {count}", pictures(count, model.input_size)

    def ours():
        offsets, logits = model.infer(images)
        return {"offsets": offsets, "logits": logits}

    sides = {MINISSD: ours} | peer_sides(peer, "Inference", model, images)
    sides |= {runtime.NAME: runtime.Inference(model, images) for runtime in runtimes}
    with model.inference():
        check(work, sides)
        times = interleaved(sides, repeat, lambda done, total: report("forward", done, total))
    return Figure(work, "ms", times, goal)


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
