"""`minissd explain saliency`: what in an image an answer rests on."""

from itertools import chain
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.markup import escape

from minissd.cli import looking, networks, options
from minissd.cli.console import console, print_table, simple_table
from minissd.device import resolve_device
from minissd.errors import MinissdError
from minissd.explain import box_mask, grid_of, ink_mask, pointing_game, saliency, spread_over_image
from minissd.files import check_writable, write_json


def explain_saliency(
    checkpoint: networks.Checkpoint = None,
    weights: networks.Weights = None,
    model: networks.Model = None,
    classes: networks.Classes = None,
    data: options.Data = "shapes",
    split: options.Split = "val",
    limit: options.Limit = 100,
    layer: looking.Layer = None,
    relu: Annotated[bool, typer.Option("--relu/--no-relu", help="Only what speaks for the class (Grad-CAM).")] = False,
    local: Annotated[
        bool, typer.Option("--local/--mean", help="Weigh each place by its own gradient, or by the mean of the map's.")
    ] = False,
    pictures: Annotated[int, typer.Option(help="Answers to draw.", min=1)] = 8,
    device: options.Device = "auto",
    engine: options.Engine = "fast",
    out: looking.Out = Path("explained"),
):
    """Draw which places of an image speak for its class, and score the maps by the pointing game."""
    check_writable(out)
    network = networks.network(checkpoint, weights, model, options.parse_classes(classes), resolve_device(device))
    layer = layer or looking.default_layer(network)
    dataset = looking.open_data(network, data, split, limit)
    answers = answers_to_explain(dataset)
    found, heat = explain_all(network, dataset, answers, layer, relu=relu, local=local)
    _play(network, dataset, answers, heat, layer, out)
    chosen = looking.spread_out(len(answers), pictures)
    form = f"{layer}, {'local gradients' if local else 'mean gradients'}{', ReLU' * relu}"
    _draw(network, dataset, [(*answers[i], *(part[i] for part in found), heat[i]) for i in chosen], form, out)
    console.print(f"saliency.png: {out}", markup=False, soft_wrap=True)


def answers_to_explain(dataset):
    """(place in the data set, label) of every image and each class that it shows, but for difficult objects."""
    if dataset.task == "classify":
        return list(enumerate(dataset.labels.tolist()))
    if dataset.task != "detect":
        raise MinissdError(f"{dataset.name} has no classes of images or boxes: saliency explains those")
    objects = [dataset.objects(i) for i in range(len(dataset))]
    answers = [(i, label) for i, one in enumerate(objects) for label in np.unique(one.labels[~one.difficult]).tolist()]
    if not answers:
        raise MinissdError(f"{dataset.name}: none of its {len(dataset)} images shows an object: raise --limit")
    return answers


def explain_all(network, dataset, answers, layer, **form):
    """(probabilities (N,), corners (N, 4) or N times None), and the maps (N, S, S) over the images."""
    grid = grid_of(network, layer)
    places, labels = zip(*answers, strict=True)
    probabilities, corners, heat = [], [], []
    for part, images in looking.batches(network, dataset, places):
        found = saliency(network, images, layer, np.array(labels[part]), **form)
        probabilities += found.probabilities.tolist()
        corners += [None] * len(images) if found.corners is None else list(found.corners)
        heat.append(spread_over_image(found.maps, grid, network.input_size))
    return (probabilities, corners), np.concatenate(heat)


def _play(network, dataset, answers, heat, layer, out):
    """The pointing game, where it is known what is object: in the boxes of a detector, on the ink of a grey image."""
    if network.task == "detect":
        masks = [box_mask(_boxes_of(dataset, i, label), network.input_size) for i, label in answers]
    elif network.channels == 1:
        masks = [ink_mask(looking.resized(network, dataset, i)) for i, _ in answers]
    else:
        console.print("no pointing game: class folders do not tell where in the image the object is")
        return
    hits, score = pointing_game(heat, np.array(masks))
    table = simple_table("class", "answers", "hits")
    labels = np.array([label for _, label in answers])
    for label, name in enumerate(network.classes):
        if (labels == label).any():
            table.add_row(escape(name), str((labels == label).sum()), f"{hits[labels == label].mean():.3f}")
    table.add_section()
    table.add_row("all", str(len(answers)), f"{score.hits:.3f}")
    table.add_row("a point anywhere", "", f"{score.chance:.3f}")
    table.add_row("the middle of the image", "", f"{score.centre:.3f}")
    print_table(f"pointing game on {dataset.name}: maxima of {layer} that fall on the object", table)
    silent = int((heat == 0).all(axis=(1, 2)).sum())
    if silent:
        console.print(
            f"{silent} answers rest on maps before {layer}, where there is nothing to see: they count as missed"
        )
    write_json(out / "pointing.json", {"layer": layer, "answers": len(answers), "silent": silent, **score._asdict()})


def _boxes_of(dataset, i, label):
    objects = dataset.objects(i)
    return objects.corners[objects.labels == label]


def _draw(network, dataset, rows, form, out):
    """Pairs of tiles, two pairs a line: the image with the box of the answer, and the map over it."""
    from minissd.viz.saliency import answer_tile, saliency_tile  # matplotlib is slow to import
    from minissd.viz.style import save_picture
    from minissd.viz.tiles import tile_sheet

    pairs = []
    for i, label, probability, corners, heat in rows:
        image = looking.resized(network, dataset, i)
        text = f"{network.classes[label]} {probability:.2f}"
        truth = _boxes_of(dataset, i, label) if network.task == "detect" else None
        pairs.append([(answer_tile(image, corners, truth), text), (saliency_tile(image, heat), dataset.ids[i])])
    lines = [list(chain(*pairs[i : i + 2])) for i in range(0, len(pairs), 2)]
    title = f"{form}: red speaks for the class, blue against it, the cross marks the maximum"
    save_picture(tile_sheet(lines, title), out / "saliency.png")
