"""Where in the image the cells of a map lie, and how much of it each of them sees.

Every window (convolution, pooling) of extent k, stride s and pad p, on cells `step` pixels apart, puts its first cell
    (k - 1)/2 - p  cells further,  makes the step s times as long,  and lets a cell see  (k - 1) step  pixels more;
a transposed one takes the same way back.  LeNet-5 shows that this matters: its maps leave out the rim of the image, and
stretching them over all of it would move what they show by several pixels.
"""

from typing import NamedTuple

import numpy as np

from minissd.explain.taps import black_image, find_layer, look
from minissd.layers import AvgPool2d, Conv2d, ConvTranspose2d, DepthwiseConv2d, MaxPool2d, Upsample2d
from minissd.models import Network
from minissd.ops.geometry import effective_kernel, pad_widths, pair


class Grid(NamedTuple):
    """The cells of a map along one side of the image, in pixels; both sides are alike, as all windows are square."""

    first: float  # centre of the first cell; pixel i covers i to i + 1
    step: float  # from one centre to the next
    reach: float  # length that one cell sees: its receptive field

    def centres(self, cells: int) -> np.ndarray:
        """(cells,) pixels: the centre of each cell."""
        return self.first + self.step * np.arange(cells)


def grid_of(model: Network, name: str) -> Grid:
    """The `Grid` of the map that the layer `name` outputs.

    Where the way to the layer is no chain (a U-Net joins two), its cells are taken to be spread evenly.
    """
    find_layer(model, name)  # complains of unknown names, before the forward pass
    taps = look(model, [one for one, _ in model.leaves()], black_image(model))
    way = _way_to(name, taps)
    side, output = model.input_size, taps[name].output
    if taps[way[0]].input.shape[1] != side or output.ndim != 4:
        cells = output.shape[1] if output.ndim == 4 else 1
        return Grid(side / cells / 2, side / cells, side)
    grid = Grid(0.5, 1.0, 1.0)
    layers = dict(model.leaves())
    for passed in way:
        grid = _through(layers[passed], grid)
    return grid


def spread_over_image(maps: np.ndarray, grid: Grid, size: int) -> np.ndarray:
    """Maps (N, H, W, ...), each value at its cell's centre -> (N, size, size, ...), bilinear in between.

    Beyond the outermost centres the values stay as they are there.
    """
    down, across = (_interpolation(grid.centres(cells), size) for cells in maps.shape[1:3])
    return np.einsum("yi,nij...,xj->nyx...", down, maps, across, optimize=True)


def _interpolation(centres, size):
    """(size, cells): what every cell adds to each pixel's value."""
    pixels = np.arange(size) + 0.5
    return np.stack([np.interp(pixels, centres, one) for one in np.eye(len(centres))], axis=1)


def _way_to(name, taps):
    """The names of the layers from the image to `name`: each one's input is the output of the one before."""
    makers = {}
    for maker, tap in taps.items():
        makers.setdefault(id(tap.handed_on), maker)  # a layer that only hands on its input made nothing
    way = [name]
    while maker := makers.get(id(taps[way[0]].input)):
        way.insert(0, maker)
    return way


def _through(layer, grid):
    """The grid after a layer."""
    if isinstance(layer, Upsample2d):
        return _back_through(grid, layer.factor, layer.factor, 0)
    if not isinstance(layer, Conv2d | ConvTranspose2d | DepthwiseConv2d | MaxPool2d | AvgPool2d):
        return grid
    kernel = layer.params["w"].shape[0] if "w" in layer.params else pair(layer.kernel)[0]
    stride = pair(layer.geometry["stride"] or kernel)[0]
    dilation = pair(layer.geometry.get("dilation", 1))[0]
    before = pad_widths(layer.geometry["pad"], kernel, dilation)[0][0]
    if isinstance(layer, ConvTranspose2d):
        return _back_through(grid, kernel, stride, before)
    extent = effective_kernel(kernel, dilation) - 1
    first, step, reach = grid
    return Grid(first + (extent / 2 - before) * step, step * stride, reach + extent * step)


def _back_through(grid, kernel, stride, before):
    """Transposed: what a window would have put at distance d of its cells, comes back by d of the finer cells.

    An output sees at most ceil(kernel / stride) cells.
    """
    step = grid.step / stride
    first = grid.first - ((kernel - 1) / 2 - before) * step
    return Grid(first, step, grid.reach + (-(-kernel // stride) - 1) * grid.step)
