"""Each figure of a lesson in up to four forms: for light and dark pages, and for phones where panels lie side by side.

While the site is built, the kernels that run the lessons import this (see build.py): what IPython makes of a figure
stays as it is, and its other forms are written into a folder, named by the hash of the first.  conf.py then asks
`pictures` for the HTML of all of them.
"""

import hashlib
import io
import re
from base64 import b64decode, b64encode
from math import ceil
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

NARROW = 4.6  # inches: on a phone letters then have the size that they have on a wide page
DARK, LIGHT = np.array([19, 20, 22]), 235  # the ground of the dark theme, and what white text becomes
FORMS = ("dark", "narrow", "narrow-dark")
IMAGE = re.compile(r'<img (?P<alt>alt="[^"]*" )?[^>]*?src="(?P<folder>[^"]*_images/)(?P<hash>[0-9a-f]{64})\.png"[^>]*>')


def install(folder):
    """In a kernel: let every figure that is shown leave its other forms in `folder`."""
    from IPython.core import pylabtools

    plain = pylabtools.print_figure

    def print_figure(figure, fmt="png", base64=False, **options):
        shown = plain(figure, fmt=fmt, base64=base64, **options)
        if shown is None or fmt != "png":
            return shown
        png = b64decode(shown) if base64 else shown
        name = hashlib.sha256(png).hexdigest()  # as MyST-NB names it
        for form, pixels in forms(figure).items():
            Image.fromarray(pixels).save(Path(folder) / f"{name}-{form}.png", optimize=True)
        return b64encode(png).decode() if base64 else png

    pylabtools.print_figure = print_figure


def forms(figure):
    """{form: (H, W, 3) uint8} of a figure, which ends up in the narrowest of them."""
    made = {"dark": darkened(*drawn(figure))}
    if stack(figure):
        light, pictures = drawn(figure)
        if light.shape[1] < 1.25 * NARROW * figure.dpi:  # else a long title or legend would make it small again
            made |= {"narrow": light, "narrow-dark": darkened(light, pictures)}
    return made


def drawn(figure):
    """The pixels (H, W, 3) of a figure without its margin, and the mask (H, W) of its images and colour bars."""
    FigureCanvasAgg(figure).draw()
    edges = figure.get_tightbbox().padded(0.1)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=figure.dpi, bbox_inches=edges, facecolor="white")
    pixels = np.asarray(Image.open(file).convert("RGB"))
    pictures = np.zeros(pixels.shape[:2], bool)
    bars = [axes.bbox for axes in figure.axes if hasattr(axes, "_colorbar")]
    for box in [*(axes.bbox for axes in figure.axes if axes.images), *bars]:
        left, right = (round(x - edges.x0 * figure.dpi) for x in (box.x0, box.x1))
        top, low = (round(len(pixels) - (y - edges.y0 * figure.dpi)) for y in (box.y1, box.y0))
        pictures[max(top, 0) : low, max(left, 0) : right] = True
    return pixels, pictures


def darkened(pixels, pictures):
    """Light becomes dark and the other way round, hues stay; photographs and maps (`pictures`) stay as they are."""
    values = pixels.astype(float)
    turned = (
        values + 255 - values.max(axis=2, keepdims=True) - values.min(axis=2, keepdims=True)
    )  # lightness l -> 1 - l
    turned = DARK + turned / 255 * (LIGHT - DARK)
    return np.where(pictures[..., None], values, turned).round().clip(0, 255).astype(np.uint8)


def stack(figure):
    """Put panels that lie side by side below each other, four and more in two columns; False if there are none."""
    panels = [axes for axes in figure.axes if axes.get_subplotspec() and not hasattr(axes, "_colorbar")]
    grids = {axes.get_subplotspec().get_gridspec() for axes in panels}
    if len(grids) != 1:
        return False
    rows, columns = grids.pop().get_geometry()
    count = len(panels)
    if rows * columns != count or not (rows == 1 < columns or (rows, columns) == (2, 2)):
        return False
    across = 1 if count <= 3 or rows == 2 else 2
    down = ceil(count / across)
    height = figure.get_figheight() / rows * (1 if across == 1 else 0.9)
    grid = figure.add_gridspec(down, across)
    for place, axes in enumerate(panels):
        axes.set_subplotspec(grid[place // across, place % across])
    figure.set_size_inches(NARROW, height * down)
    figure.set_layout_engine("constrained")
    return True


def pictures(html, folder, target):
    """The HTML of a page with each image that has other forms in `folder` as a choice of them, copied into `target`."""

    def choice(found):
        name, alt, at = found["hash"], found["alt"] or "", found["folder"]
        sources = {form: Path(folder) / f"{name}-{form}.png" for form in FORMS}
        if not sources["dark"].exists():
            return found[0]
        Path(target).mkdir(parents=True, exist_ok=True)
        for source in sources.values():
            if source.exists():
                (Path(target) / source.name).write_bytes(source.read_bytes())
        made = []
        for theme, suffix in (("light", ""), ("dark", "-dark")):
            narrow = f"{name}-narrow{suffix}.png"
            phone = f'<source media="(max-width: 40em)" srcset="{at}{narrow}">' if sources["narrow"].exists() else ""
            made.append(f'<picture class="only-{theme}">{phone}<img {alt}src="{at}{name}{suffix}.png"></picture>')
        return "".join(made)

    return IMAGE.sub(choice, html)
