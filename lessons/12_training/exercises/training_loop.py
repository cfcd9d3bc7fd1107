"""The loop that trains a network, epoch by epoch, batch by batch."""

import numpy as np


def training_loop(params, images, targets, add_gradients, update, rate, epochs, batch_size, rng):
    """Stochastic gradient descent on any network -> (params, losses).

    params: {name: array}.  images, targets: arrays (N, ...), or lists, of which entry i belongs to image i.
    add_gradients(params, images, targets, gradients): the loss of a batch; it ADDS its gradients to the arrays in
    gradients, {name: array} like params, which therefore have to be zero before each batch.
    update(p, v, g, lr) returns new (p, v), for one parameter, its velocity and its gradient, as `sgd_step` does.
    rate(step, total) is the learning rate of a step, from 0; total is the number of steps of the whole run.

    Each epoch shuffles with rng.permutation(N) once and takes the batches in this order, `batch_size` images each; the
    last one of an epoch may be smaller.  Velocities are zero at the beginning, and stay with their parameters.

    Returns new params, and losses, a list with the loss of each step, as add_gradients gave it.  params, images and
    targets stay as they are.
    """
    raise NotImplementedError("for each epoch an order, for each batch gradients, for each parameter an update")
