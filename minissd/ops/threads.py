"""One operation on several cores.

BLAS threads speed up a matrix product and nothing else: while patches are gathered or batch norm walks its maps, all
cores but one stand idle, and where another program takes a core, the BLAS threads wait for each other.  So the work is
shared out one level higher: every thread of ours takes a run of blocks and does all there is to do with each, its
products on one core.  NumPy releases the interpreter lock while it copies, adds and multiplies.

There are as many threads as NumPy's BLAS would use; OPENBLAS_NUM_THREADS=1 or `threadpoolctl.threadpool_limits` lower
that as usual.  The shares are fixed and their results are combined in order, so a result does not depend on timing.
"""

from concurrent.futures import ThreadPoolExecutor
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
        first = work(shares[0])
        return [first, *(other.result() for other in others)]


@cache
def _blas():
    return ThreadpoolController().select(user_api="blas")


@cache
def _pool(workers):
    return ThreadPoolExecutor(workers, thread_name_prefix="minissd-ops")
