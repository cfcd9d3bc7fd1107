from minissd.ops import col2im, im2col


def conv2d_gradient(dy, x, w, stride=1, pad=0):
    kernel, d = w.shape[:2], w.shape[3]
    cols = im2col(x, kernel, stride, pad)  # (N*OH*OW, KH*KW*C)
    dy_rows = dy.reshape(-1, d)  # (N*OH*OW, D)
    db = dy_rows.sum(axis=0)  # (1)
    dw = (cols.T @ dy_rows).reshape(w.shape)  # (2)
    dcols = dy_rows @ w.reshape(-1, d).T  # (3)
    return col2im(dcols, x.shape, kernel, stride, pad), dw, db
