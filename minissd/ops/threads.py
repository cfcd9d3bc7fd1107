"""One operation on several cores.

BLAS threads speed up a matrix product and nothing else: while patches are gathered or batch norm walks its maps, all
cores but one stand idle, and where another program takes a core, the BLAS threads wait for each other.  So the work is
shared out one level higher: every thread of ours takes a run of blocks and does all there is to do with each, its
products on one core.  NumPy releases the interpreter lock while it copies, adds and multiplies.

There are as many threads as NumPy's BLAS would use; OPENBLAS_NUM_THREADS=1 or `threadpoolctl.threadpool_limits` lower
that as usual.  A BLAS that does not tell (Apple's Accelerate) keeps its own threads, and all is one share.  The shares
are fixed and their results combined in order: a result depends on how many threads there are, but not on timing.
"""

import os
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from itertools import pairwise

from threadpoolctl import ThreadpoolController


def in_shares(work, blocks, xp):
    """[work(share), ...]: `blocks` cut into consecutive shares, one for each thread; on a card all is one share.

    work: takes a list of blocks; shares run at the same time, so they must not write to the same place.
    """
    blocks = list(blocks)
    blas = _blas()
    threads = max((library.num_threads for library in blas.lib_controllers), default=1) if xp.__name__ == "numpy" else 1
    count = min(threads, len(blocks))
    if count <= 1:
        return [work(blocks)] if blocks else []
    edges = [len(blocks) * i // count for i in range(count + 1)]
    shares = [blocks[start:stop] for start, stop in pairwise(edges)]
    with blas.limit(limits=1):
        others = [_pool(count - 1).submit(work, share) for share in shares[1:]]
        try:
            first = work(shares[0])
        finally:
            wait(others)
    return [first, *(other.result() for other in others)]


@cache
def _blas():
    return ThreadpoolController().select(user_api="blas")


@cache
def _pool(workers):
    return ThreadPoolExecutor(workers, thread_name_prefix="minissd-ops")


if hasattr(os, "register_at_fork"):  # a forked process inherits the pool, but not its threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
