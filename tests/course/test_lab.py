"""The lab is proven: the sound detector passes every claim, each bug breaks one, and its vital signs show it."""

import itertools

import numpy as np
import pytest

from minissd.course import Verdict, judge_file, vitals
from minissd.course.lab import EXAMPLES, find_trap, judge_detector, read_traps, unsound_parts, write_planted
from minissd.course.reading import load
from minissd.course.shelf import find_shelf
from minissd.course.vitals import SIGNS, examine, samples
from minissd.properties import falsify
from minissd.properties.detector import CLAIMS

TRAPS = read_traps(find_shelf())
each_trap = pytest.mark.parametrize("trap", TRAPS, ids=[trap.mutant.name for trap in TRAPS])
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # some bugs divide by 0: that is their symptom


@pytest.fixture(scope="module")
def sound():
    return load(TRAPS[0].sound, TRAPS[0].sound, "sound")


@pytest.fixture(scope="module")
def training(sound):
    return samples(sound, "train", 20)


def measured(detector, training):
    with np.errstate(all="ignore"):
        return {name: _sign(measure, detector, training) for name, measure in SIGNS.items()}


def _sign(measure, detector, training):
    try:
        return measure(detector, training)
    except (ArithmeticError, ValueError, IndexError) as error:
        return type(error).__name__


@pytest.fixture(scope="module")
def healthy(sound, training):
    return measured(sound, training)


def test_there_is_a_bug_for_every_trap():
    assert len(TRAPS) >= 13


def test_the_sound_detector_passes():
    assert judge_detector(TRAPS[0].sound, TRAPS[0]).passed


@each_trap
def test_the_bug_breaks_a_claim_and_shows_in_a_vital_sign(trap, healthy, training):
    detector = load(trap.start_text, trap.start_text, "sick")
    named = [name for name in CLAIMS if f"`{name}`" in trap.hints[-1]]
    if named:
        assert any(falsify(CLAIMS[name], getattr(detector, name), examples=EXAMPLES) for name in named)
    else:  # the one function that no claim is about shows in what calls it
        assert "`halved`" in trap.hints[-1], "the last hint names the function"
        assert unsound_parts(trap.start_text, trap, "sick")
    assert not any(f"`{name}`" in trap.hints[0] for name in CLAIMS), "the first hint does not"
    sick = measured(detector, training)
    assert [name for name in SIGNS if sick[name] != healthy[name]]


def test_two_files_with_bugs_differ_in_many_places():
    for one, other in itertools.combinations([trap.start_text.splitlines() for trap in TRAPS], 2):
        assert sum(a != b for a, b in zip(one, other)) >= 6


@pytest.mark.parametrize("choice", [0, 1, -1])
def test_however_it_is_spelled_the_detector_is_sound(choice):
    text = TRAPS[0].sound
    for spelled in TRAPS[0].spellings:
        now = next(one for one in spelled if one in text)
        text = text.replace(now, spelled[min(choice, len(spelled) - 1)])
    assert judge_detector(text, TRAPS[0]).passed


def test_a_handout_has_the_files_with_bugs_and_not_the_sound_one(tmp_path):
    write_planted(TRAPS[0].folder, tmp_path / "lab")
    again = read_traps(tmp_path)
    assert [(trap.start_text, trap.hints, trap.symptom) for trap in again] == [
        (trap.start_text, trap.hints, trap.symptom) for trap in TRAPS
    ]
    assert TRAPS[0].sound not in {path.read_text() for path in (tmp_path / "lab").iterdir()}
    assert judge_detector(TRAPS[0].sound, again[0]).passed


def test_a_file_with_the_bug_and_one_without_a_change():
    trap = TRAPS[0]
    assert judge_detector(trap.start_text, trap).status == "empty"
    still = judge_detector(trap.start_text + "# looked at\n", trap)
    assert still == Verdict("wrong", reason="the bug is still there")


def test_damage_elsewhere_is_named():
    trap = TRAPS[0]
    also = trap.start_text.replace("if overlap <= threshold]", "if overlap < 0]")
    verdict = judge_detector(also, trap)
    assert verdict.reason.startswith("nms was sound before")
    assert "no function nms" in judge_detector(trap.sound.replace("def nms", "def mns"), trap).reason


def test_in_a_process_of_its_own(tmp_path):
    path = tmp_path / "detector_02.py"
    path.write_text(TRAPS[1].sound)
    assert judge_file(path, TRAPS[1]).passed


@pytest.mark.parametrize("word", ["2", "02", "lab/02", "somewhere/detector_02.py"])
def test_a_bug_by_any_name(word):
    assert find_trap(TRAPS, word).number == 2


@pytest.mark.parametrize("word", ["0", "99", "x", "detector.py"])
def test_no_such_bug(word, refused):
    with refused("there is no bug", "1 to"):
        find_trap(TRAPS, word)


def test_the_examination_prints_and_draws(sound, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(vitals, "IMAGES", 20)
    monkeypatch.setattr(vitals, "TEST_IMAGES", 6)
    examine(sound, steps=2)
    out = capsys.readouterr().out
    assert "before training" in out and "after training" in out
    assert (tmp_path / "detector.png").exists()


def test_its_gradients_are_right(sound):
    """The one part that no claim is about: the backward pass of the whole detector."""
    rng = np.random.default_rng(0)
    model = sound.Detector(rng)
    for name in model.params:
        model.params[name] = model.params[name].astype(np.float64)
    for name, layer in model.layers.items():
        layer.params = {key: model.params[f"{name}.{key}"] for key in layer.params}
    images = rng.integers(0, 256, (1, sound.SIZE, sound.SIZE, 3)).astype(np.float64)

    def forward():
        offsets, logits, maps, caches = model.forward(images)
        return offsets.sum() + (logits**2).sum(), (offsets, logits, maps, caches)

    _, (offsets, logits, maps, caches) = forward()
    grads = model.backward(np.ones_like(offsets), 2 * logits, maps, caches)
    for name in ("1.w", "3.b", "head3.w", "5.w"):
        parameter, at = model.params[name], np.unravel_index(grads[name].argmax(), grads[name].shape)
        parameter[at] += 1e-6
        high, _ = forward()
        parameter[at] -= 2e-6
        low, _ = forward()
        parameter[at] += 1e-6
        assert grads[name][at] == pytest.approx((high - low) / 2e-6, rel=1e-4)
