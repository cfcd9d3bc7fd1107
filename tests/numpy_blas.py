"""How many threads NumPy's BLAS uses."""

from threadpoolctl import threadpool_info


def blas_threads():
    """Of NumPy's BLAS: other packages bring one of their own, which has no part in this."""
    own = [one for one in threadpool_info() if one["user_api"] == "blas" and "numpy" in one["filepath"]]
    return max((one["num_threads"] for one in own), default=1)
