"""Grades for many submissions: each file judged in its own process, side by side, all on the same inputs."""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from minissd.course.judging import Verdict
from minissd.course.sandbox import Judges, read_answer
from minissd.course.shelf import check_hypothesis
from minissd.errors import MinissdError
from minissd.files import cannot_be_written

STATE = "judged.jsonl"  # a line for each file that is judged: what a run that was stopped goes on from


class Grade(NamedTuple):
    student: str  # the folder's name
    exercise: str  # its key
    verdict: Verdict


class _Job(NamedTuple):
    student: str
    exercise: object
    source: str | None
    verdict: Verdict | None  # where there is nothing to judge
    mark: str  # of what the verdict depends on


def grade(folders, exercises, *, seed=0, workers=None, state=None, report=lambda done, total: None):
    """Yields a `Grade` for every folder and exercise, as they are judged; sort them with `in_order`.

    folders: one for each student, in which the file of an exercise is found by its name, at any depth.
    state: a file that remembers what was judged; what it knows of the same file, exercise and seed is not judged again.
    report(done, total): called after each file.
    """
    folders = [Path(folder) for folder in folders]
    for folder in folders:
        if not folder.is_dir():
            raise MinissdError(f"{folder}: is no folder: give one folder for each student")
    if len(folders) == 1:
        _check_is_of_one(folders[0], exercises)
    check_hypothesis()
    names = _student_names(folders)
    jobs = [_job(name, folder, one, seed) for one in exercises for name, folder in zip(names, folders, strict=True)]
    known = _read_state(state)
    total, done, open_jobs = len(jobs), 0, []
    for job in jobs:
        verdict = job.verdict or known.get((job.student, job.exercise.key, job.mark))
        if verdict is None:
            open_jobs.append(job)
            continue
        done += 1
        report(done, total)
        yield Grade(job.student, job.exercise.key, verdict)
    for job, verdict in _judged(open_jobs, seed, min(workers or os.cpu_count() or 1, len(open_jobs))):
        _remember(state, job, verdict)
        done += 1
        report(done, total)
        yield Grade(job.student, job.exercise.key, verdict)


def in_order(grades, exercises):
    """Sorted by student, as they were given, and exercise."""
    place = {exercise.key: i for i, exercise in enumerate(exercises)}
    students = {}
    for one in sorted(grades, key=lambda one: place[one.exercise]):
        students.setdefault(one.student, []).append(one)
    return [one for student in sorted(students) for one in students[student]]


def _judged(jobs, seed, workers):
    """(job, verdict) as they are done; each of `workers` threads waits for a process of its own that judges."""
    if not jobs:
        return
    free, all_of_them = SimpleQueue(), [Judges() for _ in range(workers)]
    for one in all_of_them:
        free.put(one)

    def judge(job):
        judges = free.get()
        try:
            return judges.judge(job.source, job.exercise, f"{job.exercise.name}.py", seed=seed)
        finally:
            free.put(judges)

    pool = ThreadPoolExecutor(workers)
    try:
        running = {pool.submit(judge, job): job for job in jobs}
        for future in as_completed(running):
            yield running[future], future.result()
    finally:  # after Ctrl-C, above all: no further file is begun, and those begun are not waited for
        pool.shutdown(wait=False, cancel_futures=True)
        for one in all_of_them:
            one.end()
        pool.shutdown()
        for one in all_of_them:
            one.close()


def _student_names(folders):
    """The names of the folders, with as much of the path as tells them apart."""
    names = [printable(folder.resolve().name) for folder in folders]
    if len(set(names)) < len(names):
        names = [printable(folder.resolve().as_posix()) for folder in folders]
    if len(set(names)) < len(names):
        raise MinissdError("a folder is given twice: give one folder for each student")
    return names


def _check_is_of_one(folder, exercises):
    """MinissdError if every exercise there is lies in several subfolders, as where all students have one."""
    found = [[path.relative_to(folder).parts for path in folder.rglob(f"{one.name}.py")] for one in exercises]
    above = [{parts[0] for parts in places if len(parts) > 1} for places in found if places]
    if above and all(len(names) > 1 for names in above):
        names = sorted(set().union(*above))
        some = printable(", ".join(names[:3])) + ", ..." * (len(names) > 3)
        raise MinissdError(f"{folder}: each exercise is in several of its folders ({some}): give these, as {folder}/*")


def _job(student, folder, exercise, seed):
    found = [path for path in sorted(folder.rglob(f"{exercise.name}.py")) if path.is_file()]
    if len(found) > 1:  # who hands in the whole handout has the stub in it, too
        found = [path for path in found if not _is_stub(path, exercise)] or found[:1]
    source = verdict = None
    if not found:
        verdict = Verdict("missing", reason=f"there is no {exercise.name}.py")
    elif len(found) > 1:
        places = printable(", ".join(str(path.relative_to(folder)) for path in found))
        verdict = Verdict("broken", reason=f"{exercise.name}.py was handed in several times: {places}")
    else:
        try:
            source = read_answer(found[0])
        except MinissdError as error:  # that student's affair, not the end of the grading
            verdict = Verdict("broken", reason=printable(str(error)))
    mark = hashlib.sha256(repr((source, seed, exercise.start_text, exercise.properties_at)).encode()).hexdigest()
    return _Job(student, exercise, source, verdict, mark)


def _is_stub(path, exercise):
    return path.read_bytes().split() == exercise.start_text.encode().split()


def _remember(state, job, verdict):
    if state:
        line = {"student": job.student, "exercise": job.exercise.key, "mark": job.mark, "verdict": asdict(verdict)}
        try:
            state.parent.mkdir(parents=True, exist_ok=True)
            with open(state, "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise cannot_be_written(state, error) from error


def _read_state(state):
    """{(student, exercise, mark): verdict} of an earlier run; a line that was cut off is none."""
    known = {}
    if state and state.exists():
        for line in state.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
                parts = {k: tuple(v) if isinstance(v, list) else v for k, v in entry["verdict"].items()}
                known[entry["student"], entry["exercise"], entry["mark"]] = Verdict(**parts)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
    return known


def printable(text):
    """Without what XML cannot hold: control characters, and the half surrogates of a name that is no UTF-8."""
    return "".join(c if c in "\n\t" or (c >= " " and not "\ud800" <= c <= "\udfff") else "?" for c in text)
