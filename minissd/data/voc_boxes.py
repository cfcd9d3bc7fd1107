"""From the pixel boxes of a VOC annotation to normalised corners, with every fault seen to and named."""

from minissd.data.corners import clip_corners, turn_corners

WRONG_SIZE = "annotations with a wrong or missing image size, that of the image file used"
DRAWN_UNTURNED = "annotations drawn before the image was turned by its EXIF orientation, turned with it"


def normalized_corners(boxes, xml_size, header):
    """Usable boxes as corners, in units of the picture as it is shown.

    boxes: (G, 4) float64, VOC pixels; xml_size: (width, height) according to the annotation; header: the
    image file's own `Header`.  Returns corners (K, 4) float32 in [0, 1], which boxes were usable (G,) bool,
    and a list with the remark on each fault.

    An EXIF orientation may show the stored pixels turned by a quarter.  Most tools let people draw on the
    picture as it is shown, and so are boxes read; but where the annotation gives the size before turning,
    they were drawn on the stored pixels, and are turned too.
    """
    stored = (header.width, header.height)
    shown = stored[::-1] if header.swaps_sides else stored
    drawn_unturned = xml_size == stored != shown
    remarks = [DRAWN_UNTURNED] if drawn_unturned else [] if xml_size == shown else [WRONG_SIZE]

    width, height = stored if drawn_unturned else shown
    corners = (boxes - (1, 1, 0, 0)) / (width, height, width, height)  # the first pixel starts at edge 0
    if drawn_unturned:
        corners = turn_corners(corners, header.orientation)
    # Pixels xmin and xmax are both included, yet in practice a box with xmin = xmax is a stray click.
    has_extent = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    clipped, usable, faults = clip_corners(corners, has_extent)
    for fault, where in faults.items():
        remarks += [fault] * int(where.sum())
    return clipped[usable], usable, remarks
