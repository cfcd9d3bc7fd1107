"""Scores of what a network says: of classes, numbers, masks; those of boxes are in `minissd.detection.metrics`."""
