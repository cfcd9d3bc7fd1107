"""`minissd explain features`: what a network makes of each place of an image, in colours."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from minissd.cli import looking, networks, options
from minissd.cli.console import console
from minissd.device import resolve_device, to_numpy
from minissd.explain import feature_colours, grid_of, look, map_of, spread_over_image
from minissd.files import check_writable


def explain_features(
    checkpoint: networks.Checkpoint = None,
    weights: networks.Weights = None,
    model: networks.Model = None,
    classes: networks.Classes = None,
    data: options.Data = "shapes",
    split: options.Split = "val",
    limit: options.Limit = None,
    layers: Annotated[
        str | None, typer.Option(help="Layers to look at; the last of each size of map unless given.", metavar="A,B")
    ] = None,
    pictures: Annotated[int, typer.Option(help="Images to show.", min=1)] = 5,
    device: options.Device = "auto",
    engine: options.Engine = "fast",
    out: looking.Out = Path("explained"),
):
    """Show maps as colours: the three principal components of the features are red, green and blue."""
    check_writable(out)
    network = networks.network(checkpoint, weights, model, options.parse_classes(classes), resolve_device(device))
    names = options.parse_classes(layers) or last_of_each_size(network)
    grids = [grid_of(network, name) for name in names]  # complains of unknown names first
    dataset = looking.open_data(network, data, split, limit)
    places = looking.spread_out(len(dataset), pictures)
    _, images = next(looking.batches(network, dataset, places, len(places)))
    taps = look(network, names, images)
    columns, captions = [], []
    for name, grid in zip(names, grids, strict=True):
        maps = to_numpy(map_of(network, name, taps[name]))
        colours, share = feature_colours(maps)
        columns.append((255 * spread_over_image(colours, grid, network.input_size)).round().astype(np.uint8))
        captions.append(f"{name}: {maps.shape[1]}x{maps.shape[2]}, {share:.0%}")
    shown = [looking.resized(network, dataset, i) for i in places]
    _draw(shown, [dataset.ids[i] for i in places], columns, captions, out)
    console.print(f"features.png: {out}", markup=False, soft_wrap=True)


def last_of_each_size(network):
    """For each size of map, largest first, the last layer that puts one out."""
    return list({height: name for name, (height, _, _) in looking.map_shapes(network).items()}.values())


def _draw(images, ids, columns, captions, out):
    from minissd.viz.style import save_picture  # matplotlib is slow to import
    from minissd.viz.tiles import tile, tile_sheet

    rows = [
        [(tile(image), name), *((tile(column[i]), text) for column, text in zip(columns, captions, strict=True))]
        for i, (image, name) in enumerate(zip(images, ids, strict=True))
    ]
    title = "Features as colours: alike to the network is what has one colour (% of the variance shown)"
    save_picture(tile_sheet(rows, title), out / "features.png")
