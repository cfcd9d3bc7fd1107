def thread_shares(length, count):
    edges = [length * i // count for i in range(count + 1)]
    return [slice(start, stop) for start, stop in zip(edges[:-1], edges[1:]) if stop > start]
