"""What every picture has in common: colours, type, the plain look of a chart, and how it reaches the disk.

Figures are built as `matplotlib.figure.Figure` objects, without pyplot and without rcParams: no window and no
global state, so pictures can be made on a machine without a screen and in several threads.
"""

from functools import cache
from pathlib import Path

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from PIL import ImageFont

from minissd.files import write_atomically

# The colours of Okabe and Ito, which people with any kind of colour blindness tell apart.
BLUE, VERMILION, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, YELLOW = "#E69F00", "#56B4E9", "#F0E442"
PALETTE = (ORANGE, SKY, GREEN, VERMILION, BLUE, YELLOW, PINK)
TURNS = (("#000000", 0.0), ("#000000", 0.45), ("#FFFFFF", 0.5))  # what each round mixes in
INK, GREY, FAINT = "#222222", "#767676", "#DDDDDD"
WIDE_FONTS = (  # one of them is on most systems that are used in Chinese, Japanese or Korean
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Noto Sans JP", "Noto Sans KR", "Source Han Sans SC"),
    *("Microsoft YaHei", "SimHei", "Yu Gothic", "Malgun Gothic", "PingFang SC", "Hiragino Sans GB", "Arial Unicode MS"),
    *("WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback", "IPAexGothic", "NanumGothic"),
)
DPI = 150
SMALL, MEDIUM, LARGE = 8.5, 10, 12  # points; a figure 8 inches wide is read at about that width


def class_colour(label):
    """The colour "#RRGGBB" of class (or object) number `label`: the same in every picture.

    The second round through the palette is darker and the third lighter, so that 21 classes differ.  Beyond
    the first seven the differences are small: a name always accompanies the colour.
    """
    turn, place = divmod(int(label), len(PALETTE))
    towards, share = TURNS[turn % len(TURNS)]
    mixed = ((1 - share) * a + share * b for a, b in zip(rgb(PALETTE[place]), rgb(towards)))
    return "#{:02X}{:02X}{:02X}".format(*map(round, mixed))


def rgb(colour):
    """(red, green, blue), each 0..255, of "#RRGGBB"."""
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def text_colour(background):
    """Black or white, whichever reads better on `background` ("#RRGGBB")."""
    red, green, blue = rgb(background)
    return "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 120 else "#FFFFFF"


def drawable(text, longest=28):
    r"""`text` on one line, of at most `longest` characters, all of which its font can draw.

    Other characters are spelled out (\u732b), so that names stay distinct: the font would draw the same empty
    square for all of them.
    """
    line = " ".join(str(text).split())
    known = _characters(_font_file(line))
    line = "".join(c if ord(c) in known else c.encode("unicode_escape").decode() for c in line)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def spelled_out(names):
    """Those among `names` that have letters which no font here can draw."""
    return [name for name in names if not set(map(ord, "".join(name.split()))) <= _characters(_font_file(name))]


def pillow_font(pixels, text, bold=False):
    """The font of a text, `pixels` high: DejaVu Sans, which comes with matplotlib, so no font of the system is needed
    but for letters that it lacks."""
    return ImageFont.truetype(_font_file(text, bold), pixels)


def new_figure(width, height):
    """An empty white Figure of `width` x `height` inches that lays itself out."""
    layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08)
    return Figure(figsize=(width, height), dpi=DPI, layout=layout, facecolor="white")


def figure_title(figure, text):
    """`text` above everything in `figure`."""
    figure.suptitle(text, fontsize=LARGE, fontweight="bold", color=INK, parse_math=False)


def dress(axes, title="", x="", y=""):
    """Give a chart its titles and the common look: two spines, a faint grid behind the data."""
    axes.set_title(title, fontsize=MEDIUM, color=INK, loc="left", parse_math=False)
    axes.set_xlabel(x, fontsize=MEDIUM, color=INK, parse_math=False)
    axes.set_ylabel(y, fontsize=MEDIUM, color=INK, parse_math=False)
    axes.tick_params(labelsize=SMALL, colors=INK, length=3)
    axes.grid(True, color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)


def legend(panel, artists, names, **options):
    """A legend of a panel in which each of `artists` has its name as it is.

    Matplotlib by itself leaves out names that begin with "_", and takes what stands between dollars for a formula.
    """
    numbers = map(str, range(len(names)))
    drawn = panel.legend(artists, numbers, frameon=False, **options)
    for text, name in zip(drawn.get_texts(), names, strict=True):
        text.set(text=drawable(name), parse_math=False)


def save_picture(picture, path):
    """Write `picture`, a Figure or a Pillow image, as a PNG file, whole or not at all; an image whose `path` ends
    with .jpg or .jpeg as JPEG.

    Returns the path.  Raises MinissdError if the file cannot be written.
    """
    if isinstance(picture, Figure):
        for text in picture.findobj(Text):
            if _font_file(text.get_text()) != _font_file():
                text.get_fontproperties().set_file(_font_file(text.get_text()))
        return write_atomically(path, lambda file: picture.savefig(file, format="png"))
    if Path(path).suffix.lower() in (".jpg", ".jpeg"):
        options = {"format": "JPEG", "quality": 92, "subsampling": 0}  # colour at full resolution: lines stay sharp
    else:
        options = {"format": "PNG"}
    return write_atomically(path, lambda file: picture.save(file, **options))


def _font_file(text="", bold=False):
    """The file of the font that draws a text: DejaVu Sans, or the wide font if that has letters which DejaVu lacks."""
    plain, wide = _dejavu(bold), _wide_font()
    lacking = set(map(ord, text)) - _characters(_dejavu(False))
    return wide if wide and lacking & _characters(wide) else plain


@cache
def _dejavu(bold):
    properties = font_manager.FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    return font_manager.findfont(properties)


@cache
def _wide_font():
    """The file of an installed font of the letters of Chinese, Japanese and Korean, None if there is none."""
    files = {font.name: font.fname for font in font_manager.fontManager.ttflist}
    return next((files[name] for name in WIDE_FONTS if name in files), None)


@cache
def _characters(file):
    """The code points that a font can draw."""
    return frozenset(font_manager.get_font(file).get_charmap())
