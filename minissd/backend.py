"""The names of `minissd.device` that are asked for most, under a second name."""

from minissd.device import array_module, gpu_available, to_device, to_numpy

__all__ = ["array_module", "gpu_available", "to_device", "to_numpy"]
