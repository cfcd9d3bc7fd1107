"""log.jsonl: what is added is read back; a resumed log drops what came after the checkpoint."""

import json
import resource

import pytest

from minissd.training import read_log
from minissd.training.log import RunLog


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "log.jsonl"


def records(*steps):
    return [{"step": step, "loss": step / 3, "epoch": 1} for step in steps]


def written(path, *steps, start=0):
    log = RunLog(path, start)
    for record in records(*steps):
        log.add(record)
    return log


def test_what_is_added_is_there_at_once_and_read_back_exactly(path):
    log = written(path, 1, 2)
    assert read_log(path) == log.records == records(1, 2)
    assert path.read_text(encoding="utf-8").count("\n") == 2


def test_a_new_run_begins_an_empty_log(path):
    written(path, 1, 2)
    RunLog(path)
    assert read_log(path) == []


def test_a_resumed_log_keeps_the_steps_that_the_checkpoint_has(path):
    written(path, 1, 2, 2, 3)
    assert written(path, 9, start=2).records == records(1, 2, 2, 9)
    assert read_log(path) == records(1, 2, 2, 9)


def test_a_resumed_run_whose_log_is_gone_goes_on_without(path):
    assert written(path, 3, start=2).records == records(3)


def test_without_a_path_the_records_stay_in_memory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert written(None, 1, start=5).records == records(1)
    assert list(tmp_path.iterdir()) == []


def test_validations_are_found_by_their_step(path):
    log = written(path, 1, 2)
    log.add({"step": 2, "validation": {"mAP": 0.5}})
    assert [log.has_validation(step) for step in (1, 2, 3)] == [False, True, False]


def test_a_last_line_cut_off_in_mid_write_is_left_out(path):
    written(path, 1, 2)
    text = path.read_text(encoding="utf-8")
    for length in range(len(text.splitlines()[0]) + 2, len(text) - 1):
        path.write_text(text[:length], encoding="utf-8")
        assert read_log(path) == records(1)
    assert written(path, 3, start=2).records == records(1, 3)


@pytest.mark.parametrize("line", ["{", "", "5", '["step"]', "{}", '{"step": "two"}', "null"])
def test_a_line_that_is_no_record_is_named(path, refused, line):
    path.parent.mkdir()
    path.write_text(f'{{"step": 1}}\n{line}\n{{"step": 3}}\n', encoding="utf-8")
    with refused(path, "line 2"):
        read_log(path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00binary"])
def test_a_file_that_cannot_be_read(path, refused, content):
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
    with refused(path, "log.jsonl"):
        read_log(path)


def test_a_full_disk_is_one_line_and_the_log_stays_readable(path, refused):
    log = written(path, *range(1, 100))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, hard))  # bytes: half a record
    try:
        with refused(path, "cannot be written", "--resume"):
            log.add({"step": 100, "loss": 1.0})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_log(path) == records(*range(1, 100))
    assert written(path, 100, start=99).records == records(*range(1, 101))


def test_every_line_is_json(path):
    written(path, 1, 2)
    assert [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] == records(1, 2)
