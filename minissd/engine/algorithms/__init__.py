"""The ways to compute a convolution: `convolve` and `gradients` of each, what it is FOR, and when it pays."""
