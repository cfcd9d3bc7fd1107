def relu_gradient(dy, x):
    return dy * (x > 0)
