"""Runs are kept and not repeated, as long as they are the same runs."""

import json

import pytest

from minissd.ablation import Budget, InMemory, Study, Variant, runs
from minissd.data import ShapesDataset


@pytest.fixture(scope="module")
def pictures():
    looks = {"size": 40, "classes": ("ellipse",)}
    return tuple(InMemory(ShapesDataset(n, split, **looks), split, 64) for n, split in ((4, "train"), (3, "test")))


@pytest.fixture
def study(pictures, tmp_path):
    def make(**changes):
        return Study(Budget(**{"input_size": 32, "steps": 2, **changes}), *pictures, tmp_path / "runs")

    return make


@pytest.fixture
def trained(monkeypatch):
    """The variants and seeds that were trained, in order."""
    done, real = [], runs.train_and_score

    def train_and_score(budget, variant, seed, *rest):
        done.append((variant, seed))
        return real(budget, variant, seed, *rest)

    monkeypatch.setattr(runs, "train_and_score", train_and_score)
    return done


def test_a_run_that_was_done_is_not_repeated_by_a_later_study(study, trained):
    first = study().run(Variant(), 0)
    assert study().kept(Variant(), 0) == first
    assert study().run(Variant(), 0) == first
    assert trained == [(Variant(), 0)]


def test_another_seed_variant_or_budget_is_another_run(study, trained, pictures, tmp_path):
    study().run(Variant(), 0)
    study().run(Variant(), 1)
    study().run(Variant(ratios=()), 0)
    study(steps=3).run(Variant(), 0)
    Study(Budget(input_size=32, steps=2), pictures[1], pictures[1], tmp_path / "runs").run(Variant(), 0)
    assert len(trained) == 5
    assert len(list((tmp_path / "runs").iterdir())) == 5


def test_a_seed_decides_the_result(study, tmp_path):
    one = study().run(Variant(), 3)
    for path in (tmp_path / "runs").iterdir():
        path.unlink()
    again = study().run(Variant(), 3)
    assert one.pop("seconds") >= 0 and again.pop("seconds") >= 0
    assert one == again


def test_a_run_tells_of_every_step_as_many_as_were_promised(study):
    for changes, steps in (({}, 2), ({"steps": None, "epochs": 3}, 3)):
        told = []
        study(**changes).run(Variant(), 0, lambda record, total, told=told: told.append((record["step"], total)))
        assert told == [(step, steps) for step in range(1, steps + 1)]
        assert study(**changes).steps(Variant()) == steps


def test_a_stop_keeps_what_was_finished_and_nothing_half_done(study, monkeypatch, tmp_path):
    study().run(Variant(), 0)

    def stop(record, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        study().run(Variant(), 1, stop)
    assert len(list((tmp_path / "runs").iterdir())) == 1
    assert study().kept(Variant(), 0) and study().kept(Variant(), 1) is None


@pytest.mark.parametrize("content", ["", "[]", '{"result": {}}', "\0"])
def test_a_damaged_file_is_refused_in_one_line(study, tmp_path, refused, content):
    study().run(Variant(), 0)
    (path,) = (tmp_path / "runs").iterdir()
    path.write_text(content)
    with refused(path, "delete it"):
        study().run(Variant(), 0)


def test_the_file_says_what_was_run(study, tmp_path):
    result = study().run(Variant(levels=(1, 1, 1, 1)), 0)
    (path,) = (tmp_path / "runs").iterdir()
    content = json.loads(path.read_text())
    assert content["result"] == result
    setup = content["setup"]
    assert (setup["levels"], setup["seed"], setup["steps"], setup["images"]) == ([1, 1, 1, 1], 0, 2, [4, 3])


def test_images_are_made_once_and_keep_their_boxes():
    dataset = ShapesDataset(2, size=40)
    kept = InMemory(dataset, "train", 64)
    assert len(kept) == 2 and kept.classes == dataset.classes and kept[0].image.shape == (64, 64, 3)
    assert kept[1] is kept[1]
    assert (kept.objects(1).corners == dataset.objects(1).corners).all()
