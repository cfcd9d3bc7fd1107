"""`minissd bench --tune`, and what other commands say of the tuning that is in force."""

import json
from dataclasses import replace

import other_machine
import pytest

from minissd.bench import tuning
from minissd.engine.cpu.processor import this_machine
from minissd.engine.tuning import read, shipped, tuned


@pytest.fixture
def tune(minissd, tmp_path, monkeypatch):
    """minissd bench --tune on a machine of other costs -> its outcome and the user's file."""

    def measured(report):
        report("algorithms", 1, 1)
        return replace(shipped().sizes, winograd_tiles=640), other_machine.times()

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(tuning, "measure", measured)
    return lambda *words: (minissd("bench", "--tune", *words), tmp_path / "minissd" / "tuning.json")


def test_what_chooses_better_is_written(tune):
    outcome, path = tune()
    assert outcome.status == 0
    assert read(path).digest in outcome.out and str(path) in outcome.out
    assert json.loads(path.read_text())["machine"] == this_machine()
    assert "winograd_tiles: 640 in place of 320" in outcome.out and read(path).sizes.winograd_tiles == 640


def test_a_tuning_that_chooses_better_stays(tune, monkeypatch):
    monkeypatch.setattr(tuning, "fit", lambda sizes, times: shipped())
    with tuned(replace(shipped(), costs=other_machine.COSTS)):
        outcome, path = tune()
    assert outcome.status == 0 and "nothing is written" in outcome.out and not path.exists()


def test_nothing_else_is_measured_beside_it(tune):
    outcome, path = tune("conv")
    assert outcome.status == 1 and "--tune" in outcome.err and not path.exists()


def test_doctor_names_the_tuning_and_what_is_wrong_with_a_users_file(minissd, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("minissd.engine.tuning._in_force", None)
    (tmp_path / "minissd").mkdir()
    (tmp_path / "minissd" / "tuning.json").write_text("{}")
    outcome = minissd("doctor")
    assert outcome.status == 0 and shipped().digest in outcome.out
    assert next(line for line in outcome.out.splitlines() if line.startswith("note: ")).count("tuning.json") == 1


def test_a_run_that_goes_on_with_another_tuning_says_so(minissd, trained):
    config = json.loads((trained / "config.json").read_text())
    assert config["tuning"] == shipped().digest
    words = "train", "--out", trained, "--resume"
    assert "tuning" not in minissd(*words).out
    with tuned(replace(shipped(), costs=other_machine.COSTS)):
        outcome = minissd(*words)
        assert outcome.status == 0 and f"began with the tuning {shipped().digest}" in outcome.out
