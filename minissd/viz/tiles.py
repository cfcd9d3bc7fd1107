"""Many small images on one sheet, each with a caption."""

import numpy as np
from PIL import Image, ImageDraw

from minissd.viz.boxes import GAP, shortened
from minissd.viz.style import GREY, INK, drawable, pillow_font

TILE = 240  # pixels: the side of a tile
HEAD, CAPTION = 34, 22  # pixels: height of the title, and of a caption


def tile(image, side=TILE):
    """An image (H, W, 3) or (H, W, 1) uint8 as a square Pillow image; small ones keep their pixels as squares."""
    image = np.asarray(image)
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).convert("RGB")
    method = Image.Resampling.NEAREST if max(picture.size) * 2 <= side else Image.Resampling.LANCZOS
    return picture.resize((side, side), method)


def tile_sheet(rows, title=""):
    """rows: lists of (Pillow image of side TILE, caption) -> one Pillow image, the title above all."""
    if not rows or not all(rows):
        raise ValueError("a sheet needs at least one row, and each row at least one tile")
    across = max(map(len, rows))
    width, height = across * (TILE + GAP) + GAP, HEAD + len(rows) * (TILE + CAPTION + GAP) + GAP
    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    title = drawable(title, longest=200)
    bold = pillow_font(17, title, bold=True)
    draw.text((GAP, GAP // 2), shortened(title, bold, width - 2 * GAP), font=bold, fill=INK)
    for i, row in enumerate(rows):
        for j, (picture, caption) in enumerate(row):
            x, y = GAP + j * (TILE + GAP), HEAD + i * (TILE + CAPTION + GAP)
            text = drawable(caption, longest=80)
            plain = pillow_font(14, text)
            text = shortened(text, plain, TILE)
            draw.text((x, y), text, font=plain, fill=INK)
            sheet.paste(picture, (x, y + CAPTION))
            draw.rectangle((x - 1, y + CAPTION - 1, x + TILE, y + CAPTION + TILE), outline=GREY)
    return sheet
