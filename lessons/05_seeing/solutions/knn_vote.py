import numpy as np


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def knn_vote(queries, known, labels, count):
    cosines = unit(queries) @ unit(known).T  # (N, M)
    nearest = np.argsort(-cosines, axis=1)[:, :count]
    votes = [labels[row].tolist() for row in nearest]  # nearest first
    return np.array([max(voters, key=voters.count) for voters in votes])
