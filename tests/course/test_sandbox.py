"""Whatever a student's file does, a verdict comes back."""

import sys
import time

import pytest

from minissd.course import judge_file
from minissd.course.sandbox import Judges, _answer, isolation
from minissd.course.sandbox import judge_file as judge_file_in_limits

SIGNATURE = "def output_size(n, k, stride=1, pad=0, dilation=1):\n"


@pytest.fixture
def verdict(tmp_path, exercise):
    """verdict(text, **limits): on a file with this text."""

    def judged(text, **limits):
        path = tmp_path / "output_size.py"
        path.write_bytes(text.encode())
        return judge_file_in_limits(path, exercise, **limits)

    return judged


def test_a_right_answer_passes_there_too(exercise):
    assert judge_file(exercise.solution, exercise).passed


def test_a_package_that_put_itself_on_the_path_hides_no_module(exercise, tmp_path, monkeypatch):
    for name in ("__init__.py", "typing.py"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
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


def test_however_much_it_prints_it_is_judged(verdict, exercise):
    solution = exercise.solution.read_text()
    printing = solution.replace("    return", "    print('so much' * 10**6)\n    return")
    assert printing != solution
    found = verdict(printing)
    assert found.passed
    assert found.printed.startswith("so much") and len(found.printed) <= 1000


FORKS = """    import numpy
    os = numpy.lib.format.os if hasattr(numpy.lib.format, "os") else __import__("os")
    if os.fork() == 0:
        os.setsid()
        while True:
            open({beat!r}, "w").write(str(numpy.random.rand()))
    while not (os.path.exists({beat!r}) and open({beat!r}).read()):
        pass
    os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs fork and setsid")
def test_what_it_started_ends_with_it(exercise):
    if not isolation():
        pytest.skip("neither Bubblewrap nor user namespaces here: a process that leaves its group is not found")
    with Judges() as judges:
        beat = judges.folder / "beat"
        found = judges.judge(SIGNATURE + FORKS.format(beat=str(beat)), exercise, "output_size.py")
        assert found.status == "stopped"
        assert "before there was a verdict, with status 0" in found.reason
        assert "line 3 uses os" in found.look
        before = beat.stat().st_mtime_ns
        time.sleep(0.5)
        assert beat.stat().st_mtime_ns == before, "it still runs"


@pytest.mark.skipif(not isolation(), reason="neither Bubblewrap nor user namespaces are allowed here")
def test_it_sees_no_process_but_its_own(verdict):
    listing = "print(*[p for p in __import__('os').listdir('/proc') if p.isdigit()])"
    found = verdict(SIGNATURE + f"    {listing}\n    return -1\n")
    assert 1 <= len(found.printed.splitlines()[0].split()) <= 3
    assert any("os.listdir /proc" in text for text in found.look)


def test_one_that_does_not_end_costs_nobody_else(exercise):
    with Judges() as judges:
        endless = judges.judge(SIGNATURE + "    while True: pass\n", exercise, "output_size.py", seconds=1)
        right = judges.judge(exercise.solution.read_text(), exercise, "output_size.py")
    assert (endless.status, right.status) == ("stopped", "passed")


@pytest.mark.parametrize(
    "left", ["", "[]", "{}", '{"status": "passed"}', '{"held": [], "status": "passed", "more": 1}']
)
def test_an_answer_that_the_student_wrote_over_is_none(tmp_path, left):
    (tmp_path / "answer.json").write_text(left)
    assert _answer(tmp_path / "answer.json") is None


def test_half_a_surrogate_comes_back_as_a_question_mark(verdict):
    assert verdict(SIGNATURE + "    raise ValueError('\\ud800')\n").reason == "ValueError in line 2: ?"


@pytest.mark.parametrize("change", [lambda s: s.replace("\n", "\r\n"), lambda s: "\ufeff" + s])
def test_a_file_from_windows(verdict, exercise, change):
    assert verdict(change(exercise.solution.read_text())).passed


def test_everyday_modules_are_free(verdict, exercise):
    solution = exercise.solution.read_text()
    assert verdict("from __future__ import annotations\nimport copy, operator\n" + solution).passed


def test_files_appear_in_no_place_of_ours(verdict, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write = "import numpy as np\n" + SIGNATURE + "    np.save('here.npy', np.ones(3))\n    return -1\n"
    assert verdict(write).status == "wrong"
    assert [path.name for path in tmp_path.iterdir()] == ["output_size.py"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def output_size(n:\n", "line 1 is not valid Python"),
        ("x = 1\n", "no function output_size"),
        (
            "from minissd.ops import output_size\n" + SIGNATURE + "    return output_size(n, k)\n",
            "line 1 imports minissd.ops.output_size: write it",
        ),
        ("import os\n" + SIGNATURE + "    return 1\n", "line 1 imports os, which nothing in the file uses: delete"),
        (
            SIGNATURE.replace("k,", "kernel,") + "    return 1\n",
            "output_size(n, kernel, stride, pad, dilation) has other arguments than the exercise: keep output_size(",
        ),
        (SIGNATURE.replace("n, k", "k, n") + "    return 1\n", "has other arguments"),
        (
            SIGNATURE + "    raise NotImplementedError('here')\n    return 1\n",
            "what stands below `raise NotImplementedError` in line 2 is never reached: delete that line",
        ),
        (
            SIGNATURE + "    m = n + 2 * pad\n    raise NotImplementedError('here')\n",
            "it arrives at `raise NotImplementedError` in line 3: return the result",
        ),
        ("1 / 0\n", "ZeroDivisionError in line 1"),
        ("x = 1\0", "the file is not valid Python (source code string cannot contain null bytes)"),
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
    assert verdict(SIGNATURE + "    assert n == 0, 'no rows'\n").reason == "AssertionError in line 2: no rows"
    assert verdict(SIGNATURE + "    assert n == 0\n").reason == "AssertionError in line 2"


def test_a_file_that_is_far_too_long(tmp_path, exercise, refused):
    (tmp_path / "output_size.py").write_text("#" * 10**6)
    with refused("longer than"):
        judge_file(tmp_path / "output_size.py", exercise)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("pass", "the result is None: is there a return?"),
        ("return 1, None", "the result is a tuple whose part 1 is None: was it computed?"),
        ("yield 1", "the result is a generator: use return, not yield"),
        ("return {1: 2}", "the result is a dict, expected a number such as 1"),
        ("return [[1, 2], 3]", "the result is a list, expected a number such as 1"),
        ("return 'one'", "the result holds <U3, expected int64"),
    ],
)
def test_results_of_another_kind_are_named(verdict, body, reason):
    found = verdict(SIGNATURE + f"    {body}\n")
    assert (found.status, found.reason, found.mutant) == ("wrong", reason, "")
