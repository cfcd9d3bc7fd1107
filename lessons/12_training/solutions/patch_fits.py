from minissd.detection import iou


def patch_fits(patch, corners, min_overlap):
    overlaps = iou(patch[None], corners)[0]
    centers = (corners[:, :2] + corners[:, 2:]) / 2
    inside = ((patch[:2] <= centers) & (centers <= patch[2:])).all(axis=1)
    return bool((overlaps >= min_overlap).any() and inside.any())
