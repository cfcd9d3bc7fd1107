"""Pieces that fit the cache."""


def row_blocks(rows, row_bytes, cache_bytes):
    """Cut `rows` rows of `row_bytes` bytes each into blocks that fit into `cache_bytes`.

    Returns a list of slices, in order: as few as possible, each of at most floor(cache_bytes / row_bytes) rows, but
    never of fewer than one, for a row cannot be cut.  The last block takes what is left.  No rows, no blocks.
    """
    raise NotImplementedError("step through the rows")
