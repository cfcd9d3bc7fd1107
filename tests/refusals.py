"""Data that is refused when it is opened."""

import pytest

from minissd.data.catalogue import open_dataset
from minissd.errors import MinissdError


def refused(one_line, place, *parts, split="train"):
    """Asserts that opening `place` is a MinissdError of one line (the fixture) with all the parts in it."""
    with pytest.raises(MinissdError) as caught:
        open_dataset(place, split)
    one_line(caught, *parts)
