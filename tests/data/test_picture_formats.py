"""Every format, orientation and depth shows the one scene, and the header tells how large it will be."""

import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from scenes import BLUE, RED, as_stored, scene

from minissd.data.deep_pixels import eight_bits
from minissd.data.images import FORMATS, IMAGE_SUFFIXES, read_header, read_image, read_mask
from minissd.errors import MinissdError

KINDS = {
    "jpg": {"quality": 95, "subsampling": 0},
    "progressive.jpg": {"quality": 95, "subsampling": 0, "progressive": True},
    "png": {},
    "webp": {"lossless": True},
    "tif": {},
    "lzw.tif": {"compression": "tiff_lzw"},
    "avif": {"quality": 95},
}


def save(path, pixels, orientation=1, **options):
    """`pixels` as the picture of a file that is stored turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(as_stored(pixels, orientation))).save(path, exif=exif, **options)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_upright_and_its_header_says_the_same(tmp_path, kind, orientation):
    if kind == "avif" and "AVIF" not in FORMATS:
        pytest.skip("this Pillow reads no AVIF")
    path = save(tmp_path / f"a.{kind}", scene(), orientation, **KINDS[kind])
    header, shown = read_header(path), read_image(path)
    assert np.abs(shown.astype(int) - scene()).mean() < 1.5
    assert header == ((120, 160) if orientation >= 5 else (160, 120)) + (orientation,)
    assert shown.shape[:2] == ((header.width, header.height) if header.swaps_sides else (header.height, header.width))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_decoded_smaller_is_upright_too(tmp_path, orientation):
    path = save(tmp_path / "large.jpg", scene(scale=4), orientation, quality=95, subsampling=0)
    small = read_image(path, at_least=100)
    assert np.abs(small.astype(int) - scene()).mean() < 2


@pytest.mark.parametrize("padding, counts", [(0, True), (1000, True), (100_000, False)])
def test_exif_behind_the_pixels_of_a_png_counts_if_it_is_near_the_end(tmp_path, padding, counts):
    path = save(tmp_path / "late.png", scene(), 6)
    chunks, content, at = [], path.read_bytes(), 8
    while at < len(content):
        end = at + 12 + struct.unpack(">I", content[at : at + 4])[0]
        chunks.append(content[at:end])
        at = end
    late = next(chunk for chunk in chunks if chunk[4:8] == b"eXIf")
    chunks.remove(late)
    text = b"tEXtx\0" + b"a" * padding
    more = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    path.write_bytes(content[:8] + b"".join([*chunks[:-1], late, more, chunks[-1]]))
    assert read_header(path) == (120, 160, 6 if counts else 1)
    np.testing.assert_array_equal(read_image(path), scene() if counts else as_stored(scene(), 6))


def test_a_name_says_nothing_of_the_format(tmp_path):
    Image.fromarray(scene()).save(tmp_path / "a.png", format="JPEG", quality=95, subsampling=0)
    assert np.abs(read_image(tmp_path / "a.png").astype(int) - scene()).mean() < 1
    assert {".jfif", ".jpe", ".jpeg", ".tif", ".webp", ".dib"} <= set(IMAGE_SUFFIXES)


@pytest.mark.parametrize("suffix", ["gif", "tif", "webp", "png"])
def test_of_several_frames_the_first_is_taken(tmp_path, suffix):
    frames = [Image.fromarray(scene()), Image.fromarray(255 - scene())]
    options = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(read_image(tmp_path / f"a.{suffix}"), scene())


def test_two_pictures_in_the_file_of_a_phone(tmp_path):
    frames = [Image.fromarray(scene()), Image.fromarray(scene()[::2, ::2])]
    frames[0].save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=frames[1:], quality=95)
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - scene()).mean() < 2


@pytest.mark.parametrize("mode, name", [("CMYK", "a.jpg"), ("CMYK", "a.tif"), ("YCbCr", "a.jpg"), ("RGBA", "a.webp")])
def test_other_colour_spaces(tmp_path, mode, name):
    options = {"lossless": True} if name.endswith("webp") else {"quality": 95} if name.endswith("jpg") else {}
    Image.fromarray(scene()).convert(mode).save(tmp_path / name, **options)
    shown = read_image(tmp_path / name)
    assert np.abs(shown[35, 35].astype(int) - RED).max() < 8 and np.abs(shown[90, 120].astype(int) - BLUE).max() < 8


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif"])
def test_a_picture_all_of_which_is_transparent_is_seen(tmp_path, name):
    pixels = np.concatenate([scene(), np.zeros((120, 160, 1), np.uint8)], axis=-1)
    Image.fromarray(pixels).save(tmp_path / name, **({"lossless": True, "exact": True} if name == "a.webp" else {}))
    np.testing.assert_array_equal(read_image(tmp_path / name), scene())
    pixels[0, 0, 3] = 255
    Image.fromarray(pixels).save(tmp_path / name, **({"lossless": True, "exact": True} if name == "a.webp" else {}))
    assert (read_image(tmp_path / name)[1:] == 255).all()  # as soon as something is opaque, it counts


def test_the_preview_in_a_raw_photograph_is_not_the_picture(tmp_path, refused):
    Image.fromarray(scene()).save(tmp_path / "raw.dng", format="TIFF", tiffinfo={254: 1})
    for read in (read_image, read_header):
        with refused(tmp_path / "raw.dng", "raw photograph", "convert it"):
            read(tmp_path / "raw.dng")


# Depth.

GREYS = scene().max(axis=-1)  # (120, 160): 128 around, 220 in both boxes


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bits_may_hold_fewer(tmp_path, name, bits):
    values = (GREYS.astype(np.uint16) << (bits - 8)) + 1
    Image.fromarray(values).save(tmp_path / name)
    expected = (GREYS + (bits == 8))[..., None].repeat(3, axis=2)
    np.testing.assert_array_equal(read_image(tmp_path / name), expected)


def test_thirty_two_bits_hold_eight_and_negative_ones_are_refused(tmp_path, refused):
    Image.fromarray(GREYS.astype(np.int32)).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[..., 1], GREYS)
    Image.fromarray(GREYS.astype(np.int32) - 1024).save(tmp_path / "b.tif")
    with refused(tmp_path / "b.tif", "-896 to -804", "8 bits"):
        read_image(tmp_path / "b.tif")


def test_the_order_of_values_stays_whatever_the_depth():
    for highest in (3, 255, 256, 1000, 4095, 4096, 65535, 2**31 - 1):
        values = np.linspace(0, highest, 400).astype(np.int64)
        reduced = eight_bits(values).astype(int)
        assert (np.diff(reduced) >= 0).all() and reduced.max() >= min(highest, 64)
    assert eight_bits(np.zeros((2, 2), np.uint16)).max() == 0


def test_a_scan_in_which_zero_is_white(tmp_path):
    inverted = Image.fromarray((65535 - (GREYS.astype(np.uint16) << 8)).astype(np.uint16))
    inverted.save(tmp_path / "a.tif", tiffinfo={262: 0})
    with Image.open(tmp_path / "a.tif") as image:
        assert image.tag_v2[262] == 0
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[..., 0], GREYS)


def test_pgm_says_its_depth_itself(tmp_path):
    (tmp_path / "dim.pgm").write_bytes(b"P5 2 1 4095\n" + struct.pack(">HH", 0, 255))
    assert read_image(tmp_path / "dim.pgm")[0, :, 0].tolist() == [0, 15]  # 255 of 4095, not of 255


def png_of_sixteen_bits(values, interlace=0):
    """values: (H, W, 3 or 4) uint16."""
    height, width, channels = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, interlace)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_colours_of_sixteen_bits_may_hold_fewer(tmp_path, bits):
    values = scene().astype(np.uint16) << (bits - 8)
    opaque = np.full((*values.shape[:2], 1), (1 << bits) - 1, np.uint16)
    for name, pixels in (("rgb.png", values), ("rgba.png", np.concatenate([values, opaque], axis=-1))):
        (tmp_path / name).write_bytes(png_of_sixteen_bits(pixels))
        np.testing.assert_array_equal(read_image(tmp_path / name), scene())


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("order", "<>")
def test_tiff_colours_of_sixteen_bits_may_hold_fewer(tmp_path, order, orientation):
    """Pillow writes none: an uncompressed file by hand, one strip."""
    pixels = as_stored(scene().astype(np.uint16) << 4, orientation)
    height, width, _ = pixels.shape
    strip = pixels.astype(f"{order}u2").tobytes()
    depths, where = struct.pack(f"{order}3H", 16, 16, 16), 8 + len(strip)
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, where), (259, 3, 1, 1), (262, 3, 1, 2)]
    tags += [(273, 4, 1, 8), (274, 3, 1, orientation), (277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, len(strip))]
    entries = [
        struct.pack(f"{order}HHI", tag, kind, count)
        + (struct.pack(f"{order}I", value) if kind == 4 or count > 1 else struct.pack(f"{order}HH", value, 0))
        for tag, kind, count, value in tags
    ]
    header = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", where + len(depths))
    directory = struct.pack(f"{order}H", len(tags)) + b"".join(entries) + struct.pack(f"{order}I", 0)
    (tmp_path / "a.tif").write_bytes(header + strip + depths + directory)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), scene())


def test_a_mask_may_be_stored_in_sixteen_bits(tmp_path, refused):
    Image.fromarray(np.array([[0, 2, 255]], np.uint16)).save(tmp_path / "a.png")
    assert read_mask(tmp_path / "a.png")[0].tolist() == [[0, 2, 255]]
    Image.fromarray(np.array([[0, 256]], np.uint16)).save(tmp_path / "b.png")
    with refused(tmp_path / "b.png", "256", "0 to 255"):
        read_mask(tmp_path / "b.png")


# What Pillow would say at every look, and what is no image at all.


def test_a_broken_exif_block_and_odd_transparency_are_read_quietly(tmp_path):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "a maker of cameras with a long name", 1
    Image.fromarray(scene()).save(tmp_path / "cut.jpg", exif=exif.tobytes()[:-20])
    palette = Image.fromarray(scene()).quantize(8)
    palette.save(tmp_path / "palette.png", transparency=bytes([255] * 7 + [0]))
    code = "import sys; from minissd.data.images import read_header, read_image\n"
    code += "for path in sys.argv[1:] * 2: read_header(path); print(read_image(path).shape)"
    run = [sys.executable, "-c", code, tmp_path / "cut.jpg", tmp_path / "palette.png"]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stderr == "" and done.stdout == "(120, 160, 3)\n" * 4
    loud = [sys.executable, "-c", "import sys; from PIL import Image; Image.open(sys.argv[1]).getexif()", run[-2]]
    assert (
        "UserWarning" in subprocess.run(loud, capture_output=True, text=True).stderr
    )  # so there is what to be quiet of


@pytest.mark.parametrize("value", [0, 9, 77, 6.0, "6", (6, 1)])
def test_an_orientation_that_makes_no_sense_is_none(tmp_path, monkeypatch, value):
    path = save(tmp_path / "a.jpg", scene())
    monkeypatch.setattr(Image.Image, "getexif", lambda image: {0x0112: value})
    assert read_header(path).orientation == 1 and read_image(path).shape == (120, 160, 3)


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC: convert it to JPEG"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"II*\0" + struct.pack("<IHHHIIHHIII", 8, 2, 256, 4, 1, 9, 257, 4, 1, 9, 0), "kind that Pillow does not know"),
        (b"who knows", "expected JPEG, PNG"),
    ],
)
def test_what_is_no_image_is_called_by_its_name(tmp_path, refused, content, words):
    (tmp_path / "a.jpg").write_bytes(content)
    for read in (read_image, read_header, read_mask):
        with refused(tmp_path / "a.jpg", words):
            read(tmp_path / "a.jpg")
    (tmp_path / "IMG.HEIC").write_bytes(b"whatever it is")
    with pytest.raises(MinissdError, match="HEIC: convert it to JPEG"):
        read_image(tmp_path / "IMG.HEIC")


def test_an_interlaced_png(tmp_path):
    """Adam7 by hand: seven passes, each an image of its own."""
    pixels, rows = scene(), b""
    for top, left, down, right in (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ):
        rows += b"".join(b"\0" + row.tobytes() for row in pixels[top::down, left::right])
    path = tmp_path / "a.png"
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        PngImagePlugin.putchunk(file, b"IHDR", struct.pack(">IIBBBBB", 160, 120, 8, 2, 0, 0, 1))
        PngImagePlugin.putchunk(file, b"IDAT", zlib.compress(rows))
        PngImagePlugin.putchunk(file, b"IEND", b"")
    np.testing.assert_array_equal(read_image(path), scene())
