def normalize_pixels(images, mean, scale):
    return (images.astype(float) - mean) * scale
