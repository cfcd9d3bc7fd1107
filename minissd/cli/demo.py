"""`minissd demo`: the whole story on generated images, in a few minutes, with nothing to download."""

from pathlib import Path
from typing import Annotated

import typer

from minissd.cli import options
from minissd.cli.console import console
from minissd.cli.evaluate import evaluate_and_draw
from minissd.cli.training import train_and_tell
from minissd.data import open_dataset
from minissd.device import resolve_device, to_numpy
from minissd.errors import MinissdError
from minissd.models import build
from minissd.training import LAST, TrainConfig, load_checkpoint
from minissd.training.lock import check_free
from minissd.training.run_folder import read_settings

NAME = "demo"  # in place of a recipe, in its config.json
KINDS = ("cross", "ellipse", "triangle")
SIZE = 96  # pixels: a step on small images is short, and what counts is how many steps fit into a few minutes
TRAIN_IMAGES, TEST_IMAGES = 2000, 120
EPOCHS = 16
LR = 0.03  # a little above the usual one, for a run this short


def demo(
    out: Annotated[Path, typer.Option(help="Folder for all that it makes.", metavar="DIR")] = Path("minissd-demo"),
    seed: options.Seed = 0,
    device: options.Device = "auto",
    engine: options.Engine = "fast",
):
    """Generate images of shapes, train ssd-tiny on them, evaluate it, and draw every step."""
    _make_room(out)
    config = TrainConfig(epochs=EPOCHS, lr=LR, seed=seed)
    training = open_dataset("shapes", "train", classes=KINDS, limit=TRAIN_IMAGES, size=SIZE, seed=seed)
    test = open_dataset("shapes", "test", classes=KINDS, limit=TEST_IMAGES, size=SIZE, seed=seed)
    model = build("ssd-tiny", classes=training.classes, seed=seed, device=resolve_device(device), input_size=SIZE)
    crowded = max(range(50), key=lambda i: len(training.objects(i % len(training)).labels)) % len(training)
    draw_boxes_of(model, training[crowded], out)
    train_and_tell(model, training, None, config, out, remember={"recipe": NAME})
    checkpoint = load_checkpoint(out / LAST, device=model.device)
    question = {"checkpoint": LAST, "step": checkpoint.step, **test.origin, "classes": list(test.classes)}
    evaluate_and_draw(checkpoint.model, test, out, question, iou_threshold=0.5)
    for name, what in (
        ("detections.png", "what it finds on test images, ground truth beside"),
        ("loss.png", "the loss and its two parts over the steps"),
        ("precision_recall.png", "precision against recall for each class"),
        ("default_boxes.png", "the default boxes of each map over an image"),
        ("matched_boxes.png", "which of them answer for the objects of one image"),
    ):
        console.print(f"  {out / name}: {what}", markup=False, soft_wrap=True)
    console.print("next: minissd train --data YOUR_VOC_TREE --out runs/mine")


def _make_room(out):
    """An earlier demo in the folder gives way; a run of another kind does not."""
    check_free(out)
    if not (out / LAST).exists():
        return
    if read_settings(out).get("recipe") != NAME:
        raise MinissdError(f"{out}: holds a run that is no demo: choose another --out")
    (out / LAST).unlink()


def draw_boxes_of(model, sample, out):
    """Two pictures of how a model sees one image before it learns anything: its default boxes, and the matched ones."""
    from minissd.viz.default_boxes import default_box_maps, matched_boxes  # matplotlib is slow to import
    from minissd.viz.style import save_picture

    save_picture(default_box_maps(sample.image, model.spec), out / "default_boxes.png")
    picture = matched_boxes(sample.image, sample.objects, model.classes, to_numpy(model.default_boxes))
    save_picture(picture, out / "matched_boxes.png")
