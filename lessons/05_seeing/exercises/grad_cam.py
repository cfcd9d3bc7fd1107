"""What an answer rests on."""

import numpy as np


def grad_cam(maps, gradients, relu):
    """The saliency map of one image: its feature maps, each weighted by its mean gradient, added up.

        alpha_k = mean over all places of  d(score)/d(A_ijk)          one weight for each map
        L_ij    = sum over k of  alpha_k A_ijk                        with relu: max(L_ij, 0)

    maps A: (H, W, D); gradients d(score)/dA: (H, W, D); relu: bool (False is the lecture, True Grad-CAM) -> (H, W).
    """
    raise NotImplementedError("weigh the maps and add them up")
