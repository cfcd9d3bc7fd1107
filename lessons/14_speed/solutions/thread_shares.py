from itertools import pairwise


def thread_shares(length, count):
    edges = [length * i // count for i in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(edges) if stop > start]
