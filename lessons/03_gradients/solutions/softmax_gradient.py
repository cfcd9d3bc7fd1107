def softmax_gradient(dp, p):
    mean = (dp * p).sum(axis=1, keepdims=True)  # (N, 1)
    return p * (dp - mean)
