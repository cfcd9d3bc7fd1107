"""Boxes drawn on images: detections, and detections beside the ground truth.

Drawn with Pillow, pixel for pixel, so that lines and labels are sharp whatever the size of the image.  Boxes
come as corners normalised to the image, in host memory; this is where they become pixels.

Legend: K boxes, G objects, H W height and width of an image in pixels.
"""

import math

import numpy as np
from PIL import Image, ImageDraw

from minissd.data.pictures import open_picture
from minissd.detection import Detections
from minissd.viz.pixels import pixel_rectangles
from minissd.viz.style import INK, class_colour, drawable, pillow_font, text_colour

PANEL = 480  # pixels: the longer side of each image of a sheet
GAP = 12  # pixels between two images


def annotated_image(image, detections, classes):
    """`image` (H, W, 3) uint8 at its own size with its `Detections` drawn on it, as a Pillow image.

    Each box has the colour of its class and a label "name score"; line and letters grow with the image.
    """
    pairs = zip(detections.labels, detections.scores)
    texts = [f"{drawable(classes[label])} {score:.2f}" for label, score in pairs]
    return draw_boxes(Image.fromarray(image), detections.corners, detections.labels, texts)


def draw_predictions(picture, predictions, classes):
    """What `model.predict(picture)` found, drawn as by `annotated_image`; a notebook shows the Pillow image.

    picture: a path, a Pillow image or a uint8 array (H, W, 3), as for `predict`; classes: those of the model.
    """
    opened = open_picture(picture, at_least=None)
    corners = predictions.boxes / np.tile(opened.size, 2)
    labels = np.array([classes.index(name) for name in predictions.names], np.int64)
    return annotated_image(opened.pixels, Detections(corners, labels, predictions.scores), classes)


def detections_beside_truth(image, detections, objects, classes, title=""):
    """`image` (H, W, 3) uint8 twice: with its `Detections` on the left, with its `Objects` on the right.

    `title`, the image's name perhaps, stands above.  Returns a Pillow image, one row of a `detection_sheet`.
    """
    picture = panel_sized(image)
    pairs = zip(objects.labels, objects.difficult)
    texts = [drawable(classes[label]) + (" (difficult)" if difficult else "") for label, difficult in pairs]
    found = annotated_image(np.asarray(picture), detections, classes)
    truth = draw_boxes(picture, objects.corners, objects.labels, texts)
    return side_by_side(
        [
            (found, f"found: {count(len(detections.labels), 'detection')}"),
            (truth, f"ground truth: {count(len(objects.labels), 'object')}"),
        ],
        title,
    )


def detection_sheet(rows):
    """Results of `detections_beside_truth` on one Pillow image, below each other; from 4 on, two columns."""
    if not rows:
        raise ValueError("a sheet needs at least one row of detections_beside_truth")
    across = 1 if len(rows) <= 3 else 2
    lines = [rows[i : i + across] for i in range(0, len(rows), across)]
    widest = max(row.width for row in rows)
    heights = [max(row.height for row in line) for line in lines]
    between = 3 * GAP
    size = (across * (widest + between) + between, sum(heights) + (len(lines) + 1) * between)
    sheet = Image.new("RGB", size, "white")
    top = between
    for line, height in zip(lines, heights):
        for column, row in enumerate(line):
            sheet.paste(row, (between + column * (widest + between), top))
        top += height + between
    return sheet


def panel_sized(image, side=PANEL):
    """`image` (H, W, 3) uint8 as a Pillow image whose longer side is `side` pixels."""
    picture = Image.fromarray(image).convert("RGB")
    scale = side / max(picture.size)
    return picture.resize([max(1, round(scale * side)) for side in picture.size], Image.Resampling.LANCZOS)


def side_by_side(panels, title=""):
    """(Pillow image, caption) of equal size beside each other: title above captions above images."""
    title = drawable(title, longest=80)
    bold, plain = pillow_font(20, title, bold=True), [pillow_font(18, caption) for _, caption in panels]
    widths = (font.getlength(caption) for font, (_, caption) in zip(plain, panels))
    width = math.ceil(max(panels[0][0].width, *widths))
    whole = len(panels) * (width + GAP) - GAP
    title = shortened(title, bold, whole)
    head = 30 if title else 0
    row = Image.new("RGB", (whole, head + 26 + panels[0][0].height), "white")
    draw = ImageDraw.Draw(row)
    draw.text((0, 0), title, font=bold, fill=INK)
    for place, (picture, caption) in enumerate(panels):
        x = place * (width + GAP)
        draw.text((x, head), caption, font=plain[place], fill=INK)
        row.paste(picture, (x, head + 26))
    return row


