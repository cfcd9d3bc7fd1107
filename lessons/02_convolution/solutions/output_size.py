def output_size(n, k, stride=1, pad=0, dilation=1):
    extent = k + (k - 1) * (dilation - 1)
    return (n + 2 * pad - extent) // stride + 1
