import json

import pytest

from minissd.training import load_checkpoint, read_log


def test_a_run_folder_holds_all_it_promises(minissd, tree, tmp_path, small_run):
    out = tmp_path / "run"
    outcome = minissd("train", "--data", tree.root, "--out", out, *small_run)
    assert outcome.status == 0, outcome.err
    assert {file.name for file in out.iterdir()} == {"config.json", "log.jsonl", "last.safetensors", "loss.png"}
    config = json.loads((out / "config.json").read_text())
    assert (config["split"], config["epochs"], config["options"]["input_size"], config["seed"]) == ("train", 2, 64, 0)
    assert [record["step"] for record in read_log(out / "log.jsonl")] == [1, 2, 3, 4]
    assert load_checkpoint(out / "last.safetensors").step == 4
    assert f"minissd evaluate --checkpoint {out / 'last.safetensors'}" in outcome.out


def test_validation_uses_val_when_it_is_held_out_and_keeps_the_best(minissd, tree, tmp_path, small_run):
    tree.list("train", "img0\nimg1\nimg2\n").list("val", "img3\nimg4\n")
    out = tmp_path / "run"
    outcome = minissd("train", "--data", tree.root, "--out", out, "--validate-every", 1, *small_run)
    assert "validation mAP" in outcome.out
    assert (out / "best.safetensors").exists()
    scores = [record for record in read_log(out / "log.jsonl") if "validation" in record]
    assert [record["epoch"] for record in scores] == [1, 2]


def test_a_validation_split_of_nothing_but_training_images_is_none(minissd, refused, tree, tmp_path, small_run):
    tree.list("val", "img0\nimg4\n")
    outcome = minissd("train", "--data", tree.root, "--out", tmp_path / "a", *small_run)
    assert outcome.status == 0 and "validation mAP" not in outcome.out
    assert "shares 2 images" in outcome.out and "--split val" not in outcome.out  # nor is that the next command
    words = ("train", "--data", tree.root, "--out", tmp_path / "b", "--validation", "val", *small_run)
    refused(["shares 2 images", "img0"], *words)
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("how", ["id", "link"])
def test_an_image_in_two_lists_is_left_out_of_the_validation(minissd, tree, tmp_path, small_run, how):
    """By its id, or because its file is the same under another name."""
    if how == "link":
        tree.add("twin", [("cat", (5, 5, 30, 25))], size=(80, 60))
        tree.image("twin").unlink()
        tree.image("twin").hardlink_to(tree.image("img0"))
    shared = {"id": "img0", "link": "twin"}[how]
    tree.list("train", "img0\nimg1\nimg2\n").list("val", f"{shared}\nimg3\nimg4\n")
    out = tmp_path / "run"
    outcome = minissd("train", "--data", tree.root, "--out", out, *small_run)
    assert outcome.status == 0, outcome.err
    note = f"1 of the 3 images of val are among those to train on, and left out of the validation (first: {shared})"
    assert note in outcome.out
    assert json.loads((out / "config.json").read_text())["images"]["validation"] == ["img3", "img4"]
    assert (out / "best.safetensors").exists() and "validation mAP" in outcome.out


def test_a_run_that_was_stopped_goes_on_with_the_same_words(minissd, tree, tmp_path, small_run, monkeypatch):
    words = ("train", "--data", tree.root, *small_run, "--out")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert minissd(*words, whole).status == 0

    from minissd.training.progress import TrainingProgress

    report = TrainingProgress.report

    def stop_at_step_3(self, record, total):
        report(self, record, total)
        if record["step"] == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TrainingProgress, "report", stop_at_step_3)
        stopped = minissd(*words, parts)
    assert stopped.status == 130 and "--resume" in stopped.out
    assert minissd(*words, parts, "--resume").status == 0
    ends = [load_checkpoint(out / "last.safetensors") for out in (whole, parts)]
    assert ends[0].step == ends[1].step
    assert all((p == ends[1].model.params[name]).all() for name, p in ends[0].model.params.items())


def test_resuming_refuses_settings_that_contradict_the_run(refused, trained):
    refused(["--epochs is 9", "began with 2"], "train", "--out", trained, "--resume", "--epochs", 9)


def test_a_run_is_never_overwritten(refused, trained, tree):
    refused([trained, "--resume"], "train", "--data", tree.root, "--out", trained)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"epochs": 2}'])
def test_a_damaged_config_stops_a_resume(refused, trained, damage):
    (trained / "config.json").write_text(damage)
    refused([trained], "train", "--out", trained, "--resume")


def test_resume_without_a_run(refused, tmp_path):
    refused([tmp_path / "none", "no run to resume"], "train", "--out", tmp_path / "none", "--resume")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--data", "nowhere"), ["nowhere", "shapes"]),
        (("--model", "ssd-huge"), ["ssd-huge", "ssd-tiny"]),
        (("--schedule", "linear"), ["linear", "one-cycle"]),
        (("--augmentation", "wild"), ["wild", "ssd", "light"]),
        (("--lr", "-1"), ["lr", "-1"]),
        (("--epochs", "0"), ["epochs", "0"]),
        (("--classes", "zebra"), ["zebra", "triangle"]),
        (("--split", "holdout"), ["holdout", "train"]),
        (("--device", "tpu"), ["tpu", "cpu"]),
    ],
)
def test_bad_options_are_named_with_what_would_do(refused, tmp_path, words, parts):
    refused(parts, "train", "--out", tmp_path / "run", *words)
    assert not (tmp_path / "run").exists()


