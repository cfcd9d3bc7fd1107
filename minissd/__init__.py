"""minissd: the SSD object detector written by hand in NumPy and CuPy."""

__version__ = "0.1.0"
