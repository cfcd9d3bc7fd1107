"""Every picture: boxes on images, curves of training and evaluation, default boxes."""
