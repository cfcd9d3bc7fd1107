"""The Penn-Fudan pedestrians as they are published, written picture by picture."""

import numpy as np
from PIL import Image

SIZE = (40, 30)

TEXT = """# Compatible with PASCAL Annotation Version 1.00
Image filename : "PennFudanPed/PNGImages/{stem}.png"
Image size (X x Y x C) : {width} x {height} x 3
Database : "The Penn-Fudan-Pedestrian Database"
Objects with ground truth : {count} {{ "PASpersonWalking" }}
# Note there may be some objects not included in the ground truth list for they are severe-occluded
# or have very small size.
# Top left pixel co-ordinates : (1, 1)
"""
BOX = """
# Details for pedestrian {number} ("PASpersonWalking")
Original label for object {number} "PASpersonWalking" : "PennFudanPed"
Bounding box for object {number} "PASpersonWalking" (Xmin, Ymin) - (Xmax, Ymax) : ({0}, {1}) - ({2}, {3})
Pixel mask for object {number} "PASpersonWalking" : "PennFudanPed/PedMasks/{stem}_mask.png"
"""


def publish(folder, stem, boxes, line_end="\r\n"):
    """One picture as it is published; its red is 100 where somebody is, its mask has their number."""
    for part in ("Annotation", "PNGImages", "PedMasks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    text = TEXT.format(stem=stem, width=SIZE[0], height=SIZE[1], count=len(boxes))
    mask = np.zeros(SIZE[::-1], np.uint8)
    for number, box in enumerate(boxes, start=1):
        text += BOX.format(*box, number=number, stem=stem)
        x_min, y_min, x_max, y_max = box
        mask[y_min - 1 : y_max, x_min - 1 : x_max] = number
    (folder / "Annotation" / f"{stem}.txt").write_bytes(text.replace("\n", line_end).encode())
    Image.fromarray(mask).save(folder / "PedMasks" / f"{stem}_mask.png")
    picture = np.stack([100 * (mask > 0), mask, mask], axis=-1).astype(np.uint8)
    Image.fromarray(picture).save(folder / "PNGImages" / f"{stem}.png")
