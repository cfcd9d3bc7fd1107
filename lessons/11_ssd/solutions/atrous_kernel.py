def atrous_kernel(weight, size, step):
    taps = weight.reshape(len(weight), -1, size, size)  # (D, C, size, size)
    return taps.transpose(2, 3, 1, 0)[::step, ::step]
