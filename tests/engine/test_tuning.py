"""The tuning that is in force, and user's files that are not."""

import json
from dataclasses import replace

import pytest

from minissd.engine import ALGORITHMS, tuning
from minissd.engine.cpu.processor import this_machine
from minissd.engine.tuning import as_json, shipped, tuned, tuning_in_force
from minissd.errors import MinissdWarning


@pytest.fixture
def users(tmp_path, monkeypatch):
    """The user's file, which is not there yet; the tuning is looked for anew."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(tuning, "_in_force", None)
    (tmp_path / "minissd").mkdir()
    return tmp_path / "minissd" / "tuning.json"


def measured_here(**costs):
    """The content of a file for this machine."""
    return as_json(replace(shipped(), machine=this_machine(), costs=shipped().costs | costs))


def test_the_one_that_comes_with_minissd_knows_every_algorithm(users):
    assert shipped().costs.keys() == ALGORITHMS.keys()
    assert tuning_in_force().digest == shipped().digest and tuning_in_force().origin == tuning.SHIPPED


def test_a_users_file_is_in_force_and_has_another_digest(users):
    cheap = shipped().costs["taps"]._replace(product=0.0)
    users.write_text(json.dumps(measured_here(taps=cheap)))
    assert tuning_in_force().costs["taps"] == cheap
    assert tuning_in_force().origin == users and tuning_in_force().digest != shipped().digest
    assert tuning_in_force().digest == tuning.read(users).digest


def changed(*path, to):
    def change(content):
        part = content
        for name in path[:-1]:
            part = part[name]
        part[path[-1]] = to
        return content

    return change


BROKEN = {
    "not JSON": (lambda content: "{", "is not JSON"),
    "a list": (lambda content: [], "it holds no names"),
    "an unknown name": (changed("sizes", "speed", to=1), "sizes.speed is not known"),
    "an algorithm too few": (changed("costs", to={}), "is missing"),
    "a text": (changed("costs", "taps", "call", to="fast"), "costs.taps.call is 'fast'"),
    "a truth": (changed("sizes", "winograd_tiles", to=True), "sizes.winograd_tiles is True"),
    "half a tile": (changed("sizes", "winograd_tiles", to=1.5), "sizes.winograd_tiles is 1.5, not a whole number"),
    "none": (changed("sizes", "strided_block", to=0), "sizes.strided_block is 0, not a whole number of at least 1"),
    "negative": (changed("costs", "taps", "call", to=-1.0), "costs.taps.call is -1.0, not a number of at least 0"),
    "no number": (changed("costs", "taps", "call", to=float("nan")), "costs.taps.call is nan"),
    "other version": (changed("version", to=99), "another version"),
    "other machine": (changed("machine", "processor", to="Z80"), "another machine (Z80"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_or_foreign_file_is_named_in_one_line_and_not_used(users, case):
    change, message = BROKEN[case]
    content = change(measured_here())
    users.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.warns(MinissdWarning) as told:
        assert tuning_in_force().digest == shipped().digest
    (line,) = (str(one.message) for one in told)
    assert str(users) in line and message in line and "minissd bench --tune" in line and "\n" not in line


def test_a_user_without_a_home_has_no_file(monkeypatch, users):
    monkeypatch.setattr("pooch.os_cache", lambda name: {}["HOME"])
    assert tuning_in_force().digest == shipped().digest


def test_other_sizes_hold_for_a_block():
    before = tuning_in_force()
    with pytest.raises(KeyError), tuned(winograd_tiles=7):
        assert tuning_in_force().sizes.winograd_tiles == 7 and tuning_in_force().costs == before.costs
        raise KeyError
    assert tuning_in_force() is before
