"""Whatever a student's file does, a verdict comes back."""

import pytest

from minissd.course import judge_file
from minissd.course.sandbox import judge_file as judge_file_in_limits

SIGNATURE = "def output_size(n, k, stride=1, pad=0, dilation=1):\n"


@pytest.fixture
def verdict(tmp_path, exercise):
    """verdict(text, **limits): on a file with this text."""

    def judged(text, **limits):
        path = tmp_path / "output_size.py"
        path.write_text(text)
        return judge_file_in_limits(path, exercise, **limits)

    return judged


def test_a_right_answer_passes_there_too(exercise):
    assert judge_file(exercise.solution, exercise).passed


def test_an_endless_loop_is_stopped_and_its_line_named(verdict):
    found = verdict(SIGNATURE + "    n = 0\n    while True:\n        n += 1\n", seconds=1)
    assert found.status == "stopped"
    assert "after 1 seconds in line" in found.reason


def test_a_loop_without_end_at_the_top_of_the_file(verdict):
    assert "in line " in verdict("while True:\n    pass\n", seconds=1).reason


def test_a_huge_array_is_refused(verdict):
    found = verdict("import numpy as np\n" + SIGNATURE + "    return np.ones(10**11).size\n")
    assert found.status == "wrong"
    assert found.reason == "it asks for more memory than it may have in line 3"


def test_endless_recursion(verdict):
    found = verdict(SIGNATURE + "    return output_size(n, k)\n")
    assert found.reason.startswith("it calls itself without an end")


def test_a_crash_of_the_process(verdict):
    kill = "import numpy as np\n" + SIGNATURE + "    np.ctypeslib.ctypes.string_at(0)\n"
    found = verdict(kill)
    assert found.status == "stopped"
    assert "status -11" in found.reason or "Segmentation" in found.printed


def test_sys_exit_does_not_end_the_judgement(verdict):
    found = verdict(SIGNATURE + "    raise SystemExit(0)\n")
    assert found.status == "wrong"
    assert "SystemExit in line 2" in found.reason


def test_what_it_prints_comes_back(verdict):
    found = verdict(SIGNATURE + "    print('looking at', n)\n    return -1\n")
    assert "looking at 1" in found.printed


def test_files_appear_in_no_place_of_ours(verdict, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write = "import numpy as np\n" + SIGNATURE + "    np.save('here.npy', np.ones(3))\n    return -1\n"
    assert verdict(write).status == "wrong"
    assert [path.name for path in tmp_path.iterdir()] == ["output_size.py"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def output_size(n:\n", "line 1 is no Python"),
        ("x = 1\n", "no function output_size"),
        ("from minissd.ops import output_size\n", "it imports minissd.ops.output_size"),
        ("import minissd\n" + SIGNATURE + "    return 1\n", "it imports minissd:"),
        ("1 / 0\n", "ZeroDivisionError in line 1"),
        ("", "no function output_size"),
    ],
)
def test_files_that_cannot_be_judged(verdict, text, reason):
    found = verdict(text)
    assert found.status == "broken"
    assert reason in found.reason


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_files_that_cannot_be_read(tmp_path, exercise, refused, content):
    path = tmp_path / "output_size.py"
    if content is not None:
        path.write_bytes(content)
    with refused(path):
        judge_file(path, exercise)


def test_an_exception_in_the_answer_names_its_line(verdict):
    assert verdict(SIGNATURE + "    return missing\n").reason.startswith("NameError in line 2")
