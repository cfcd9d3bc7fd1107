"""Time and memory of a training step: forward, multibox loss, backward, SGD; the batch is there."""

from minissd.bench.agreement import require_agreement
from minissd.bench.figures import MEMORY, MINISSD, SPEED, Figure, Goal
from minissd.bench.memory import peak_growth
from minissd.bench.peer import load_peer
from minissd.bench.subject import Subject, training_batch
from minissd.bench.timing import interleaved
from minissd.training import SGD, TrainConfig, train_step

SUBJECT, BATCH_SIZE = Subject("ssd-tiny", 3, {"input_size": 240}), 16
LR = 0.002  # a tenth of the usual peak: the same batch is learned again and again
CHECKED_STEPS = 2  # the loss of the second step depends on every gradient of the first and on its update
TIME_GOAL, MEMORY_GOAL = Goal(SPEED, 0.7, 1.0), Goal(MEMORY, 1.1, 0.9)


def run(peer, repeat, report):
    figure = timed(SUBJECT, BATCH_SIZE, TIME_GOAL, peer, repeat, report)
    return [figure, *peak_memory(figure.work, MEMORY_GOAL, peer, report, SUBJECT, BATCH_SIZE, LR)]


def timed(subject, batch_size, goal, peer, repeat, report, **criterion):
    """The Figure of the time that a step of a network takes.  criterion: of `require_agreement`."""
    work = f"{subject.name} training step, batch {batch_size}"
    sides = {name: make_side(name, subject, batch_size, LR) for name in names_of_sides(peer)}
    check(work, {name: [side() for _ in range(CHECKED_STEPS)] for name, side in sides.items()}, **criterion)
    times = interleaved(sides, repeat, lambda done, total: report("timing", done, total))
    return Figure(work, "ms", times, goal)


def names_of_sides(peer):
    return MINISSD, *(peer.MEMORY_FORMATS if peer else ())


def peak_memory(work, goal, peer, report, *step):
    """[Figure] of the memory that a step takes at its worst, [] where it cannot be asked.

    step: what `make_side` takes after the side.
    """
    names = names_of_sides(peer)
    peaks, losses = {}, {}
    for done, name in enumerate(names):
        report("memory", done, len(names))
        measured = peak_growth(make_side, name, *step)
        if measured is None:
            return []
        growth, losses[name] = measured
        peaks[name] = [growth]
    report("memory", len(names), len(names))
    check(work, losses)
    return [Figure(f"{work}: peak memory", "MiB", peaks, goal)]


def make_side(name, subject, batch_size, lr):
    """The step as a function without arguments that returns the loss; the same model and batch for every side."""
    model, config = subject.model(), TrainConfig(lr=lr, negatives="paper")
    batch = training_batch(model, batch_size)
    if name != MINISSD:
        return load_peer("torch").TrainingStep(model, batch, config, memory_format=name)
    optimizer = SGD(model.params, config.lr, config.momentum, config.weight_decay)
    return lambda: train_step(model, optimizer, batch, config, step=0)["loss"]


def check(work, losses, **criterion):
    """The losses of the first steps, dict side -> list, must agree."""
    for name in losses.keys() - {MINISSD}:
        for i, (ours, theirs) in enumerate(zip(losses[MINISSD], losses[name], strict=True), 1):
            require_agreement(f"{work}, loss of step {i} ({name})", ours, theirs, **criterion)
