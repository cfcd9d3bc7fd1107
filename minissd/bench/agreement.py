"""A time counts only for the right result: compare what both sides computed before any is taken."""

import numpy as np

from minissd.errors import MinissdError

TOLERANCE = 1e-3  # float32 sums in another order differ by about 1e-6; a wrong formula by far more


def largest(array):
    """The largest absolute value: the norm in which no single wrong number can hide."""
    return np.abs(array).max()


def require_agreement(what, ours, theirs, tolerance=TOLERANCE, norm=largest):
    """MinissdError unless two arrays (or numbers) agree: norm(ours - theirs) <= tolerance * norm(theirs)."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    if ours.shape != theirs.shape:
        raise MinissdError(f"{what}: minissd gives shape {ours.shape}, the other side {theirs.shape}: run the tests")
    error = norm(ours - theirs) / norm(theirs)
    if not error <= tolerance:  # NaN does not agree either
        raise MinissdError(
            f"{what}: minissd and the other side differ by {error:.1e} of the result, more than {tolerance:g}: "
            "not timed, for the time of a wrong result says nothing; run the tests and minissd gradcheck"
        )


def require_all_agree(what, ours, theirs, **criterion):
    """`require_agreement` of dicts name -> array: both have the same names, and every array agrees."""
    if ours.keys() != theirs.keys():
        odd = ", ".join(sorted(ours.keys() ^ theirs.keys()))
        raise MinissdError(f"{what}: only one of both sides gives {odd}: run the tests")
    for name, array in ours.items():
        require_agreement(f"{what}, {name}", array, theirs[name], **criterion)
