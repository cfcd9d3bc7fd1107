"""Sums over the rows of a matrix with few columns, as a channel's over all places of a batch of maps.

CuPy's own reduction gives each column to one block of threads, which reads a number here and one far behind: most of
the GPU stands idle, and most of what memory delivers is thrown away.  Here neighbouring threads add up neighbouring
columns of a stretch of rows; the sums of the stretches, a small matrix, are left to CuPy.  No atomics: the same input
gives the same bits.  Twins: `engine/sums.py`, `engine/normalisation.py`.

M rows, C columns, parts: how many stretches.
"""

from minissd.engine.cuda.kernel import Kernel

THREADS = 1 << 18  # that a kernel is to have: about as many as an H100 holds at a time


def _sums(name, inputs, outputs, per_row):
    """Kernel that adds up what `per_row` says of row r, where `at` is its place of this column."""
    sums = [output.split()[1] for output in outputs.split(", ")]
    return Kernel(
        name,
        f"{inputs}, int64 rows, int32 columns, int32 rows_of_part",
        outputs,  # (parts, C) each
        f"""
        const int column = i % columns;
        const long long first = i / columns * (long long)rows_of_part;
        const long long last = first + rows_of_part < rows ? first + rows_of_part : rows;
        {" ".join(f"T total_{name} = T(0);" for name in sums)}
        for (long long r = first; r < last; ++r) {{
            const long long at = r * columns + column;
            {per_row}
        }}
        {" ".join(f"{name} = total_{name};" for name in sums)}
        """,
    )


COLUMN_SUMS = _sums("column_sums", "raw T x", "T sum", "total_sum += x[at];")

SQUARED_DISTANCES = _sums(
    "squared_distances",
    "raw T x, raw T mean",
    "T sum",
    "const T centred = x[at] - mean[column]; total_sum += centred * centred;",
)

BATCH_NORM_SUMS = _sums(
    "batch_norm_sums",
    "raw T x, raw T dy, raw T mean, raw T inverse_std",
    "T dgamma, T dbeta",
    "total_dbeta += dy[at]; total_dgamma += (x[at] - mean[column]) * inverse_std[column] * dy[at];",
)
