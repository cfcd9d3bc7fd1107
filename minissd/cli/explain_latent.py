"""`minissd explain latent`: images as points in the space of a network's features."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer

from minissd.cli import looking, networks, options
from minissd.cli.console import console, print_table, simple_table
from minissd.data import resize_image
from minissd.device import resolve_device
from minissd.errors import MinissdError
from minissd.explain import clusters, flattened, moved, nearest, neighbour_accuracy, principal_components, purity
from minissd.explain import representations as represent
from minissd.files import check_writable, write_json

NEIGHBOURS = 10  # that vote on the class of an image
SHOWN, ROWS = 5, 6  # neighbours of an image in the pictures, and images
PIXELS = 16  # side of the images that the network is compared with


class Projection(StrEnum):
    tsne = "tsne"
    pca = "pca"


class Part(NamedTuple):
    """The images of one split that have a label."""

    dataset: object
    places: list  # in the data set
    labels: np.ndarray  # (N,)
    vectors: np.ndarray  # (N, D), centred on the mean of the known ones
    pixels: np.ndarray  # (N, PIXELS * PIXELS * C)


def explain_latent(
    checkpoint: networks.Checkpoint = None,
    weights: networks.Weights = None,
    model: networks.Model = None,
    classes: networks.Classes = None,
    data: options.Data = "shapes",
    known: Annotated[str, typer.Option(help="Part of the data in which neighbours are looked for.")] = "train",
    split: options.Split = "val",
    limit: Annotated[int, typer.Option(help="Images of either part.", metavar="N", min=NEIGHBOURS)] = 500,
    layer: looking.Layer = None,
    projection: Annotated[
        Projection, typer.Option(help="How the picture is flattened; t-SNE needs scikit-learn.")
    ] = Projection.tsne,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    engine: options.Engine = "fast",
    out: looking.Out = Path("explained"),
):
    """Represent images by the means of their feature maps: neighbours, clusters, arithmetic."""
    check_writable(out)
    network = networks.network(checkpoint, weights, model, options.parse_classes(classes), resolve_device(device))
    layer = layer or list(looking.map_shapes(network))[-1]
    known_part = _represent(network, looking.open_data(network, data, known, limit), layer)
    queries = _represent(network, looking.open_data(network, data, split, limit), layer)
    if not np.ptp(queries.vectors, axis=0).any():
        raise MinissdError(f"{network.name}: layer {layer} says the same of every image: choose another layer")
    mean = known_part.vectors.mean(axis=0)
    known_part, queries = (part._replace(vectors=part.vectors - mean) for part in (known_part, queries))
    figures = _vote(queries, known_part)
    figures |= _draw_map(queries, network.classes, layer, projection, seed, out)
    _draw_neighbours(network, queries, known_part, out)
    _draw_arithmetic(network, queries, known_part, out)
    table = simple_table("what", "")
    for name, value in figures.items():
        table.add_row(name, f"{value:.3f}" if isinstance(value, float) else str(value))
    print_table(f"{network.name} {layer} on {queries.dataset.name}: {len(queries.labels)} images of {split}", table)
    write_json(out / "latent.json", {"layer": layer, **figures})
    console.print(f"latent.png, neighbours.png and arithmetic.png: {out}", markup=False, soft_wrap=True)


def labels_of(dataset):
    """(N,) the class of each image: its label, or that of its largest object; -1 of an image without any."""
    if dataset.task == "classify":
        return dataset.labels
    if dataset.task != "detect":
        raise MinissdError(f"{dataset.name} says of no image what it shows: give data to classify or to detect")
    labels = []
    for i in range(len(dataset)):
        x_min, y_min, x_max, y_max = dataset.objects(i).corners.T
        areas = (x_max - x_min) * (y_max - y_min)
        labels.append(dataset.objects(i).labels[areas.argmax()] if len(areas) else -1)
    return np.array(labels)


def _represent(network, dataset, layer):
    labels = labels_of(dataset)
    places = np.flatnonzero(labels >= 0).tolist()
    if len(places) <= NEIGHBOURS:
        raise MinissdError(
            f"{dataset.name}: only {len(places)} images show a class, but {NEIGHBOURS} neighbours vote: give more"
        )
    vectors, pixels = [], []
    for part, images in looking.batches(network, dataset, places):
        vectors.append(represent(network, layer, images))
        pixels += [resize_image(dataset[i].image, PIXELS).ravel().astype(np.float32) for i in places[part]]
    return Part(dataset, places, labels[places], np.concatenate(vectors), np.stack(pixels))


def _vote(queries, known):
    counts = np.bincount(known.labels)
    centre = known.pixels.mean(axis=0)
    return {
        f"{NEIGHBOURS}-nearest-neighbour accuracy": neighbour_accuracy(
            queries.vectors, queries.labels, known.vectors, known.labels, NEIGHBOURS
        ),
        f"of {PIXELS}x{PIXELS} pixels instead": neighbour_accuracy(
            queries.pixels - centre, queries.labels, known.pixels - centre, known.labels, NEIGHBOURS
        ),
        "of the most frequent class": float((queries.labels == counts.argmax()).mean()),
    }


def _draw_map(queries, classes, layer, projection, seed, out):
    """latent.png; returns what there is to say of the clusters."""
    from minissd.viz.latent import latent_chart  # matplotlib is slow to import
    from minissd.viz.style import save_picture

    if projection == Projection.tsne:
        points = flattened(queries.vectors, seed)
        numbers, how = clusters(points, seed), "t-SNE"
        figures = {"clusters": int(numbers.max() + 1), "purity of the clusters": purity(numbers, queries.labels)}
    else:
        components = principal_components(queries.vectors, 2)
        points, numbers = components.project(queries.vectors), None
        figures = {"variance shown": float(components.shares.sum())}
        how = "principal components"
    title = f"{len(points)} images by their mean features in {layer}, {how}"
    save_picture(latent_chart(points, queries.labels, classes, numbers, title), out / "latent.png")
    return figures


def _draw_neighbours(network, queries, known, out):
    chosen = looking.spread_out(len(queries.labels), ROWS)
    found = nearest(queries.vectors[chosen], known.vectors, SHOWN)
    rows = [[_tile(network, queries, i)] + [_tile(network, known, j) for j in near] for i, near in zip(chosen, found)]
    _save(rows, "An image and its nearest neighbours in the latent space", out / "neighbours.png")


def _draw_arithmetic(network, queries, known, out):
    """The image, and those nearest to it minus the mean of its class plus the mean of another."""
    present = np.unique(known.labels)
    chosen = looking.spread_out(len(queries.labels), ROWS)
    rows = []
    for turn, i in enumerate(chosen):
        source = queries.labels[i]
        others = present[present != source]
        if source not in present or not len(others):
            continue
        target = others[turn % len(others)]
        vector = moved(known.vectors, known.labels, queries.vectors[i], source, target)
        found = nearest(vector[None], known.vectors, SHOWN)[0]
        step = f" - {network.classes[source]} + {network.classes[target]}"
        rows.append([_tile(network, queries, i, step)] + [_tile(network, known, j) for j in found])
    if rows:
        _save(rows, "An image, less the mean of its class, plus that of another: the nearest", out / "arithmetic.png")


def _tile(network, part, k, more=""):
    from minissd.viz.tiles import tile

    name = network.classes[part.labels[k]]
    return tile(looking.resized(network, part.dataset, part.places[k])), name + more


def _save(rows, title, path):
    from minissd.viz.style import save_picture
    from minissd.viz.tiles import tile_sheet

    save_picture(tile_sheet(rows, title), path)
