"""`minissd doctor DATA`: what it says of a data set, and the command that it hands out."""

import json
import shlex

import pytest
from PIL import Image
from typer.testing import CliRunner
from voc_trees import Tree

from minissd.cli.console import console
from minissd.cli.main import app
from minissd.data import ShapesDataset


@pytest.fixture(scope="module")
def pillars(tmp_path_factory):
    """A tree of photographs, as it were, with many tall objects and a few of another class, in two splits."""
    tree, scenes = Tree(tmp_path_factory.mktemp("data") / "pillars"), ShapesDataset(10, size=80)
    for i in range(10):
        boxes = [("pillar", (10 + 6 * k, 5 + i, 13 + 6 * k, 44 + i + k)) for k in range(10)]
        tree.add(f"img{i}", [*boxes, ("cup", (2, 2, 30 + i, 30))] if i < 4 else boxes, size=(80, 80))
        Image.fromarray(scenes[i].image).save(tree.image(f"img{i}"))
    Image.fromarray(scenes[1].image).save(tree.image("img9"))
    train, val = [f"img{i}\n" for i in range(7)], [f"img{i}\n" for i in range(7, 10)]
    return tree.list("train", "".join(train)).list("val", "".join(val)).list("trainval", "".join(train + val))


@pytest.fixture
def doctor(minissd, monkeypatch, pillars, tmp_path):
    """doctor(*words) -> (what it says, doctor.json) of the tree."""
    monkeypatch.setattr(console, "_width", 200)

    def run(*words):
        outcome = minissd("doctor", pillars.root, "--out", tmp_path / "out", *words)
        assert outcome.status == 0, outcome.err
        return outcome.out, json.loads((tmp_path / "out" / "doctor.json").read_text())

    return run


def rows_of(text):
    lines = [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if line[:1] == "│"]
    return {cells[0]: cells[1:] for cells in lines}


def test_the_whole_examination(doctor, pillars, tmp_path):
    text, record = doctor()
    rows = rows_of(text)
    assert rows["pillar"][:2] == ["70", "30"] and rows["cup"][:2] == ["4", "0"] and rows["images"][:2] == ["7", "3"]
    assert rows["cup"][2:] == ["0%", "0%", "100%", "38% x 36%"]
    assert "trainval has no images of its own: its 10 are in train or val" in text
    assert "val: classes without an object in this split: 1 (cup)" in text
    assert "train: classes with fewer than 20 objects to learn from: cup 4" in text
    assert "the same pixels: img1 (train), img9 (val)" in text
    assert rows["class pillar"][0] == "100" and rows["class cup"] == ["4", "1.000", "1.000"]
    own, fitted = (float(share) for share in rows["split train"][1:])
    assert own < 0.3 and fitted > own + 0.3 and "fitted boxes raise the recall ceiling" in text

    assert record["splits"]["train"]["classes"]["cup"] == {
        "objects": 4,
        "difficult": 0,
        "images": 4,
        "median_sides": pytest.approx([0.38125, 0.3625]),
        "small": 0,
        "medium": 0,
        "large": 4,
    }
    assert record["splits"]["val"]["remarks"] == {"classes without an object in this split": ["cup"]}
    pair = [{"split": "train", "id": "img1"}, {"split": "val", "id": "img9"}]
    assert record["copies"] == [{"images": pair, "exact": True}] and record["image_sizes"] == [[80, 80]]
    ceilings = record["default_boxes"]["recall_ceiling"]["split train"]
    assert [f"{ceilings[name]:.3f}" for name in ("own", "fitted")] == rows["split train"][1:]
    shapes = record["default_boxes"]["boxes"]["fitted"]
    assert [len(of_map) for of_map in shapes] == [6, 6, 6, 6] and min(
        w / h for of_map in shapes for w, h in of_map
    ) < 0.1
    pictures = {"classes.png", "object_sizes.png", "least_covered.png", "copies.png"}
    assert {file.name for file in (tmp_path / "out").iterdir()} == pictures | {"doctor.json"}


def test_the_command_trains_as_the_options_say(doctor, pillars, monkeypatch, tmp_path):
    text, record = doctor("--classes", "cup,pillar", "--input-size", 64, "--no-decode")
    command, seen = record["command"], []
    assert command in text and record["copies"] == []
    assert not (tmp_path / "out" / "copies.png").exists()

    def caught(out, settings, *_):
        seen.append(settings)
        raise KeyboardInterrupt

    monkeypatch.setattr("minissd.cli.train.start", caught)
    CliRunner().invoke(app, [*shlex.split(command)[1:], "--out", str(tmp_path / "run")])
    assert seen[0]["data"] == str(pillars.root) and seen[0]["classes"] == ["cup", "pillar"]
    assert seen[0]["options"].items() >= {"input_size": 64, "boxes": "fit"}.items() and seen[0]["model"] == "ssd-tiny"


def test_boxes_are_not_fitted_for_nothing(doctor):
    text, record = doctor("--classes", "cup", "--no-decode")
    assert "fitted boxes hardly change the recall ceiling" in text and f"next: {record['command']}" in text
    assert record["command"].endswith("--classes cup")


def test_a_model_that_keeps_its_boxes(doctor):
    text, record = doctor("--model", "ssd300-vgg16", "--no-decode")
    assert list(record["default_boxes"]["boxes"]) == ["caffe"] and "fitted" not in text
    assert record["command"].endswith("--model ssd300-vgg16")


def test_a_train_split_that_cannot_be_used_is_said_and_no_command_given(minissd, tree, tmp_path):
    tree.list("train", "img0\nimg1\n").list("val", "img2\nimg3\n")
    for name in ("img0", "img1"):
        tree.xml(name).write_text("<annotation>")
    tree.image("img3").write_bytes(b"no image")
    outcome = minissd("doctor", tree.root, "--out", tmp_path / "out")
    assert outcome.status == 1 and not (tmp_path / "out").exists()  # nor can val be used
    assert outcome.out.count("fault: ") == 3 and str(tree.xml("img1")) in outcome.out
    Image.new("RGB", (80, 60)).save(tree.image("img3"))
    tree.image("img3").write_bytes(tree.image("img3").read_bytes()[:-40])
    outcome = minissd("doctor", tree.root, "--out", tmp_path / "out")
    assert outcome.status == 0 and "minissd train" not in outcome.out
    assert outcome.out.count("train cannot be used: ") == 2
    assert f"damaged: image {tree.image('img3')}" in outcome.out


def test_what_cannot_be_examined(minissd, refused, tree, tmp_path):
    words = "--out", tmp_path / "out"
    refused(["nowhere", "does not exist"], "doctor", "nowhere", *words)
    refused(["unet", "no default boxes", "ssd-tiny"], "doctor", tree.root, "--model", "unet", *words)
    refused(["--input-size", "ssd300-vgg16"], "doctor", tree.root, "--model", "ssd300-vgg16", "--input-size", 99)
    refused(["ssd-huge", "ssd-tiny"], "doctor", tree.root, "--model", "ssd-huge", *words)
    assert minissd("doctor", "--input-size", 96).status == 2  # of no data set
    assert not (tmp_path / "out").exists()
