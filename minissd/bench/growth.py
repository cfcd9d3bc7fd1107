"""Cost against size: time with the number of images, and with their pixels."""

from contextlib import ExitStack

from minissd.bench.agreement import require_agreement
from minissd.bench.figures import MINISSD, Figure
from minissd.bench.growth_figure import Growth
from minissd.bench.ssd300 import SUBJECT, check, peer_sides
from minissd.bench.subject import Subject, pictures
from minissd.bench.timing import fewer, interleaved
from minissd.layers import Sequential

BATCHES = (1, 2, 4, 8)
SIDES = (150, 300, 512)
BATCH_SIDE = 300  # pixels, of the images in the batches that ssd-tiny gets


def run(peer, repeat, report):
    repeat = fewer(repeat)
    large = SUBJECT.model()
    batches = "images in the batch", BATCHES, BATCHES, "image"
    pixels = "side of the image in pixels", SIDES, tuple(side * side for side in SIDES), "pixel"

    def measure(work, works, axis):
        note = work.split(" forward")[0]
        times = time_all(work, works, peer, repeat, lambda done, total: report(note, done, total))
        figures = [Figure(f"{work}, {size}", "ms", runs) for size, runs in times.items()]
        return Growth(work, *axis, figures)

    small = {side: Subject("ssd-tiny", 3, {"input_size": side}).model() for side in SIDES}
    with ExitStack() as inference:
        for model in (large, *small.values()):
            inference.enter_context(model.inference())
        return [
            measure(f"{large.name} forward", batch_works(large), batches),
            measure("ssd-tiny forward", batch_works(small[BATCH_SIDE]), batches),
            measure(f"trunk of {large.name} forward", trunk_works(large), pixels),
            measure("ssd-tiny forward", {side: (model, pictures(1, side)) for side, model in small.items()}, pixels),
        ]


def batch_works(model):
    """{N: (model, N images)}, of which every image gets the output that it gets alone."""
    images = pictures(max(BATCHES), model.input_size)
    together, alone = outputs(model, images), outputs(model, images[-1:])
    for name, array in alone.items():
        require_agreement(f"{model.name}, {name} of one image in a batch", together[name][-1:], array)
    return {n: (model, images[:n]) for n in BATCHES}


def trunk_works(model):
    """{side: (trunk, image)}: the stages before the extra layers, which take images of any size; SSD300 does not."""
    trunk = Sequential(**dict(list(model.stages.items())[:2]))
    scale, mean = (model.buffers[f"pixels.{name}"] for name in ("scale", "mean"))
    return {side: (trunk, (pictures(1, side) - mean) * scale) for side in SIDES}


def outputs(part, x):
    """What a detector or a layer outputs, by name."""
    y = part.infer(x)
    return dict(zip(("offsets", "logits"), y, strict=True)) if isinstance(y, tuple) else {"y": y}


def time_all(work, works, peer, repeat, report):
    """{size: {side: times}}; all sizes of all sides take turns, so that they have the same luck with the machine.

    works: size -> (model or layer, its input).
    """
    sides = {}
    for size, (part, x) in works.items():
        of_size = {MINISSD: lambda part=part, x=x: outputs(part, x)} | peer_sides(peer, "Inference", part, x)
        check(f"{work}, {size}", of_size)
        sides |= {(size, name): side for name, side in of_size.items()}
    times = interleaved(sides, repeat, report)
    return {size: {name: times[key, name] for key, name in times if key == size} for size in works}
