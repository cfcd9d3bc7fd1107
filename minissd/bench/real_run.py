"""Images a second of a real training run on a GPU: decoding, augmentation, copies, steps, log; and how busy it is."""

import tempfile
import time

from minissd.bench.figures import MINISSD, Figure
from minissd.bench.nvidia_smi import BusyShare
from minissd.bench.preparation import JpegShapes
from minissd.bench.record import available_cores
from minissd.data import open_dataset
from minissd.device.card import describe_card
from minissd.models import build
from minissd.training import settings_of, train

MODEL, RECIPE = "ssd300-vgg16", "scratch"
WARM_UP, MEASURED = 20, 60  # steps
BATCH_SIZE = 32
GENERATED = 256  # images, where no data set is given


def run(peer, repeat, report, conditions):
    """Of one run, however often other work is repeated; PyTorch has no such run.

    The clock runs from the end of the warm-up to the end of the last step, all waits for images included.
    """
    with tempfile.TemporaryDirectory() as folder:
        if conditions.data is None:
            dataset, source = JpegShapes(folder, GENERATED), "generated JPEGs"
        else:
            dataset = open_dataset(conditions.data, "train")
            source = dataset.name
        rate, busy = measure(dataset, report, conditions)
    work = f"training run of {MODEL} --recipe {RECIPE}, {conditions.precision}, {source}, batch {BATCH_SIZE}"
    figures = [Figure(work, "images/s", {MINISSD: [rate]})]
    if busy is not None:
        figures.append(Figure(f"{work}: share of the time in which the GPU computes", "%", {MINISSD: [busy]}))
    return figures


def measure(dataset, report, conditions):
    """(images a second, busy share in % or None)"""
    steps = WARM_UP + MEASURED
    given = {"steps": steps, "batch_size": BATCH_SIZE, "precision": conditions.precision, "workers": available_cores()}
    config, options = settings_of(RECIPE, MODEL, given)
    model = build(MODEL, classes=dataset.classes, device=conditions.device, **options)
    busy, marks = BusyShare(describe_card()["bus_id"]), {}

    def watch(record, total):
        marks[record["step"]] = time.perf_counter()
        if record["step"] == WARM_UP:
            busy.start()
        report("training run", record["step"], total)

    try:
        train(model, dataset, config, report=watch)
    finally:
        share = busy.stop()
    return MEASURED * BATCH_SIZE / (marks[steps] - marks[WARM_UP]), share
