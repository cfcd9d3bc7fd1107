"""What the subcommands of `minissd explain` share: their options, and images of the size that a network reads."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from minissd.cli.console import print_notes
from minissd.data import open_dataset, resize_image, with_channels
from minissd.device import to_device
from minissd.explain import black_image

BATCH = 16  # images at a time: few enough for the gradients of all maps

Out = Annotated[Path, typer.Option(help="Folder for the pictures and figures.", metavar="DIR")]
Layer = Annotated[
    str | None, typer.Option(help="Layer to look at, as stage0.relu5; a wrong one brings the list of all.")
]


def open_data(network, data, split, limit):
    """The images to look at, annotated for the network's task and with its classes."""
    where = {"classes": network.classes, "limit": limit, "size": network.input_size}
    dataset = open_dataset(data, split, task=network.task, **where)
    print_notes(dataset)
    return dataset


def batches(network, dataset, places, size=BATCH):
    """Yield (slice of `places`, images (n, S, S, C) on the network's device, as it reads them) until all are done."""
    for start in range(0, len(places), size):
        part = slice(start, start + size)
        images = [network.resized(dataset[i].image) for i in places[part]]
        yield part, to_device(np.stack(images), network.device)


def resized(network, dataset, i):
    """The image at a place of the data set, to look at, as large as the network reads it: (S, S, C) uint8."""
    return resize_image(with_channels(dataset[i].image, network.channels), network.input_size)


def spread_out(count, number):
    """At most `number` places, spread over 0 .. count - 1."""
    return np.unique(np.linspace(0, count - 1, number).round().astype(int)).tolist()


def map_shapes(network):
    """{name: (H, W, D)} of the layers that output maps of more than one cell, in order."""
    shapes = {name: y.shape[1:] for name, y in network.trace(black_image(network))}
    return {name: shape for name, shape in shapes.items() if len(shape) == 3 and shape[0] > 1}


def default_layer(network):
    """The last map of a classifier; of a detector the map that all its boxes rest on, where its first stage ends."""
    names = list(map_shapes(network))
    if network.task == "detect":
        stage = names[0].partition(".")[0]
        names = [name for name in names if name.startswith(f"{stage}.")]
    return names[-1]
