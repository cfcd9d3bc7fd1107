"""yolo-tiny: a YOLO that learns from scratch on a CPU: the fine stages of ssd-tiny, then one look at a single map.

    stage0, stage1   convolutions with batch norm that end with a cell for each 16 pixels
    top              two more, which see further
    cells            a 1x1 convolution, linear: fully convolutional, where yolo-v1 has two dense layers

With the 240 pixels it reads by default S = 15, where yolo-v1 has 7: small objects that lie close together need cells
of their own.
"""

from collections.abc import Sequence
from itertools import pairwise

from minissd.layers import Conv2d, Initializer, Layer, Sequential
from minissd.models.blocks import conv_relu
from minissd.models.ssd_tiny import TINY_PIXELS, check_input_size, map_sizes, tiny_stages
from minissd.models.yolo import YOLO

TRUNK_STAGES = 2  # of ssd-tiny
WIDTHS = (128, 192, 192)  # channels: of the trunk's last map, and of the layers behind it
# The squared errors of all predictors, 450 without anchors, add up in one small layer.  A quiet map before it keeps its
# steps small at a learning rate that is high enough for the trunk.
FIRST_GAMMA = 0.2
PREDICTORS = 2
# (w, h) relative to the image: small, medium and large, and of the medium size a tall and a wide one
ANCHORS = ((0.07, 0.07), (0.15, 0.3), (0.2, 0.2), (0.3, 0.15), (0.5, 0.5))


def yolo_tiny(
    classes: Sequence[str],
    *,
    init: Initializer,
    input_size: int = 240,
    anchors: bool = False,
    sampling: str = "pooling",
) -> YOLO:
    """anchors: predict sizes relative to five anchor boxes, with classes for each, as later versions of YOLO do.

    sampling: as for ssd-tiny.
    """
    check_input_size("yolo-tiny", input_size)
    predictors = len(ANCHORS) if anchors else PREDICTORS
    outputs = predictors * (5 + len(classes)) if anchors else predictors * 5 + len(classes)
    top: dict[str, Layer] = {}
    for i, (c_in, c_out) in enumerate(pairwise(WIDTHS)):
        top |= conv_relu(str(i), c_in, c_out, init=init, batch_norm=True)
    top[f"bn{len(WIDTHS) - 2}"].params["gamma"][...] = FIRST_GAMMA
    layers = tiny_stages(TRUNK_STAGES, init=init, sampling=sampling) | {
        "top": Sequential(**top),
        "cells": Conv2d(WIDTHS[-1], outputs, 1, init=init, filler="xavier"),
    }
    return YOLO(
        "yolo-tiny",
        classes,
        layers=layers,
        side=map_sizes(input_size)[TRUNK_STAGES - 1],
        predictors=predictors,
        anchors=ANCHORS if anchors else None,
        input_size=input_size,
        init=init,
        **TINY_PIXELS,
    )
