"""Non-maximum suppression on the GPU: who overlaps whom as bits, all pairs at once, then one pass over each set.

Twin: `survivors` in `detection/suppression.py`.  K boxes of a set, best first; W = K / 32 words of bits, rounded up.
"""

from minissd.engine.cuda.kernel import Kernel

WORD = 32

OVERLAP_BITS = Kernel(
    "overlap_bits",
    "raw T corners, float64 threshold, int32 boxes, int32 words",  # corners (sets, K, 4)
    "uint32 bits",  # (sets, K, W): bit b of word w says that the box and the worse box 32 w + b overlap too much
    """
    const int word = i % words;
    const long long box = i / words;
    const int place = box % boxes;
    const T x0 = corners[4 * box], y0 = corners[4 * box + 1], x1 = corners[4 * box + 2], y1 = corners[4 * box + 3];
    const T area = (x1 - x0) * (y1 - y0);
    unsigned int found = 0;
    for (int b = 0; b < 32; ++b) {
        const int other = 32 * word + b;
        if (other <= place || other >= boxes) continue;
        const long long o = 4 * (box - place + other);
        const T u0 = corners[o], v0 = corners[o + 1], u1 = corners[o + 2], v1 = corners[o + 3];
        const T w = (x1 < u1 ? x1 : u1) - (x0 > u0 ? x0 : u0), h = (y1 < v1 ? y1 : v1) - (y0 > v0 ? y0 : v0);
        const T common = (w > T(0) ? w : T(0)) * (h > T(0) ? h : T(0));
        const T all = area + (u1 - u0) * (v1 - v0) - common;
        if (all > T(0) && common / all > T(threshold)) found |= 1u << b;
    }
    bits = found;
    """,
)

SURVIVORS = Kernel(
    "survivors",
    "raw uint32 bits, int32 boxes, int32 words",
    "raw bool stays",  # (sets, K), all true to begin with
    """
    for (int place = 0; place < boxes; ++place) {
        const long long box = (long long)i * boxes + place;
        if (!stays[box]) continue;
        for (int word = place / 32; word < words; ++word) {
            unsigned int found = bits[box * words + word];
            for (int other = 32 * word; found; ++other, found >>= 1)
                if (found & 1) stays[box - place + other] = false;
        }
    }
    """,
)
