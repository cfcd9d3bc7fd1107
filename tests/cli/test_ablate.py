"""`minissd ablate`: tables, ablation.json and pictures; it goes on after a stop, and says what is wrong in one line."""

import json

import pytest
from PIL import Image
from voc_trees import Tree

from minissd.ablation import EXPERIMENTS, data, runs
from minissd.cli import ablate as command

TINY = ("--steps", 1, "--limit", 4, "--input-size", 32)


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(data, "TEST_IMAGES", 3)


@pytest.fixture
def no_training(monkeypatch):
    def train(*_args, **_options):
        raise AssertionError("trained again")

    return lambda: monkeypatch.setattr(runs, "train", train)


def test_the_list_says_what_there_is(minissd):
    out = minissd("ablate", "--list").out
    for name, experiment in EXPERIMENTS.items():
        assert name in out and experiment.claim in out


def test_tables_record_and_pictures_and_no_run_twice(minissd, few, no_training, tmp_path):
    words = ("ablate", "augmentation", "box-shapes", "maps", "object-size", "--seeds", 2, *TINY, "--out", tmp_path)
    outcome = minissd(*words)
    assert outcome.status == 0, outcome
    for text in ("light / none", "squares only", "four maps / one map", "large / small", "±"):
        assert text in outcome.out
    record = json.loads((tmp_path / "ablation.json").read_text())
    assert record["settings"]["seeds"] == 2 and record["settings"]["data"] == "shapes"
    assert record["experiments"].keys() == {"augmentation", "box-shapes", "maps", "object-size"}
    for name, experiment in record["experiments"].items():
        assert all(len(variant["runs"]) == 2 for variant in experiment["variants"].values())
        assert min(Image.open(tmp_path / f"{name}.png").size) > 300
    assert len(list((tmp_path / "runs").iterdir())) == 2 * 8  # four and three and three variants share the whole one
    no_training()
    assert minissd(*words).status == 0
    again = json.loads((tmp_path / "ablation.json").read_text())
    assert again["experiments"] == record["experiments"]


def test_more_seeds_only_add_runs(minissd, few, no_training, tmp_path):
    words = ("ablate", "object-size", *TINY, "--out", tmp_path)
    assert minissd(*words, "--seeds", 1).status == 0
    out = minissd(*words, "--seeds", 1).out
    assert "one run has no spread" in out or "nothing learned" in out
    assert minissd(*words, "--seeds", 2).status == 0
    no_training()
    assert minissd(*words, "--seeds", 1).status == 0


def test_after_a_stop_the_same_command_goes_on(minissd, few, monkeypatch, tmp_path):
    words = ("ablate", "object-size", "--seeds", 2, *TINY, "--out", tmp_path)
    real, steps = runs.train, []

    def stopped_in_the_second(*arguments, **options):
        steps.append(1)
        if len(steps) == 2:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(runs, "train", stopped_in_the_second)
    stop = minissd(*words)
    assert stop.status == 130 and "the same command goes on" in stop.out
    assert not (tmp_path / "ablation.json").exists()
    assert minissd(*words).status == 0
    assert len(steps) == 3  # the first run was kept


def test_times_of_fc6(minissd, monkeypatch, tmp_path):
    names = dict.fromkeys(name for pair in EXPERIMENTS["atrous"].comparisons for name in pair)
    times = {name: [10.0 * i, 10.0 * i + 1] for i, name in enumerate(names, 1)}
    monkeypatch.setattr(command, "time_fc6", lambda runs, report: report(runs, runs) or times)
    outcome = minissd("ablate", "atrous", "--seeds", 2, "--out", tmp_path)
    assert outcome.status == 0, outcome
    assert "10.5 ± 0.7" in outcome.out and "10.0 ms" in outcome.out and "supported" in outcome.out
    assert json.loads((tmp_path / "ablation.json").read_text())["experiments"]["atrous"]["unit"] == "ms"
    assert (tmp_path / "atrous.png").exists() and not (tmp_path / "runs").exists()


def test_a_voc_tree_is_scored_on_its_test_or_val_images(minissd, few, tmp_path):
    tree = Tree(tmp_path / "tree")
    for i in range(6):
        tree.add(f"img{i}", [("cat", (5, 5, 30, 25)), ("dog", (10, 8, 38, 28))], size=(80, 60))
    sets = tmp_path / "tree" / "ImageSets" / "Main"
    (sets / "train.txt").write_text("img0\nimg1\nimg2\nimg3\n")
    (sets / "val.txt").write_text("img4\nimg5\n")
    words = ("ablate", "object-size", "--seeds", 1, "--data", tree.root, *TINY, "--out", tmp_path / "out")
    outcome = minissd(*words)
    assert outcome.status == 0, outcome
    assert "4 images to train on, 2 of val to score" in outcome.out
    assert "no such objects" in outcome.out  # none is small


def test_wrong_input_is_refused_in_one_line_before_any_work(refused, few, no_training, tmp_path):
    no_training()
    out = ("--out", tmp_path / "out")
    refused(["no/such", "does not exist"], "ablate", "maps", "--data", "no/such", *out)
    refused(["--epochs", "--steps"], "ablate", "--epochs", 3, "--steps", 3, *out)
    for option in ("--epochs", "--steps"):
        refused([f"{option} is 0"], "ablate", "maps", option, 0, *out)
    file = tmp_path / "file"
    file.write_text("")
    refused([file], "ablate", "maps", "--out", file)
    assert not (tmp_path / "out").exists()


def test_images_that_are_trained_on_are_not_scored(refused, few, tmp_path):
    tree = Tree(tmp_path / "tree")
    tree.add("one", [("cat", (5, 5, 30, 25))], size=(80, 60))
    sets = tmp_path / "tree" / "ImageSets" / "Main"
    for split in ("train", "test"):
        (sets / f"{split}.txt").write_text("one\n")
    refused(["one", "share none"], "ablate", "maps", "--data", tree.root, *TINY, "--out", tmp_path / "out")


def test_an_experiment_that_is_not_there_is_wrong_usage(minissd):
    outcome = minissd("ablate", "dropout")
    assert outcome.status == 2 and "dropout" in outcome.err
