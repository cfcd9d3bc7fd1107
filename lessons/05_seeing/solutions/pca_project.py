import numpy as np


def pca_project(features, number):
    centred = features - features.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)  # the rows of V^T
    return centred @ directions[:number].T
