"""`minissd explain filters`: the images that excite the filters of a layer most."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from minissd.cli import looking, networks, options
from minissd.cli.console import console, print_table, progress_bar, simple_table
from minissd.device import resolve_device
from minissd.errors import MinissdError
from minissd.explain import channels_of, exciting_images, find_layer, grid_of
from minissd.files import check_writable, write_json
from minissd.layers import BatchNorm, Conv2d

ACROSS = 4  # tiles in a row


def explain_filters(
    checkpoint: networks.Checkpoint = None,
    weights: networks.Weights = None,
    model: networks.Model = None,
    classes: networks.Classes = None,
    layer: looking.Layer = None,
    filters: Annotated[
        str, typer.Option(help="Their numbers, as 0,5,12, or how many to spread over the layer.", metavar="A,B|N")
    ] = "8",
    steps: Annotated[int, typer.Option(help="Steps of the ascent.", min=1)] = 48,
    jitter: Annotated[int, typer.Option(help="Largest shift of the image in a step, in pixels.", min=0)] = 8,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    engine: options.Engine = "fast",
    out: looking.Out = Path("explained"),
):
    """Climb from noise to the image that excites a filter most, for some filters of a layer."""
    check_writable(out)
    network = networks.network(checkpoint, weights, model, options.parse_classes(classes), resolve_device(device))
    layer = layer or default_layer(network)
    chosen = chosen_filters(filters, channels_of(network, layer))
    reach, side = grid_of(network, layer).reach, network.input_size
    if reach > side:
        note = f"note: a cell of {layer} sees {reach:.0f} pixels, more than the {side} of an image: much lies outside"
        console.print(note, style="yellow", markup=False, soft_wrap=True)
    with progress_bar("steps") as bar:
        task = bar.add_task("climb", total=steps, speed=0, note="")

        def report(done):
            bar.update(task, completed=done, speed=bar.tasks[task].speed or 0)

        rng = np.random.default_rng(seed)
        ascent = exciting_images(network, layer, chosen, rng, steps=steps, jitter=jitter, report=report)
    _show(network, layer, chosen, ascent, out)


def default_layer(network):
    """As `looking.default_layer`, but before its ReLU or pooling, where a silent filter has a slope too."""
    names = list(looking.map_shapes(network))
    names = names[: names.index(looking.default_layer(network)) + 1]
    return next(name for name in reversed(names) if isinstance(find_layer(network, name), BatchNorm | Conv2d))


def chosen_filters(text, channels):
    """Channel numbers from "0,5,12", or from "8", so many spread over them all."""
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise MinissdError(f"filters {text!r}: give numbers as 0,5,12, or how many of them, as 8") from None
    if len(numbers) > 1 or text.startswith("0"):
        if not all(0 <= number < channels for number in numbers):
            raise MinissdError(f"filters {text}: the layer has those from 0 to {channels - 1}")
        return numbers
    if numbers[0] < 1:
        raise MinissdError(f"filters {text}: give 1 or more")
    return looking.spread_out(channels, numbers[0])


def _show(network, layer, chosen, ascent, out):
    from minissd.viz.style import save_picture  # matplotlib is slow to import
    from minissd.viz.tiles import tile, tile_sheet

    table = simple_table("filter", "in the noise", "in its image")
    tiles = []
    for number, image, start, end in zip(chosen, ascent.images, ascent.start, ascent.end, strict=True):
        table.add_row(str(number), f"{start:.4f}", f"{end:.4f}")
        tiles.append((tile(image), f"filter {number}: {start:.2f} to {end:.2f}"))
    print_table(f"{network.name} {layer}: mean activation, negative ones as 0", table)
    console.print(f"all together rise by a factor of {ascent.rise:.1f}")
    rows = [tiles[i : i + ACROSS] for i in range(0, len(tiles), ACROSS)]
    save_picture(tile_sheet(rows, f"{layer}: what excites its filters, and their mean activation"), out / "filters.png")
    figures = {"start": ascent.start.tolist(), "end": ascent.end.tolist(), "rise": ascent.rise}
    write_json(out / "filters.json", {"layer": layer, "filters": chosen, **figures})
    console.print(f"filters.png: {out}", markup=False, soft_wrap=True)
