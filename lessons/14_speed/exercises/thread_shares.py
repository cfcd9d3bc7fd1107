"""Equal shares for threads."""

from itertools import pairwise


def thread_shares(length, count):
    """Cut range(length) into `count` consecutive slices whose sizes differ by one at most.

    With fewer rows than threads there is one slice for each row.  Returns a list of slices with start and stop, in
    order.  Shares that are fixed beforehand, and not taken from a common heap, make sums come out the same each time.
    """
    raise NotImplementedError("place the edges between the shares")
