"""All layouts of published weights that are known, in the order in which they are looked for."""

from minissd.weights.mobilenet_layouts import MOBILENET_LAYOUTS
from minissd.weights.mobilenet_v3_layouts import MOBILENET_V3_LAYOUTS
from minissd.weights.vgg_layouts import VGG_LAYOUTS

LAYOUTS = VGG_LAYOUTS + MOBILENET_LAYOUTS + MOBILENET_V3_LAYOUTS
