"""What the benchmarks `layers` and `growth` measured, as pictures in a folder."""

from pathlib import Path

from minissd.bench.figures import MINISSD
from minissd.bench.layers import SUBJECT
from minissd.viz.benchmarks import growth_curves, roofline
from minissd.viz.style import save_picture

PYTORCH = "PyTorch"  # at its best memory format


def draw(results, folder):
    """Write roofline.png and growth.png as far as they were measured; returns the paths.

    results: name of a benchmark -> what it returned.
    """
    drawn = {"layers": ("roofline.png", draw_layers), "growth": ("growth.png", draw_growth)}
    return [
        save_picture(of_results(results[name]), Path(folder, file))
        for name, (file, of_results) in drawn.items()
        if name in results
    ]


def draw_layers(figures):
    """The roofline picture of what `layers.run` returned."""
    peak, *layers = figures
    return roofline(
        [layer.work for layer in layers],
        by_side([layer.rates() for layer in layers]),
        by_side([(layer.ours, layer.peer[0]) for layer in layers]),
        {side: rate for side, (rate,) in by_side([peak.rates()]).items()},
        f"The convolutions of {SUBJECT.name}, one image, forward",
    )


def by_side(pairs):
    """{side: list} of pairs (ours, PyTorch's), without PyTorch where it was not there."""
    ours, theirs = map(list, zip(*pairs, strict=True))
    return {MINISSD: ours} if None in theirs else {MINISSD: ours, PYTORCH: theirs}


def draw_growth(growths):
    """The growth curves of what `growth.run` returned."""
    return growth_curves([panel(growth) for growth in growths])


def panel(growth):
    times = {MINISSD: growth.ours} | ({PYTORCH: growth.peer} if growth.peer else {})
    unit, scale = ("ms per image", 1e-3) if growth.unit == "image" else ("µs per pixel", 1)
    return {
        "title": growth.work,
        "axis": growth.axis,
        "sizes": growth.sizes,
        "unit": unit,
        "costs": {side: [scale * cost for cost in growth.per_unit(of_side)] for side, of_side in times.items()},
        "slopes": {side: growth.slope(of_side) for side, of_side in times.items()},
    }
