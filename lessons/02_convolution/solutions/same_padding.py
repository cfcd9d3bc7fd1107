def same_padding(k, dilation=1):
    extent = k + (k - 1) * (dilation - 1)
    return (extent - 1) // 2, extent // 2
