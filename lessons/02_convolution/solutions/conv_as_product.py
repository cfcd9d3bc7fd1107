from minissd.ops import im2col


def conv_as_product(x, w, b, stride=1, pad=0):
    n, height, width, _ = x.shape
    kh, kw, _, d = w.shape
    oh = (height + 2 * pad - kh) // stride + 1
    ow = (width + 2 * pad - kw) // stride + 1
    cols = im2col(x, (kh, kw), stride, pad)  # (N*OH*OW, KH*KW*C)
    y = cols @ w.reshape(-1, d) + b
    return y.reshape(n, oh, ow, d)
