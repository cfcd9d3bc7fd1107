"""One operation on several cores.

BLAS threads speed up a matrix product and nothing else: while patches are gathered or batch norm walks its maps, all
cores but one stand idle, and where another program takes a core, the BLAS threads wait for each other.  So the work is
shared out one level higher: each thread of the pool takes a run of blocks and does all there is to do with each, its
products on one core.  NumPy releases the interpreter lock while it copies, adds and multiplies.

There are as many threads as the runtime in use says.  Unless it was given a number, that is as many as NumPy's BLAS
would use; OPENBLAS_NUM_THREADS=1 or `threadpoolctl.threadpool_limits` lower that as usual.  A BLAS that does not tell
(Apple's Accelerate) keeps its own threads, and all is one share.  The shares are fixed and their results combined in
order: a result depends on how many threads there are, but not on timing.
"""

import sys
from contextlib import nullcontext
from contextvars import ContextVar, copy_context
from functools import partial
from itertools import pairwise

from minissd.device import array_module
from minissd.engine.runtime import current, empty
from minissd.engine.tuning import tuning_in_force

# whether this thread works on a share: it has one core, whatever it calls
_sharing: ContextVar[bool] = ContextVar("minissd.engine.sharing", default=False)


def threads_for(multiplications, xp):
    """How many threads to share that many multiply-adds among: 1 on a GPU, and where there is little to do."""
    most = multiplications // tuning_in_force().sizes.thread_products
    if xp.__name__ != "numpy" or most < 2 or _sharing.get():
        return 1
    return min(current().thread_count(), most)


def runs(length, count):
    """range(length) cut into `count` slices, equal but for one."""
    edges = [length * i // count for i in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(edges) if stop > start]


def in_shares(work, blocks, xp, *, products=True):
    """[work(share), ...]: `blocks` cut into consecutive shares, one for each thread; on a GPU all is one share.

    work: takes a list of blocks; shares run at the same time, so they must not write to the same place.
    products: whether it leaves matrix products to BLAS, which must then keep to one core.
    """
    blocks = list(blocks)
    threads = threads_for(sys.maxsize, xp)
    count = min(threads, len(blocks))
    if threads == 1 or not blocks:
        return [work(blocks)] if blocks else []
    shares = [blocks[run] for run in runs(len(blocks), count)]
    runtime, sharing = current(), _sharing.set(True)
    try:
        with runtime.blas.at_most(1) if products else nullcontext():
            if count == 1:
                return [work(blocks)]
            # each in a copy of this thread's context: in the same runtime, with the same choices
            others = [partial(copy_context().run, work, share) for share in shares[1:]]
            return runtime.pool(threads - 1).beside(partial(work, shares[0]), others)
    finally:
        _sharing.reset(sharing)


def in_turns(work, pieces, xp, *, products=True):
    """[work(piece), ...] in the order of the pieces: each thread takes the next one when it is free.

    None waits long for another that way, and the results do not depend on how many threads there are.  `in_shares` is
    for sums so large that there can only be one for each thread, and says what `products` is.
    """
    pieces = list(pieces)
    results, numbered = [None] * len(pieces), enumerate(pieces)

    def take_turns(_):
        for place, piece in numbered:
            results[place] = work(piece)

    in_shares(take_turns, range(min(len(pieces), threads_for(sys.maxsize, xp))), xp, products=products)
    return results


def elementwise(operation, *arrays, in_place=False, tell_part=False):
    """An array like the first, which operation(*parts, out=part) fills part after part, on all cores.

    in_place: fill the first itself, where it is contiguous.  tell_part: give the operation `part` as well, the slice of
    the numbers in a row; on a CPU it begins at a multiple of 8, where a byte of bits does.
    """
    xp, first = array_module(*arrays), arrays[0]
    out = first if in_place and first.flags.c_contiguous else empty(first.shape, first)
    flat, flat_out = [xp.ascontiguousarray(array).reshape(-1) for array in arrays], out.reshape(-1)

    def work(octets):
        part = slice(8 * octets.start, min(8 * octets.stop, out.size))
        operation(*(array[part] for array in flat), out=flat_out[part], **({"part": part} if tell_part else {}))

    parts = max(1, out.size // tuning_in_force().sizes.elementwise_part) if xp.__name__ == "numpy" else 1
    in_turns(work, runs(-(-out.size // 8), parts), xp, products=False)
    return out
