"""Time and memory of a training step of ssd-tiny: forward, multibox loss, backward, SGD; the batch is there."""

from minissd.bench.agreement import require_agreement
from minissd.bench.figures import MINISSD, Figure
from minissd.bench.memory import peak_growth
from minissd.bench.peer import load_peer
from minissd.bench.timing import interleaved
from minissd.data import DetectionPreparation, Loader, ShapesDataset
from minissd.models import build
from minissd.training import SGD, TrainConfig, train_step

INPUT_SIZE, BATCH_SIZE = 240, 16
CLASSES = ("ellipse", "rectangle", "triangle")
CONFIG = TrainConfig(lr=0.002)  # a tenth of the usual peak: the same batch is learned again and again
CHECKED_STEPS = 2  # the loss of the second step depends on every gradient of the first and on its update
TIME_LIMIT, MEMORY_LIMIT = 2.0, 1.5  # times PyTorch's


def run(peer, repeat, report):
    names = (MINISSD, *(peer.MEMORY_FORMATS if peer else ()))
    sides = {name: make_side(name) for name in names}
    check(sides)
    times = interleaved(sides, repeat, lambda done, total: report("timing", done, total))
    peaks = {}
    for done, name in enumerate(names):
        report("memory", done, len(names))
        peaks[name] = [peak_growth(make_side, name)]

    work = f"of ssd-tiny: batch {BATCH_SIZE}, {INPUT_SIZE}x{INPUT_SIZE}, {len(CLASSES)} classes"
    figures = [Figure(f"training step {work}", "ms", times, TIME_LIMIT)]
    if None not in peaks[MINISSD]:
        figures.append(Figure(f"peak memory of a training step {work}", "MiB", peaks, MEMORY_LIMIT))
    return figures


def make_side(name):
    """The step as a function without arguments that returns the loss; the same model and batch for every side."""
    model = build("ssd-tiny", classes=CLASSES, input_size=INPUT_SIZE)
    dataset = ShapesDataset(BATCH_SIZE, size=INPUT_SIZE, classes=CLASSES)
    prepare = DetectionPreparation(model.targets, INPUT_SIZE)
    batch = next(Loader(dataset, prepare, BATCH_SIZE, workers=0).epoch(0))
    if name != MINISSD:
        return load_peer("torch").TrainingStep(model, batch, CONFIG, memory_format=name)
    optimizer = SGD(model.params, CONFIG.lr, CONFIG.momentum, CONFIG.weight_decay)
    return lambda: train_step(model, optimizer, batch, CONFIG, step=0)["loss"]


def check(sides):
    """Take the first steps on every side; their losses must agree."""
    losses = {name: [side() for _ in range(CHECKED_STEPS)] for name, side in sides.items()}
    for name in losses.keys() - {MINISSD}:
        for i in range(CHECKED_STEPS):
            require_agreement(f"training step, loss of step {i + 1} ({name})", losses[MINISSD][i], losses[name][i])
