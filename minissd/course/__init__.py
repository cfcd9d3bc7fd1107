"""The course: lessons, exercises judged by the library's own properties, hints, handouts and grading."""

from minissd.course.judging import Verdict, judge, judge_source
from minissd.course.sandbox import judge_file
from minissd.course.shelf import Exercise, Lesson, find_exercise, find_lesson, find_shelf, read_lessons

__all__ = [
    "Exercise",
    "Lesson",
    "Verdict",
    "find_exercise",
    "find_lesson",
    "find_shelf",
    "judge",
    "judge_file",
    "judge_source",
    "read_lessons",
]
