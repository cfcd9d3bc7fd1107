"""`minissd explain saliency | filters | features | latent`: pictures and figures, and what is refused."""

import json
import sys

import pytest
from PIL import Image
from voc_trees import Tree

from minissd.models import build
from minissd.training import save_checkpoint


@pytest.fixture
def data(tree):
    """The tree of six images with cats and dogs, all in val."""
    return "--data", tree.root, "--split", "train"


@pytest.fixture
def large_tree(tmp_path):
    """A VOC tree of twelve images: enough for ten neighbours."""
    tree = Tree(tmp_path / "large")
    for i in range(12):
        tree.add(f"img{i}", [("cat" if i % 2 else "dog", (5, 5, 20 + i, 25 + i))], size=(60, 60))
        Image.new("RGB", (60, 60), (20 * i, 100, 250 - 20 * i)).save(tree.image(f"img{i}"))  # no two alike
    return tree


@pytest.fixture
def classifier(tmp_path):
    """The option --checkpoint with a small classifier of cats and dogs, and class folders for it."""
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(path, build("tiny", classes=("cat", "dog"), input_size=64))
    for i, name in enumerate(("cat", "dog", "cat")):
        file = tmp_path / "folders" / "val" / name / f"{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30), (80 * i, 60, 90)).save(file)
    return "--checkpoint", path, "--data", tmp_path / "folders"


def check_picture(path):
    with Image.open(path) as image:
        image.verify()


@pytest.mark.parametrize("form", [(), ("--relu", "--local", "--layer", "stage1.relu1")])
def test_saliency(minissd, checkpoint, data, tmp_path, form):
    outcome = minissd("explain", "saliency", *checkpoint, *data, *form, "--out", tmp_path)
    assert outcome.status == 0, outcome.err
    check_picture(tmp_path / "saliency.png")
    figures = json.loads((tmp_path / "pointing.json").read_text())
    assert figures["answers"] == 12  # six images with a cat and a dog each
    assert 0 <= figures["hits"] <= 1 and 0 < figures["chance"] < 1
    assert figures["layer"] == (form[-1] if form else "stage0.relu5")
    assert "a point anywhere" in outcome.out


def test_saliency_of_a_classifier_of_colour_images_has_no_pointing_game(minissd, classifier, tmp_path):
    outcome = minissd("explain", "saliency", *classifier, "--out", tmp_path)
    assert outcome.status == 0, outcome.err
    check_picture(tmp_path / "saliency.png")
    assert "no pointing game" in outcome.out and not (tmp_path / "pointing.json").exists()


def test_answers_that_rest_on_earlier_maps_are_counted(minissd, checkpoint, data, tmp_path):
    outcome = minissd("explain", "saliency", *checkpoint, *data, "--layer", "stage3.relu0", "--out", tmp_path)
    silent = json.loads((tmp_path / "pointing.json").read_text())["silent"]
    assert (f"{silent} answers" in outcome.out) == (silent > 0)


def test_filters(minissd, checkpoint, tmp_path):
    words = ("--layer", "stage1.bn1", "--filters", "0,7,100", "--steps", 3)
    outcome = minissd("explain", "filters", *checkpoint, *words, "--out", tmp_path)
    assert outcome.status == 0, outcome.err
    check_picture(tmp_path / "filters.png")
    figures = json.loads((tmp_path / "filters.json").read_text())
    assert figures["filters"] == [0, 7, 100] and len(figures["end"]) == 3
    assert "sees 134 pixels, more than the 64" in outcome.out


def test_as_many_filters_as_wanted_of_the_layer_before_its_relu(minissd, checkpoint, tmp_path):
    assert minissd("explain", "filters", *checkpoint, "--filters", 3, "--steps", 1, "--out", tmp_path).status == 0
    figures = json.loads((tmp_path / "filters.json").read_text())
    assert (figures["layer"], figures["filters"]) == ("stage0.bn5", [0, 48, 95])


@pytest.mark.parametrize("filters", ["0,96", "a", "-3", "0,-1"])
def test_filters_that_are_not_there(refused, checkpoint, tmp_path, filters):
    refused([filters], "explain", "filters", *checkpoint, "--filters", filters, "--out", tmp_path)


def test_features(minissd, checkpoint, data, tmp_path):
    words = ("--layers", "stage0.relu0,stage2.relu0", "--pictures", 2)
    outcome = minissd("explain", "features", *checkpoint, *data, *words, "--out", tmp_path)
    assert outcome.status == 0, outcome.err
    check_picture(tmp_path / "features.png")


@pytest.mark.parametrize("projection", ["pca", "tsne"])
def test_latent(minissd, checkpoint, large_tree, tmp_path, projection):
    if projection == "tsne":
        pytest.importorskip("sklearn")
    words = ("--data", large_tree.root, "--split", "train", "--layer", "stage1.relu1", "--projection", projection)
    outcome = minissd("explain", "latent", *checkpoint, *words, "--out", tmp_path)
    assert outcome.status == 0, outcome.err
    for name in ("latent", "neighbours", "arithmetic"):
        check_picture(tmp_path / f"{name}.png")
    figures = json.loads((tmp_path / "latent.json").read_text())
    assert 0 <= figures["10-nearest-neighbour accuracy"] <= 1
    assert figures["of the most frequent class"] == 0.5


def test_latent_without_scikit_learn(refused, checkpoint, large_tree, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    words = ("--data", large_tree.root, "--split", "train")
    refused(["minissd[lessons]", "pca"], "explain", "latent", *checkpoint, *words, "--out", tmp_path)
    assert not list(tmp_path.glob("*.png"))


def test_too_few_images_for_neighbours(refused, checkpoint, data, tmp_path):
    refused(["6 images", "10 neighbours"], "explain", "latent", *checkpoint, *data, "--out", tmp_path)


@pytest.mark.parametrize("command", ["saliency", "filters", "latent"])
def test_an_unknown_layer_brings_the_list(refused, checkpoint, large_tree, tmp_path, command):
    words = () if command == "filters" else ("--data", large_tree.root, "--split", "train")
    refused(
        ["conv99", "stage0.relu5", "head3.logits"],
        *("explain", command, *checkpoint, *words, "--layer", "conv99", "--out", tmp_path),
    )


def test_an_unknown_layer_among_several(refused, checkpoint, data, tmp_path):
    refused(["nose"], "explain", "features", *checkpoint, *data, "--layers", "stage0.relu0,nose", "--out", tmp_path)


def test_a_layer_without_a_map(refused, classifier, tmp_path):
    refused(["pool", "no map"], "explain", "saliency", *classifier, "--layer", "pool", "--out", tmp_path)


def test_a_model_without_class_logits(refused, tree, tmp_path):
    path = tmp_path / "yolo.safetensors"
    save_checkpoint(path, build("yolo-tiny", classes=("cat", "dog"), input_size=64))
    words = ("--checkpoint", path, "--data", tree.root, "--split", "train")
    refused(["yolo-tiny", "saliency"], "explain", "saliency", *words, "--out", tmp_path)
