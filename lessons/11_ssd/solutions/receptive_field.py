def receptive_field(layers):
    field, distance = 1, 1
    for kernel, stride, dilation in layers:
        extent = kernel + (kernel - 1) * (dilation - 1)
        field += (extent - 1) * distance
        distance *= stride
    return field
