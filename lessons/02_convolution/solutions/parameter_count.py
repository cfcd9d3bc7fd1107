def parameter_count(k, c_in, c_out):
    return (k * k * c_in + 1) * c_out
