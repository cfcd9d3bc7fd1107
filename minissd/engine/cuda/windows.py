"""Sliding windows on the GPU: patches gathered, put back, pooled, weighted, without a padded copy of the map.

Each thread writes one number and reads what belongs to it, so nothing is added up by several at once (no atomics), and
the same input gives the same bits.  Twins: `engine/cpu/gathering.py`, `ops/pooling.py`, `engine/depthwise.py`.

N batch, H W map, C channels, KH KW kernel, OH OW outputs; sy sx strides, ry rx dilations, top left pads.
"""

from minissd.engine.cuda.kernel import Kernel

GEOMETRY = (
    "int32 height, int32 width, int32 channels, int32 kh, int32 kw, int32 oh, int32 ow, "
    "int32 sy, int32 sx, int32 ry, int32 rx, int32 top, int32 left"
)
MOST = 1 << 32  # numbers that a kernel here can count: its divisions are of 32 bits, which are several times as fast


def geometry(windows, channels=None):
    """The numbers of GEOMETRY for `ops.windows.Windows`; channels: where they are counted otherwise."""
    _, height, width, c = windows.x_shape
    (top, _), (left, _) = windows.pads
    sizes = height, width, channels or c, *windows.kernel, *windows.out
    return *sizes, *windows.stride, *windows.dilation, top, left


IM2COL = Kernel(
    "im2col",
    f"raw T x, {GEOMETRY}, int32 first_row, int32 rows",  # x (N, H, W, C)
    "T cols",  # (N * rows * OW, KH * KW * C)
    """
    unsigned int rest = i;
    const int c = rest % channels;    rest /= channels;
    const int kx = rest % kw;         rest /= kw;
    const int ky = rest % kh;         rest /= kh;
    const int ox = rest % ow;         rest /= ow;
    const int oy = first_row + rest % rows;
    const int image = rest / rows;
    const int row = oy * sy + ky * ry - top, column = ox * sx + kx * rx - left;
    const bool inside = row >= 0 && row < height && column >= 0 && column < width;
    cols = inside ? x[(((long long)image * height + row) * width + column) * channels + c] : T(0);
    """,
)

# A cell's coordinates; then, for a tap, the output whose window sees the cell through it, if there is one.
CELL = """
    unsigned int rest = i;
    const int c = rest % channels;    rest /= channels;
    const int column = rest % width;  rest /= width;
    const int row = rest % height;
    const int image = rest / height;
"""
ROW_OF_TAP = """
        const int down = row + top - ky * ry;
        const int oy = down / sy;
        if (down < 0 || down % sy != 0 || oy >= oh) continue;
"""
COLUMN_OF_TAP = """
            const int right = column + left - kx * rx;
            const int ox = right / sx;
            if (right < 0 || right % sx != 0 || ox >= ow) continue;
"""

COL2IM = Kernel(
    "col2im",
    f"raw T cols, {GEOMETRY}, int32 first_row, int32 rows",  # cols (N * rows * OW, KH * KW * C)
    "T x",  # (N, H, W, C), to which the sums are added
    f"""{CELL}
    T sum = x;
    for (int ky = 0; ky < kh; ++ky) {{{ROW_OF_TAP}
        if (oy < first_row || oy >= first_row + rows) continue;
        for (int kx = 0; kx < kw; ++kx) {{{COLUMN_OF_TAP}
            const long long patch = ((long long)image * rows + oy - first_row) * ow + ox;
            sum += cols[((patch * kh + ky) * kw + kx) * channels + c];
        }}
    }}
    x = sum;
    """,
)

# An output's coordinates; then, for a tap, the cell that its window sees through it, if it is not padding.
OUTPUT = """
    unsigned int rest = i;
    const int c = rest % channels;    rest /= channels;
    const int ox = rest % ow;         rest /= ow;
    const int oy = rest % oh;
    const int image = rest / oh;
"""
ROW_UNDER_TAP = """
        const int row = oy * sy + ky * ry - top;
        if (row < 0 || row >= height) continue;
"""
COLUMN_UNDER_TAP = """
            const int column = ox * sx + kx * rx - left;
            if (column < 0 || column >= width) continue;
"""

MAX_POOL = Kernel(
    "max_pool",
    f"raw T x, {GEOMETRY}",  # x (N, H, W, C)
    "T y",  # (N, OH, OW, C)
    f"""{OUTPUT}
    bool first = true;
    T best = T(0);
    for (int ky = 0; ky < kh; ++ky) {{{ROW_UNDER_TAP}
        for (int kx = 0; kx < kw; ++kx) {{{COLUMN_UNDER_TAP}
            const T value = x[(((long long)image * height + row) * width + column) * channels + c];
            if (first || value > best || value != value) best = value;  // NaN wins and stays, as in maximum
            first = false;
        }}
    }}
    y = best;
    """,
)

DEPTHWISE = Kernel(
    "depthwise",
    f"raw T x, raw T w, {GEOMETRY}",  # x (N, H, W, C), w (KH, KW, C)
    "T y",  # (N, OH, OW, C)
    f"""{OUTPUT}
    T sum = T(0);
    for (int ky = 0; ky < kh; ++ky) {{{ROW_UNDER_TAP}
        for (int kx = 0; kx < kw; ++kx) {{{COLUMN_UNDER_TAP}
            const T value = x[(((long long)image * height + row) * width + column) * channels + c];
            sum += value * w[(ky * kw + kx) * channels + c];
        }}
    }}
    y = sum;
    """,
)

MAX_POOL_BACKWARD = Kernel(
    "max_pool_backward",
    f"raw T x, raw T y, raw T dy, {GEOMETRY}",  # x (N, H, W, C); y, dy (N, OH, OW, C)
    "T dx",  # (N, H, W, C)
    f"""{CELL}
    const T mine = x[i];
    T sum = T(0);
    for (int ky = 0; ky < kh; ++ky) {{{ROW_OF_TAP}
        for (int kx = 0; kx < kw; ++kx) {{{COLUMN_OF_TAP}
            const long long window = (((long long)image * oh + oy) * ow + ox) * channels + c;
            bool won = mine == y[window];
            for (int tap = 0; won && tap < ky * kw + kx; ++tap) {{  // in a tie the first cell of the window wins
                const int v = oy * sy + tap / kw * ry - top, u = ox * sx + tap % kw * rx - left;
                if (v < 0 || v >= height || u < 0 || u >= width) continue;
                won = x[(((long long)image * height + v) * width + u) * channels + c] != mine;
            }}
            if (won) sum += dy[window];
        }}
    }}
    dx = sum;
    """,
)
