"""Boxes that count pixels."""


def inclusive_iou(a, b):
    """IoU of two boxes of whole pixels, as VOC's files give them.

    a, b: (x_min, y_min, x_max, y_max), first and last pixel, both inside: a box from column 3 to column 5 is 3 wide.
    Returns the number of shared pixels over the number of pixels in either, a float.
    """
    raise NotImplementedError("mind the pixel at the end")
