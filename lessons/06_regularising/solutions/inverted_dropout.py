def inverted_dropout(x, rate, uniform):
    kept = uniform >= rate
    return x * kept / (1 - rate)
