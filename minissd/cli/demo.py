"""`minissd demo`: the whole story on generated images, in about two minutes, with nothing to download."""

from pathlib import Path
from typing import Annotated

import typer

from minissd.backend import resolve_device, to_numpy
from minissd.cli import options
from minissd.cli.console import console
from minissd.cli.evaluate import evaluate_and_draw, print_metrics
from minissd.cli.runs import train_and_draw
from minissd.data import open_dataset
from minissd.models import build
from minissd.training import LAST, TrainConfig, load_checkpoint

SIZE = 160  # pixels: small shapes on small images keep the demo short
TRAIN_IMAGES, TEST_IMAGES = 800, 120
EPOCHS = 8


def demo(
    out: Annotated[Path, typer.Option(help="Folder for all that it makes.", metavar="DIR")] = Path("minissd-demo"),
    seed: options.Seed = 0,
    device: options.Device = "auto",
):
    """Generate images of shapes, train ssd-tiny on them, evaluate it, and draw every step."""
    config = TrainConfig(epochs=EPOCHS, seed=seed)
    training = open_dataset("shapes", "train", limit=TRAIN_IMAGES, size=SIZE, seed=seed)
    test = open_dataset("shapes", "test", limit=TEST_IMAGES, size=SIZE, seed=seed)
    model = build("ssd-tiny", classes=training.classes, seed=seed, device=resolve_device(device), input_size=SIZE)
    draw_boxes_of(model, training[0], out)
    train_and_draw(model, training, None, config, out)
    metrics = evaluate_and_draw(load_checkpoint(out / LAST, device=model.device).model, test, out)
    print_metrics(metrics, f"{len(test)} generated test images, IoU 0.5")
    for name, what in (
        ("detections.png", "what it finds on test images, ground truth beside"),
        ("loss.png", "the loss and its two parts over the steps"),
        ("precision_recall.png", "precision against recall for each class"),
        ("default_boxes.png", "the default boxes of each map over an image"),
        ("matched_boxes.png", "which of them answer for the objects of one image"),
    ):
        console.print(f"  {out / name}: {what}", markup=False)
    console.print("next: minissd train --data YOUR_VOC_TREE --out runs/mine")


def draw_boxes_of(model, sample, out):
    """Two pictures of how a model sees one image before it learns anything: its default boxes, and the matched ones."""
    from minissd.viz.default_boxes import default_box_maps, matched_boxes  # matplotlib is slow to import
    from minissd.viz.style import save_picture

    save_picture(default_box_maps(sample.image, model.spec), out / "default_boxes.png")
    picture = matched_boxes(sample.image, sample.objects, model.classes, to_numpy(model.default_boxes))
    save_picture(picture, out / "matched_boxes.png")
