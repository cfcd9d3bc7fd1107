"""Winograd's transforms on the GPU: from the map straight to transformed tiles, and back.

A thread takes one tile of one channel through both axes in its registers, where the twin in array functions
(`engine/algorithms/winograd_transforms.py`) carries it through memory twice.

H W map, C channels, T tiles of a block, TH TW tiles in its height and width.
"""

from minissd.engine.cuda.kernel import Kernel

PLACES = (
    "int32 height, int32 width, int32 channels, "  # of the map
    "int32 tiles_of_block, int32 tiles_down, int32 tiles_across, "  # T, TH, TW
    "int32 first_image, int32 first_row, int32 first_column"  # of the block's first cell
)
TILE = """
    const int c = i % channels, tile = i / channels;
    const int tx = tile % tiles_across, ty = tile / tiles_across % tiles_down;
    const long long image = first_image + tile / (tiles_across * tiles_down);
"""
CELL = """
            const int row = first_row + STEP * ty + a, column = first_column + STEP * tx + b;
            const bool inside = row >= 0 && row < height && column >= 0 && column < width;
            const long long cell = ((image * height + row) * width + column) * channels + c;
"""
# the place (p, q) of a transformed tile
PLACE = "tiles[((p * SIDE + q) * (long long)tiles_of_block + tile) * channels + c]"


def into_tiles(name, matrix, step):
    """Kernel: x (N, H, W, C) -> tiles (m*m, T, C): M d M^T of each d of k x k cells, `step` apart; matrix: M (m, k)."""
    m, k = matrix.shape
    body = f"""{TILE}
    T d[{k}][{k}], half[{m}][{k}];
    for (int a = 0; a < {k}; ++a)
        for (int b = 0; b < {k}; ++b) {{{CELL}
            d[a][b] = inside ? x[cell] : T(0);
        }}
    {_multiply("half[p][b]", m, k, "M[p][a] * d[a][b]")}
    {_multiply(PLACE, m, k, "half[p][a] * M[q][a]", outer="q")}
    """
    return Kernel(name, f"raw T x, {PLACES}", "raw T tiles", _with_matrix(matrix, body, STEP=step, SIDE=m))


def out_of_tiles(name, matrix, step):
    """Kernel: tiles (k*k, T, D) -> y (N, OH, OW, D): M t M^T of each tile t, written to its m x m cells."""
    m, k = matrix.shape
    body = f"""{TILE}
    T t[{k}][{k}], half[{m}][{k}], y_tile[{m}][{m}];
    for (int p = 0; p < {k}; ++p)
        for (int q = 0; q < {k}; ++q) t[p][q] = {PLACE};
    {_multiply("half[p][b]", m, k, "M[p][a] * t[a][b]")}
    {_multiply("y_tile[p][q]", m, k, "half[p][a] * M[q][a]", outer="q")}
    for (int a = 0; a < {m}; ++a)
        for (int b = 0; b < {m}; ++b) {{{CELL}
            if (inside) y[cell] = y_tile[a][b];
        }}
    """
    return Kernel(name, f"raw T tiles, {PLACES}", "raw T y", _with_matrix(matrix, body, STEP=step, SIDE=k))


def _multiply(target, m, k, term, outer="b"):
    """Loops: target = the sum over a < k of term, for p < m and the outer index, q < m or b < k."""
    return f"""for (int p = 0; p < {m}; ++p)
        for (int {outer} = 0; {outer} < {m if outer == "q" else k}; ++{outer}) {{
            T sum = T(0);
            for (int a = 0; a < {k}; ++a) sum += {term};
            {target} = sum;
        }}"""


def _with_matrix(matrix, body, **numbers):
    """All loops have known bounds, so that the compiler unrolls them, drops the zeros and keeps tiles in registers."""
    for name, number in numbers.items():
        body = body.replace(name, str(number))
    rows = ", ".join("{" + ", ".join(f"T({value:g})" for value in row) + "}" for row in matrix)
    unrolled = body.replace("for (int", "#pragma unroll\n    for (int")
    return f"const T M[{len(matrix)}][{len(matrix[0])}] = {{{rows}}};\n{unrolled}"
