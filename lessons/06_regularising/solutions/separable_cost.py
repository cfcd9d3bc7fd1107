def separable_cost(height, width, kernel, c_in, c_out):
    places = height * width
    ordinary = places * c_out * kernel**2 * c_in
    depthwise = places * c_in * kernel**2
    pointwise = places * c_out * c_in
    return ordinary, depthwise + pointwise