def test_a_missing_card_is_said_in_one_line(refused, tmp_path):
    from minissd.device import gpu_available

    if gpu_available():
        pytest.skip("there is a card")
    refused(["cuda", "--device cpu"], "train", "--device", "cuda", "--out", tmp_path / "run")


def test_a_truncated_image_stops_training_and_is_named(refused, tree, tmp_path, small_run):
    whole = tree.image("img2").read_bytes()
    tree.image("img2").write_bytes(whole[: len(whole) // 2])
    refused([tree.image("img2")], "train", "--data", tree.root, "--out", tmp_path / "run", *small_run)


def test_out_that_is_a_file(refused, tree, tmp_path, small_run):
    (tmp_path / "file").write_text("")
    refused([tmp_path / "file"], "train", "--data", tree.root, "--out", tmp_path / "file", *small_run)


def test_two_runs_of_one_command_are_equal(minissd, tree, tmp_path, small_run):
    for name, workers in (("a", 0), ("b", 2)):
        words = (*small_run[:-1], workers)
        minissd("train", "--data", tree.root, "--out", tmp_path / name, *words)
    a, b = (load_checkpoint(tmp_path / name / "last.safetensors").model for name in "ab")
    assert all((p == b.params[name]).all() for name, p in a.params.items())


@pytest.mark.parametrize("change", [{"epochs": "40"}, {"limit": "3"}, {"classes": 5}, {"lr": "0.1"}])
def test_a_config_of_the_wrong_kind_stops_a_resume(refused, trained, change):
    config = json.loads((trained / "config.json").read_text())
    (trained / "config.json").write_text(json.dumps(config | change))
    refused(["config.json"], "train", "--out", trained, "--resume")


def test_resuming_before_the_first_checkpoint(refused, trained):
    (trained / "last.safetensors").unlink()
    refused([trained, "without --resume"], "train", "--out", trained, "--resume")


def test_a_path_that_the_system_refuses(refused, tmp_path):
    refused(["File name too long"], "train", "--data", "x" * 300, "--out", tmp_path / "run")


def test_numbers_below_their_least_are_wrong_usage(minissd):
    for words in (("--batch-size", "0"), ("--seed", "-1"), ("--limit", "0")):
        assert minissd("train", *words).status == 2


def test_a_run_of_before_there_was_a_choice_of_negatives_goes_on_by_the_papers_rule(
    minissd, refused, trained, tmp_path, monkeypatch
):
    file, seen = trained / "config.json", []
    settings = json.loads(file.read_text())
    assert settings.pop("negatives") == "every-image"
    file.write_text(json.dumps(settings))
    monkeypatch.setattr("minissd.cli.training.train", lambda model, data, config, **_: seen.append(config) or [])
    words = "train", "--out", trained, "--resume"
    refused(["--negatives is 'every-image'", "'paper'"], *words, "--negatives", "every-image")
    assert minissd(*words).status == 0
    assert [config.negatives for config in seen] == ["paper"]


@pytest.mark.parametrize("precision", ["tf32", "fp16", "half"])
def test_a_precision_that_the_cpu_lacks_is_refused(refused, trained, tree, tmp_path, small_run, precision):
    """Before anything is written or read."""
    where = "--precision", precision, "--device", "cpu", "--out", tmp_path / "out"
    refused([f"--precision {precision}" if precision != "half" else "'half'", "fp32"], "train", *where, *small_run)
    checkpoint = "--checkpoint", trained / "last.safetensors"
    refused([precision, "fp32"], "evaluate", *checkpoint, "--data", tree.root, *where)
    refused([precision, "fp32"], "detect", *checkpoint, tree.image("img2"), *where)
    assert not (tmp_path / "out").exists()


def test_training_in_half_precision_on_the_card(minissd, refused, strict, tree, tmp_path, small_run):
    """On the stand-in; a resumed run keeps the precision it began with."""
    run = "train", "--data", tree.root, "--out", tmp_path / "run"
    outcome = minissd(*run, "--precision", "fp16", "--device", "cuda", *small_run)
    assert outcome.status == 0, outcome.err
    assert json.loads((tmp_path / "run" / "config.json").read_text())["precision"] == "fp16"
    steps = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert all(step["loss_scale"] > 0 for step in steps if "loss" in step)
    refused(["--precision", "fp16", "leave it out"], *run, "--precision", "fp32", "--device", "cuda", "--resume")


def test_layers_that_cannot_be_frozen_leave_no_run(refused, tree, tmp_path, small_run):
    words = ("train", "--data", tree.root, "--out", tmp_path / "run", *small_run)
    refused(["--freeze stage7", "trunk, stage0", "head0"], *words, "--freeze", "stage7")
    assert not (tmp_path / "run").exists()


def test_a_folder_without_data_in_front_is_told_its_place(minissd, tmp_path):
    outcome = minissd("train", tmp_path)
    assert outcome.status == 2 and "--data" in outcome.err
