import math


def one_cycle(step, total, peak, warmup):
    if step < warmup:
        a, b, f = peak / 25, peak, step / warmup
    else:
        a, b, f = peak, peak / 10000, (step - warmup) / (total - 1 - warmup)
    return b + (a - b) * (1 + math.cos(math.pi * f)) / 2
