"""The lessons, and one exercise whose answers are quick to judge."""

import pytest

from minissd.course import find_exercise, find_shelf, read_lessons


@pytest.fixture(scope="session")
def shelf():
    return find_shelf()


@pytest.fixture(scope="session")
def lessons(shelf):
    return read_lessons(shelf)


@pytest.fixture
def exercise(lessons):
    return find_exercise(lessons, "output_size")
