"""What a network sees: which pixels its answers rest on, what its filters and features stand for.

Everything here looks at a trained model through its own forward and backward passes (taps.py).
"""

from minissd.explain.cells import Grid, grid_of, spread_over_image
from minissd.explain.clustering import clusters, flattened, purity
from minissd.explain.filters import Ascent, exciting_images
from minissd.explain.latent import moved, nearest, neighbour_accuracy, representations
from minissd.explain.pointing import box_mask, ink_mask, pointing_game
from minissd.explain.projections import feature_colours, principal_components
from minissd.explain.saliency_maps import Saliency, saliency
from minissd.explain.taps import black_image, channels_of, find_layer, look, map_of, tapped

__all__ = [
    "Ascent",
    "Grid",
    "Saliency",
    "black_image",
    "box_mask",
    "channels_of",
    "clusters",
    "exciting_images",
    "feature_colours",
    "find_layer",
    "flattened",
    "grid_of",
    "ink_mask",
    "look",
    "map_of",
    "moved",
    "nearest",
    "neighbour_accuracy",
    "pointing_game",
    "principal_components",
    "purity",
    "representations",
    "saliency",
    "spread_over_image",
    "tapped",
]
