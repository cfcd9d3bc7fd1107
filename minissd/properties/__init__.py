"""Properties of every correct implementation, stated once for the library's tests and for the exercises."""

from minissd.properties.core import Property, equals, require_equal, show
from minissd.properties.trying import Broken, Call, falsify, pool, sample_calls

__all__ = ["Broken", "Call", "Property", "equals", "falsify", "pool", "require_equal", "sample_calls", "show"]
