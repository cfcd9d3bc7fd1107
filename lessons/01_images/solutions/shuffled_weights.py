def shuffled_weights(w, order):
    return w[order]
