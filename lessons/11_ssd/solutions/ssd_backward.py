from minissd.ops import conv2d_backward, max_pool2d_backward, relu_backward


def ssd_backward(d_offsets, d_logits, caches, grids):
    stages, heads, stop = [], [], d_offsets.shape[1]
    d_map = 0
    for (conv, bend, pool, *of_head), grid in zip(reversed(caches), reversed(grids)):
        d_head = ()
        if grid:
            rows, columns, k = grid
            start = stop - rows * columns * k
            shape = len(d_offsets), rows, columns, -1
            from_offsets, *d_w_offsets = conv2d_backward(d_offsets[:, start:stop].reshape(shape), of_head[0])
            from_logits, *d_w_logits = conv2d_backward(d_logits[:, start:stop].reshape(shape), of_head[1])
            d_map = d_map + from_offsets + from_logits
            d_head, stop = (*d_w_offsets, *d_w_logits), start
        d_map = relu_backward(max_pool2d_backward(d_map, pool), bend)
        d_map, dw, db = conv2d_backward(d_map, conv)
        stages.insert(0, (dw, db))
        heads.insert(0, d_head)
    return stages, heads