def count(number, word):
    """ "no object", "1 object", "2 objects", "2 boxes"."""
    plural = "es" if word.endswith("x") else "s"
    return f"{number or 'no'} {word}{'' if number in (0, 1) else plural}"


def draw_boxes(picture, corners, labels, texts, thin=False):
    """A copy of the Pillow image `picture` with K boxes, each in the colour of its label and with its text.

    corners: (K, 4), labels: (K,), texts: K strings.  Earlier boxes lie above later ones, and labels above
    boxes.  A label is never cut off by the edge and avoids those before it; an empty text makes no label.
    thin: lines without dark rims, for many boxes on a pale image.
    """
    picture = picture.convert("RGB")  # also a copy
    width, height = picture.size
    size = (width * height) ** 0.5
    line, rim = (3, 0) if thin else (max(2, round(size / 150)), max(1, round(size / 450)))
    fonts = {text: pillow_font(max(12, round(size / 34)), text) for text in set(texts)}
    draw = ImageDraw.Draw(picture)
    rectangles = pixel_rectangles(corners, width, height).tolist()
    colours = [class_colour(label) for label in labels]
    for rectangle, colour in zip(rectangles[::-1], colours[::-1]):
        _outline(draw, rectangle, colour, line, rim)
    taken = np.zeros((0, 4), dtype=int)
    for rectangle, colour, text in zip(rectangles, colours, texts, strict=True):
        taken = _label(draw, rectangle, colour, text, fonts[text], taken)
    return picture


def _outline(draw, rectangle, colour, line, rim):
    """The frame of a box, inside its rectangle, between two dark rims that set it off from any background."""
    if rim:
        x0, y0, x1, y1 = rectangle
        _frame(draw, (x0 - rim, y0 - rim, x1 + rim, y1 + rim), INK, line + 2 * rim)
    _frame(draw, rectangle, colour, line)


def _frame(draw, rectangle, colour, line):
    """Four bars, `line` pixels thick, along the inside of a rectangle.

    Pillow's own outline would leave a rectangle that is smaller than the line is thick.
    """
    x0, y0, x1, y1 = rectangle
    right, low = max(x0, x1 - line + 1), max(y0, y1 - line + 1)
    left, high = min(x1, x0 + line - 1), min(y1, y0 + line - 1)
    for bar in ((x0, y0, x1, high), (x0, low, x1, y1), (x0, y0, left, y1), (right, y0, x1, y1)):
        draw.rectangle(bar, fill=colour)


def _label(draw, rectangle, colour, text, font, taken):
    """Write `text` at that corner of the box where it covers least of the labels `taken` (n, 4).

    Returns `taken` with the new label, a row x_first, y_first, x_end, y_end.
    """
    x0, y0, x1, y1 = rectangle
    image_width, image_height = draw.im.size
    margin = max(2, font.size // 5)
    text = shortened(text, font, image_width - 2 * margin)
    width = math.ceil(font.getlength(text)) + 2 * margin
    height = sum(font.getmetrics())
    if not text or height > image_height:
        return taken
    left, right, above, below = x0, x1 + 1 - width, y0 - height, y1 + 1
    places = [(left, above), (left, y0), (right, above), (right, y0)]
    places += [(left, below), (left, below - height), (right, below), (right, below - height)]
    size = np.array([width, height])
    places = np.clip(places, 0, [image_width, image_height] - size)  # (8, 2)
    spots = np.concatenate([places, places + size], axis=1)  # (8, 4)
    spot = spots[np.argmin(_covered(spots, taken))]
    x, y = spot[:2].tolist()
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=colour)
    draw.text((x + margin, y), text, font=font, fill=text_colour(colour))
    return np.concatenate([taken, spot[None]])


def _covered(spots, taken):
    """How many pixels of the rectangles `taken` (n, 4) each of `spots` (m, 4) covers: (m,)."""
    first = np.maximum(spots[:, None, :2], taken[None, :, :2])  # (m, n, 2)
    end = np.minimum(spots[:, None, 2:], taken[None, :, 2:])
    return np.prod((end - first).clip(0), axis=-1).sum(axis=-1)


def shortened(text, font, width):
    """`text`, cut with an ellipsis to at most `width` pixels; empty if not even one letter fits."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…" if text else ""
