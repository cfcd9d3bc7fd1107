def flatten_images(images):
    return images.reshape(len(images), -1)
