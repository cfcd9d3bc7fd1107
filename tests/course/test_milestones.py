"""With all solutions a milestone reaches its figure; a wrong function is named, a missing one too."""

import os
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from minissd import engine
from minissd.cli.lesson import lesson
from minissd.cli.lesson_milestone import AFTER, tell_of_milestone
from minissd.course import Verdict, find_lesson, find_shelf, read_lessons
from minissd.course.folder import StudentFolder
from minissd.course.milestones import MILESTONES
from minissd.course.milestones.running import run_milestone
from minissd.course.milestones.trial import trial
from minissd.course.own import Own, connected, own_of
from minissd.data import ShapesDataset
from minissd.models import build
from minissd.training import TrainConfig, train

DIGITS = Path("../shared/data/mnist")
EXERCISES = connected(read_lessons())
SOLUTIONS = {one.name: one.solution.read_text(encoding="utf-8") for one in EXERCISES}

each_milestone = pytest.mark.parametrize("number", MILESTONES)


def made(number):
    kind = MILESTONES[number]
    if not kind.needs_digits:
        return kind
    if not DIGITS.is_dir():
        pytest.skip("needs MNIST in ../shared/data/mnist")
    return partial(kind, digits=DIGITS)


def run(number, size, **changes):
    """The outcome with the solutions, some of them changed; None takes one away."""
    sources = {name: text for name, text in (SOLUTIONS | changes).items() if text is not None}
    return trial(made(number), Own(EXERCISES, sources), size)


@each_milestone
def test_a_milestone_names_exercises(number):
    assert tuple(MILESTONES) == AFTER
    assert set(MILESTONES[number].uses) <= set(SOLUTIONS)
    lessons = {one.name: int(one.key[:2]) for one in EXERCISES}
    late = [name for name in MILESTONES[number].uses if lessons[name] > max(number, 13 * (number == 12))]
    assert not late, "no milestone asks for what later lessons teach; scoring the SSD is lesson 13"


@each_milestone
def test_the_solutions_reach_a_small_figure(number):
    outcome, milestone, params = run(number, MILESTONES[number].quick)
    assert not outcome.failure and not outcome.differing and not outcome.missing
    assert outcome.used == list(milestone.uses)
    assert outcome.reached, outcome
    assert min(milestone.picture(params).size) > 200


@each_milestone
@pytest.mark.skipif("MINISSD_MILESTONES" not in os.environ, reason="minutes: set MINISSD_MILESTONES to run it")
def test_the_solutions_reach_the_figure(number):
    outcome, _, _ = run(number, MILESTONES[number].full)
    print(number, outcome.score)
    assert outcome.reached and not outcome.differing


FEW = {7: {"images": 8, "held_out": 4, "epochs": 1, "figure": 2.0}}  # which no score reaches
FEW[12] = FEW[7]


def test_a_wrong_function_is_named_and_swapped_and_a_missing_one_told():
    wrong = SOLUTIONS["multibox_gradient"].replace(
        "np.clip(offsets - offset_targets, -1, 1)", "(offsets - offset_targets)"
    )
    stub = next(one.start_text for one in EXERCISES if one.name == "iou")
    size = MILESTONES[12].quick._replace(**FEW[12])
    outcome, _, _ = run(12, size, multibox_gradient=wrong, iou=stub, nms=None, encode="import os\n")
    assert list(outcome.differing) == ["multibox_gradient"]
    assert "entries are off" in outcome.differing["multibox_gradient"]
    assert list(outcome.swapped) == ["multibox_gradient"]
    assert outcome.swapped["multibox_gradient"] != outcome.score or outcome.score == 0
    assert outcome.missing == {
        "iou": "not written yet",
        "nms": "not started",
        "encode": "line 1 imports os, which nothing in the file uses: delete that line",
    }


def test_a_function_that_serves_two_others_is_the_only_one_named():
    wrong = SOLUTIONS["im2col"].replace("window.reshape(-1)", "window.transpose(2, 0, 1).reshape(-1)")
    outcome, _, _ = run(7, MILESTONES[7].quick._replace(**FEW[7]), im2col=wrong)
    assert list(outcome.differing) == ["im2col"], "conv_as_product and conv2d_gradient, which call it, are right"


