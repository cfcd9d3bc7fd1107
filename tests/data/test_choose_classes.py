"""Which classes a list of names means."""

import pytest

from minissd.cli.options import parse_classes
from minissd.data.samples import choose_classes, is_no_class
from minissd.errors import MinissdError

KNOWN = ("bolt, hex", "nut", " pin ", "a,b , c", "cat", "dog", "cat,dog")


@pytest.mark.parametrize(
    "text, names",
    [
        ("nut", ["nut"]),
        ("bolt, hex", ["bolt, hex"]),
        ("bolt,hex", ["bolt, hex"]),
        ('"bolt, hex",nut', ["bolt, hex", "nut"]),
        ("nut , bolt, hex", ["nut", "bolt, hex"]),
        ("a,b,c,pin", ["a,b , c", " pin "]),
        ("cat,dog", ["cat", "dog"]),  # both are classes, so two are meant
        ('"cat,dog"', ["cat,dog"]),
        ("nut,nut,", ["nut"]),
    ],
)
def test_names_as_they_are_typed(text, names):
    assert choose_classes(parse_classes(text), KNOWN, "here") == tuple(names)


def test_a_network_means_its_own_classes(refused):
    with refused("'bolt'"):
        choose_classes(("bolt", "hex"), KNOWN, "here")
    with pytest.raises(MinissdError, match="'pin'"):
        choose_classes(("pin",), KNOWN, "here")


def test_what_is_not_known(refused):
    with refused("'hex' is not known", "bolt, hex"):
        choose_classes(parse_classes("hex,nut"), KNOWN, "here")


def test_which_names_are_no_classes():
    nothing = ("background", "_background_", "__background__", " Background ", "__ignore__", "__IGNORE__")
    assert all(map(is_no_class, nothing))
    assert not any(map(is_no_class, ("_ignore_", "ignore", "_dog", "background car", "ignored", "")))
