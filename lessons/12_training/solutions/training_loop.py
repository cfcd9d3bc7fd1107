import math

import numpy as np


def training_loop(params, images, targets, add_gradients, update, rate, epochs, batch_size, rng):
    params = {name: p.copy() for name, p in params.items()}
    velocities = {name: np.zeros(p.shape) for name, p in params.items()}
    total = epochs * math.ceil(len(images) / batch_size)
    losses = []
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(images), batch_size):
            batch = order[start : start + batch_size]
            some, wanted = np.array([images[i] for i in batch]), np.array([targets[i] for i in batch])
            gradients = {name: np.zeros(p.shape) for name, p in params.items()}
            loss = add_gradients(params, some, wanted, gradients)
            lr = rate(len(losses), total)
            for name, g in gradients.items():
                params[name], velocities[name] = update(params[name], velocities[name], g, lr)
            losses.append(loss)
    return params, losses