def test_a_function_that_raises_and_one_that_writes_into_its_arguments():
    raising = SOLUTIONS["skip_gradient"].replace("return da, db", "return da, db[3, 3, 3, 3, 3]")
    writing = SOLUTIONS["relu_gradient"].replace("return dy", "dy[...] = dy * (x > 0)\n    return dy")
    outcome, _, _ = run(7, MILESTONES[7].quick._replace(**FEW[7]), skip_gradient=raising, relu_gradient=writing)
    assert "IndexError" in outcome.differing["skip_gradient"]
    assert "in place" in outcome.differing["relu_gradient"]
    assert outcome.score is None and outcome.failure.startswith("skip_gradient.py: IndexError")


def test_the_last_exercise_of_a_lesson_leads_to_its_milestone(tmp_path, capsys):
    mine, one = StudentFolder(tmp_path), find_lesson(read_lessons(), 4)
    *others, last = one.exercises
    mine.records = {exercise.key: {"passed": "2026-12-01", "tries": 1, "hints": 0} for exercise in others}
    tell_of_milestone(mine, one)
    assert not capsys.readouterr().out
    mine.note_verdict(last, Verdict("passed"))
    tell_of_milestone(mine, one)
    assert "minissd lesson milestone 4" in capsys.readouterr().out


@pytest.fixture
def course(tmp_path):
    """A student's folder with everything solved."""
    for exercise in EXERCISES:
        file = tmp_path / "minissd-course" / exercise.folder.name / f"{exercise.name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SOLUTIONS[exercise.name], encoding="utf-8")
    return tmp_path / "minissd-course"


def test_at_the_command_line(course, monkeypatch):
    monkeypatch.setenv("MINISSD_QUICK", "1")
    (course / "07_unet" / "mask_scores.py").unlink()
    result = CliRunner().invoke(lesson, ["milestone", "7", "--folder", str(course)])
    assert "10 of 11 functions are yours" in result.stdout
    assert "the library's: mask_scores (not started)" in result.stdout
    assert result.exit_code == 0, result.stdout
    with Image.open(course / "milestone-07.png") as picture:
        assert picture.size[0] > 200


def test_a_function_without_an_end_is_stopped(course, shelf, refused):
    (course / "07_unet" / "skip_gradient.py").write_text(
        "def skip_gradient(dy, channels):\n    while True:\n        pass\n"
    )
    with refused("no step in 3 seconds", "lesson check"):
        run_milestone(StudentFolder(course), shelf, 7, quick=True, seconds=3)
    assert not (course / "milestone-07.png").exists()


def test_the_same_functions_train_a_real_ssd_tiny(course):
    data = ShapesDataset(4, size=64, classes=("cross", "ellipse"))
    config = TrainConfig(epochs=2, batch_size=4, lr=0.01, augmentation="none", workers=0)
    own, results = own_of(course), []
    for functions in ("fast", own.operations):
        model = build("ssd-tiny", classes=data.classes, input_size=64)
        with engine.use(functions):
            train(model, data, config)
        results.append(model.params)
    assert {"conv_as_product", "conv2d_gradient", "max_pool_gradient", "smooth_l1_gradient"} <= own.called
    for name, expected in results[0].items():
        np.testing.assert_allclose(results[1][name], expected, rtol=1e-3, atol=1e-5, err_msg=name)


def test_the_page_shows_how(course, monkeypatch, capsys):
    page = (find_shelf() / "pages" / "teaching.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(from minissd import engine\n.*?)```", page, re.DOTALL)[1]
    for theirs, small in (("my_tree", "shapes"), ('"train")', '"train", limit=2)'), ("input_size=96", "input_size=32")):
        assert theirs in code
        code = code.replace(theirs, small)
    monkeypatch.chdir(course.parent)
    exec(compile(code, "teaching.md", "exec"), {})
    assert "'im2col'" in capsys.readouterr().out
