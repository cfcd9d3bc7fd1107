"""Any picture a folder may hold becomes RGB; anything else becomes one line that names the file."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from minissd.data.images import FORMATS, crop_and_resize, read_header, read_image
from minissd.errors import MinissdError

SUFFIXES = ["jpg", "png", "gif", "bmp", "webp", "tif", *["avif"] * ("AVIF" in FORMATS)]


def save(tmp_path, array, name="picture.png", mode=None, **options):
    image = Image.fromarray(array)
    path = tmp_path / name
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def test_rgb_comes_as_it_is_with_red_first(tmp_path, gradient):
    np.testing.assert_array_equal(read_image(save(tmp_path, gradient)), gradient)
    red = np.full((4, 5, 3), (250, 10, 20), np.uint8)
    assert read_image(save(tmp_path, red, "red.jpg"))[0, 0, 0] > 200


@pytest.mark.parametrize(("mode", "name"), [("L", "a.png"), ("L", "a.jpg"), ("1", "a.png"), ("LA", "a.png")])
def test_grey_images_have_three_equal_channels(tmp_path, gradient, mode, name):
    image = read_image(save(tmp_path, gradient, name, mode=mode))
    assert image.shape == (30, 40, 3) and image.dtype == np.uint8
    np.testing.assert_array_equal(image, image[..., :1].repeat(3, axis=2))


def test_cmyk_keeps_its_colours(tmp_path):
    blue = np.full((8, 8, 3), (20, 40, 220), np.uint8)
    image = read_image(save(tmp_path, blue, "ink.jpg", mode="CMYK", quality=95))
    assert np.abs(image.astype(int) - blue).max() < 12


def test_palette_images(tmp_path):
    blocks = np.kron(np.array([[0, 1], [2, 3]]), np.ones((5, 5), int)).astype(np.uint8)
    image = Image.frombytes("P", (10, 10), blocks.tobytes())
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    image.save(tmp_path / "plain.png")
    image.save(tmp_path / "clear.png", transparency=2)
    plain, clear = read_image(tmp_path / "plain.png"), read_image(tmp_path / "clear.png")
    assert plain[0, 0].tolist() == [255, 0, 0] and plain[9, 0].tolist() == [0, 0, 255]
    assert clear[0, 0].tolist() == [255, 0, 0] and clear[9, 0].tolist() == [255, 255, 255]


def test_transparent_images_lie_on_white(tmp_path):
    pixels = np.array([[(10, 20, 30, 255), (10, 20, 30, 0), (0, 0, 0, 51)]], np.uint8)
    assert read_image(save(tmp_path, pixels)).tolist() == [[[10, 20, 30], [255] * 3, [204] * 3]]


def test_sixteen_bits_keep_their_upper_byte(tmp_path):
    values = np.array([[0, 255, 256, 40000, 65535]], np.uint16)
    image = read_image(save(tmp_path, values))
    assert image[0, :, 0].tolist() == [0, 0, 1, 156, 255]
    assert read_image(save(tmp_path, values, "scan.tiff"))[0, :, 2].tolist() == [0, 0, 1, 156, 255]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_as_a_viewer_does(tmp_path, gradient, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path, gradient, exif=exif)
    shown = read_image(path)
    expected = {
        1: gradient,
        2: gradient[:, ::-1],
        3: gradient[::-1, ::-1],
        4: gradient[::-1],
        5: gradient.transpose(1, 0, 2),
        6: np.rot90(gradient, -1),
        7: gradient[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(gradient),
    }[orientation]
    np.testing.assert_array_equal(shown, expected)
    header = read_header(path)
    assert header[:2] == (40, 30) and header.orientation == orientation
    assert header.swaps_sides == (shown.shape[:2] == (40, 30))


def test_an_impossible_orientation_is_none(tmp_path, gradient):
    exif = Image.Exif()
    exif[0x0112] = 77
    path = save(tmp_path, gradient, exif=exif)
    assert read_header(path).orientation == 1
    np.testing.assert_array_equal(read_image(path), gradient)


@pytest.mark.parametrize(("at_least", "size"), [(200, (400, 300)), (150, (200, 150)), (60, (100, 75))])
def test_a_large_jpeg_is_decoded_smaller_but_never_below_what_is_asked(tmp_path, at_least, size):
    path = tmp_path / "large.jpg"
    Image.new("RGB", (400, 300), (90, 160, 30)).save(path)
    image = read_image(path, at_least)
    assert image.shape[1::-1] == size
    assert np.abs(image.astype(int) - (90, 160, 30)).max() < 6


def test_what_is_no_image(tmp_path, one_line):
    for name, content in [("empty.jpg", b""), ("text.png", b"hello"), ("start.jpg", b"\xff\xd8\xff\xe0")]:
        (tmp_path / name).write_bytes(content)
        for read in (read_image, read_header):
            with pytest.raises(MinissdError) as caught:
                read(tmp_path / name)
            one_line(caught, tmp_path / name)
    with pytest.raises(MinissdError, match="does not exist"):
        read_image(tmp_path / "nowhere.jpg")
    with pytest.raises(MinissdError):
        read_image(tmp_path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "gif"])
def test_a_truncated_image_names_its_file(tmp_path, one_line, suffix, rng):
    path = save(tmp_path, rng.integers(0, 256, (64, 64, 3), np.uint8), f"cut.{suffix}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(MinissdError) as caught:
        read_image(path)
    one_line(caught, path)


@pytest.mark.parametrize("side", [10_000, 60_000])  # Pillow warns of the first and refuses the second
def test_a_decompression_bomb_is_refused_by_its_header(tmp_path, one_line, recwarn, side):
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\1IDAT")
    for read in (read_image, read_header):
        with pytest.raises(MinissdError) as caught:
            read(path)
        one_line(caught, path, "million pixels")
    assert not recwarn.list


def test_postscript_is_no_image_because_it_is_a_program(tmp_path, gradient):
    with pytest.raises(MinissdError, match="no image"):
        read_image(save(tmp_path, gradient, "page.eps"))


def test_floating_point_pixels_are_refused(tmp_path, one_line):
    path = save(tmp_path, np.ones((4, 4), np.float32), "float.tiff")
    with pytest.raises(MinissdError) as caught:
        read_image(path)
    one_line(caught, path, "8 bits")


@given(data=st.data(), suffix=st.sampled_from(SUFFIXES))
def test_a_damaged_image_is_read_or_refused_but_never_crashes(tmp_path, gradient, data, suffix):
    path = save(tmp_path, gradient, f"damaged.{suffix}")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        image = read_image(path)
    except MinissdError as error:
        assert str(path) in str(error)
    else:
        assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3


def test_crop_and_resize_takes_just_the_box(gradient):
    np.testing.assert_array_equal(crop_and_resize(gradient, (5, 3, 25, 13), 20, 10), gradient[3:13, 5:25])
    halved = crop_and_resize(gradient, (0, 0, 40, 30), 20, 15)
    pillow = ImageOps.fit(Image.fromarray(gradient), (20, 15), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(halved, np.asarray(pillow))


def test_crop_and_resize_maps_colours_with_rounding_and_clipping(gradient):
    swap_and_shift = (0, 0, 1, 0.6, 0, 2, 0, 0, 1, 0, 0, -50)
    changed = crop_and_resize(gradient, (0, 0, 40, 30), 40, 30, swap_and_shift)
    red, green, blue = np.moveaxis(gradient.astype(float), -1, 0)
    expected = np.stack([blue + 0.6, 2 * green, red - 50], axis=-1)
    np.testing.assert_array_equal(changed, np.floor(expected.clip(0, 255) + 0.5).clip(0, 255))
