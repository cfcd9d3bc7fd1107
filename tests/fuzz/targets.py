"""The table of everything that reads what others wrote; each row of it is tried by test_fuzz.py."""

from fuzz.data_targets import DATA
from fuzz.network_targets import NETWORKS
from fuzz.outside_targets import OUTSIDE

TARGETS = (*DATA, *NETWORKS, *OUTSIDE)
