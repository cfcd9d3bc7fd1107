"""`mpiexec -n N minissd train`: one run folder, one voice, and all end together."""

import json
import signal
import time

import numpy as np
import pytest
from idx_files import write_digits
from mpi import finish, needs_mpi, run, start

from minissd.training import load_checkpoint, read_log

pytestmark = needs_mpi
TRAIN = ("-m", "minissd", "train", "--model", "mlp", "--validation", "none", "--augmentation", "none")


@pytest.fixture
def digits(tmp_path):
    """The options for a run on 24 digits, two of which are held out: three steps an epoch."""
    data = write_digits(tmp_path / "digits", train=24)
    return ("--data", data, "--batch-size", 6, "--seed", 3, "--workers", 1)


def the_only_line(err):
    """What is on stderr; that MPI was told to end is left out."""
    (line,) = (line for line in err.splitlines() if line.strip() and not line.startswith("Abort("))
    return line


def without_time(path):
    return [{key: value for key, value in record.items() if key != "seconds"} for record in read_log(path)]


def test_the_run_is_that_of_one_process(digits, tmp_path):
    outs = {}
    for count in (1, 4):
        words = (*TRAIN, *digits, "--epochs", 2, "--dropout", 0, "--out", tmp_path / str(count))
        status, outs[count], err = run(count, *words)
        assert status == 0, err
    files = [{file.name for file in (tmp_path / count).iterdir()} for count in "14"]
    assert files[0] == files[1] == {"config.json", "log.jsonl", "last.safetensors", "loss.png"}
    configs = [json.loads((tmp_path / count / "config.json").read_text()) for count in "14"]
    assert configs[0] == configs[1] and configs[0]["batch_size"] == 6  # of all processes together: 2 + 2 + 1 + 1
    one, four = (read_log(tmp_path / count / "log.jsonl") for count in "14")
    assert len(one) == 6
    for ours, theirs in zip(four, one, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-4)
    assert outs[4].count("run folder:") == outs[4].count("epoch   1/2") == outs[4].count("4 processes") == 1
    assert "processes" not in outs[1]


def test_validation_is_of_process_0(digits, tmp_path):
    words = tuple("val" if word == "none" and before == "--validation" else word for before, word in pairs(TRAIN))
    status, out, err = run(2, *words, *digits, "--epochs", 2, "--validate-every", 1, "--out", tmp_path / "run")
    assert status == 0, err
    assert out.count("validation accuracy") == 2
    scores = [record for record in read_log(tmp_path / "run" / "log.jsonl") if "validation" in record]
    assert [record["epoch"] for record in scores] == [1, 2]
    assert (tmp_path / "run" / "best.safetensors").exists()


def pairs(words):
    return zip(("", *words), words, strict=False)


STEPS = 60


def test_ctrl_c_saves_ends_all_and_the_run_goes_on(digits, tmp_path):
    words = (*TRAIN, *digits, "--batch-size", 2, "--steps", STEPS, "--out")
    process = start(2, *words, tmp_path / "parts")
    log = tmp_path / "parts" / "log.jsonl"
    until = time.monotonic() + 30
    while time.monotonic() < until and not (log.exists() and log.read_text().count("\n") > 4):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    status, out, err = finish(process)
    assert status != 0
    assert out.count("--resume") == 1, (out, err)
    assert "Traceback" not in err
    stopped = load_checkpoint(tmp_path / "parts" / "last.safetensors").step
    assert 4 < stopped < STEPS and stopped == read_log(log)[-1]["step"]

    status, _, err = run(2, *words, tmp_path / "parts", "--resume")
    assert status == 0, err
    assert run(2, *words, tmp_path / "whole")[0] == 0
    assert without_time(log) == without_time(tmp_path / "whole" / "log.jsonl")
    ends = [load_checkpoint(tmp_path / name / "last.safetensors") for name in ("parts", "whole")]
    assert ends[0].step == STEPS
    for name, array in ends[0].model.params.items():
        np.testing.assert_array_equal(array, ends[1].model.params[name])


def test_an_error_of_all_is_told_once(digits, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "last.safetensors").touch()
    status, _, err = run(4, *TRAIN, *digits, "--out", tmp_path / "run")
    assert status == 1
    assert "holds a run already" in the_only_line(err)


def test_a_loss_that_is_not_finite_is_told_once_with_its_images(digits, tmp_path):
    status, _, err = run(2, *TRAIN, *digits, "--lr", "1e30", "--out", tmp_path / "run")
    assert status == 1
    assert "not finite at step 2" in the_only_line(err)


def test_a_broken_image_on_one_process_ends_all(tree, tmp_path):
    tree.image("img4").write_bytes(b"broken")
    words = ("-m", "minissd", "train", "--data", tree.root, "--validation", "none", "--input-size", 64)
    status, _, err = run(3, *words, "--batch-size", 6, "--workers", 0, "--out", tmp_path / "run")
    assert status == 1
    assert "img4" in the_only_line(err)
    assert not (tmp_path / "run" / "last.safetensors").exists()


def test_other_images_on_another_machine_are_refused(tmp_path):
    """As if process 1 were on a machine whose folder of the same name holds other digits."""
    for name, count in (("0", 24), ("1", 12)):
        write_digits(tmp_path / name / "digits", train=count)
    program = (
        "import os, sys; from minissd.cli.main import main; "
        f"os.chdir(os.path.join({str(tmp_path)!r}, os.environ['PMI_RANK']));"
        "sys.argv = ['minissd', *sys.argv[1:]]; main()"
    )
    words = (*TRAIN[2:], "--data", "digits", "--batch-size", 6, "--out", tmp_path / "run")
    status, _, err = run(2, "-c", program, *words)
    assert status == 1
    assert "process 1 has 11 images" in the_only_line(err)
