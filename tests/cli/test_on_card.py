"""Every command with --device cuda: what it writes are the numbers that it writes with --device cpu."""

import json

import numpy as np
import pytest
import strict_cupy
from idx_files import write_digits
from mask_trees import MaskTree, square_mask
from PIL import Image
from strict_cupy import count_syncs
from voc_trees import Tree

from minissd.cli import demo, main
from minissd.cli.explain import explain
from minissd.data.video import write_video

SMALL = ("--epochs", 1, "--batch-size", 4, "--workers", 0, "--validation", "none", "--augmentation", "none")
LEARN = (*SMALL, "--out", "{out}", "--data")
COMMANDS = {  # what is in braces are files and folders that `places` makes
    "train": ("train", *LEARN, "{tree}", "--input-size", 96),
    "train yolo-tiny": ("train", "--model", "yolo-tiny", *LEARN, "{tree}", "--input-size", 64, "--lr", 1e-4),
    "train mlp": ("train", "--model", "mlp", *LEARN, "{digits}"),
    "train slant": ("train", "--model", "slant", *LEARN, "{digits}", "--lr", 1e-4),
    "train unet": ("train", "--model", "unet", "--width", 2, "--input-size", 64, *LEARN, "{masks}"),
    "evaluate": ("evaluate", "--checkpoint", "{checkpoint}", "--data", "{tree}", "--split", "train", "--out", "{out}"),
    "detect": ("detect", "--checkpoint", "{checkpoint}", "{image}", "--score", 0.4, "--out", "{out}"),
    "detect in a video": ("detect", "--checkpoint", "{checkpoint}", "{clip}", "--score", 0.4, "--out", "{out}"),
    "explain saliency": (
        *("explain", "saliency", "--checkpoint", "{checkpoint}", "--data", "{tree}", "--split", "train"),
        *("--limit", 4, "--out", "{out}"),
    ),
    "explain filters": (
        *("explain", "filters", "--checkpoint", "{checkpoint}", "--layer", "stage1.bn1", "--filters", "0,7"),
        *("--steps", 2, "--out", "{out}"),
    ),
    "explain features": (
        *("explain", "features", "--checkpoint", "{checkpoint}", "--data", "{tree}", "--split", "train"),
        *("--pictures", 2, "--out", "{out}"),
    ),
    "explain latent": (
        *("explain", "latent", "--checkpoint", "{checkpoint}", "--data", "{tree}", "--split", "train"),
        *("--layer", "stage1.relu1", "--projection", "pca", "--out", "{out}"),
    ),
    "explain nms": (
        *("explain", "nms", "--checkpoint", "{checkpoint}", "{image}", "--score", 0.6),
        *("--out", "{out}/nms.png"),
    ),
    "explain errors": (
        *("explain", "errors", "{checkpoint}", "{checkpoint}", "--data", "{tree}", "--split", "train"),
        *("--out", "{out}"),
    ),
    "ablate": ("ablate", "maps", "--steps", 1, "--seeds", 1, "--limit", 16, "--input-size", 32, "--out", "{out}"),
    "demo": ("demo", "--out", "{out}"),
    "gradcheck": ("gradcheck", "--only", "loss"),
}
TIMES = {"seconds", "load_after"}
WITHOUT_A_NETWORK = {"fetch", "doctor", "lesson", "bench", "export"}  # bench has tests of its own; export only writes


@pytest.fixture
def places(tmp_path, checkpoint, rng, monkeypatch):
    """{name: path} of what the commands read."""
    tree = Tree(tmp_path / "tree")
    for i in range(12):  # enough for ten neighbours
        tree.add(f"img{i}", [("cat" if i % 2 else "dog", (5, 5, 20 + i, 25 + i))], size=(60, 60))
        Image.fromarray(rng.integers(0, 256, (60, 60, 3), np.uint8)).save(tree.image(f"img{i}"))
    masks = MaskTree(tmp_path / "masks")
    for i in range(4):
        masks.add(f"image{i}", square_mask(rng, number=1 + i % 2))
    for name, value in {"SIZE": 64, "TRAIN_IMAGES": 16, "TEST_IMAGES": 4, "EPOCHS": 1}.items():
        monkeypatch.setattr(demo, name, value)
    found = {"tree": tree.root, "image": tree.image("img0"), "checkpoint": checkpoint[1], "masks": masks.root}
    return found | {"digits": write_digits(tmp_path / "digits", train=16, test=8), "clip": tmp_path / "clip.mp4"}


def test_no_command_is_left_out():
    names = set(main.COMMANDS) - {"explain"} | {f"explain {command.name}" for command in explain.registered_commands}
    assert names - WITHOUT_A_NETWORK == {" ".join(words[: 1 + (words[0] == "explain")]) for words in COMMANDS.values()}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_the_same_as_on_the_cpu(words, minissd, places, tmp_path, card):
    if "{clip}" in words:
        pytest.importorskip("cv2", reason="needs OpenCV")
        with write_video(places["clip"], 10) as append:
            for k in range(3):
                append(np.full((60, 80, 3), 60 * k, np.uint8))
    written = []
    for device in ("cpu", "cuda"):
        out = tmp_path / device
        out.mkdir()
        filled = [word.format(out=out, **places) if isinstance(word, str) else word for word in words]
        with count_syncs() as syncs:  # what happens on a real card it cannot count
            outcome = minissd(*filled, "--device", device)
        assert outcome.status == 0, outcome.err
        assert bool(syncs) == (device == "cuda" and card is strict_cupy.cupy)
        written.append({file.name: figures(file) for file in out.iterdir() if file.is_file()})
    on_cpu, on_card = written
    assert on_card.keys() == on_cpu.keys()
    for name, numbers in on_cpu.items():
        np.testing.assert_allclose(on_card[name], numbers, rtol=2e-3, atol=2e-3, err_msg=name)


def figures(file):
    """All numbers in a file of JSON, in order, but for times; of other files none."""
    if file.suffix not in (".json", ".jsonl"):
        return []
    lines = file.read_text().splitlines() if file.suffix == ".jsonl" else [file.read_text()]
    return [number for line in lines for number in numbers_in(json.loads(line))]


def numbers_in(value):
    if isinstance(value, dict):
        return [number for key, part in value.items() if key not in TIMES for number in numbers_in(part)]
    if isinstance(value, list):
        return [number for part in value for number in numbers_in(part)]
    return [value] if isinstance(value, int | float) else []
