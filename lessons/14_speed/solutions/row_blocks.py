def row_blocks(rows, row_bytes, cache_bytes):
    step = max(1, cache_bytes // row_bytes)
    starts = range(0, rows, step)
    return [slice(start, min(start + step, rows)) for start in starts]
