def sgd_step(p, v, g, lr, momentum, weight_decay):
    v = momentum * v + (g + weight_decay * p)
    return p - lr * v, v
