"""Properties of every correct implementation, stated once for the library's tests and for the exercises."""

from minissd.properties.core import Broken, Call, Property, equals, falsify, require_equal, sample_calls, show

__all__ = ["Broken", "Call", "Property", "equals", "falsify", "require_equal", "sample_calls", "show"]
