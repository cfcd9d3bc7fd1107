"""How many objects an image shows: data with boxes, read as one number for each image."""

import numpy as np

from minissd.data.samples import Measured


class CountedObjects:
    """A detection data set as one for regression (see samples.py for what a dataset offers).

    The number that belongs to an image is that of its objects of all classes of `dataset`, difficult ones too.
    """

    task = "regress"

    def __init__(self, dataset):
        self._dataset = dataset
        self.name, self.classes, self.ids, self.notes = dataset.name, dataset.classes, dataset.ids, dataset.notes
        self.values = np.array([len(dataset.objects(i).labels) for i in range(len(dataset))], np.float32)

    def __len__(self):
        return len(self._dataset)

    def __getitem__(self, index):
        """The Measured image at a position."""
        return Measured(self.ids[index], self._dataset[index].image, float(self.values[index]))
