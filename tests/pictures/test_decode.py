"""One decoding function: every way of saving a picture gives the same upright RGB."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps, TiffImagePlugin, TiffTags

from convlens.errors import PictureError
from convlens.pictures import decode as decoding
from convlens.pictures.decode import decode
from convlens.pictures.formats.opening import MAX_PIXELS, dimensions
from helpers import Pixels, draw, package

PICTURE = draw("disc", 1)


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("WEBP", {"lossless": True}),
        ("PPM", {}),
        ("JPEG2000", {"irreversible": False}),
        ("JPEG2000", {"no_jp2": True}),
    ],
)
def test_lossless_kinds_give_the_same_pixels(kind: str, options: dict[str, Any]) -> None:
    assert np.array_equal(decode(encode(Image.fromarray(PICTURE), kind, **options)), PICTURE)


@pytest.mark.parametrize("kind", ["JPEG", "AVIF", "HEIF"])
def test_lossy_kinds_come_near(kind: str) -> None:
    if kind == "HEIF":
        package("pillow_heif").register_heif_opener()
    smooth = np.asarray(Image.fromarray(PICTURE[:8, :8]).resize((64, 64)))
    got = decode(encode(Image.fromarray(smooth), kind, quality=95))
    assert np.abs(got.astype(int) - smooth).mean() < 4


@pytest.mark.parametrize("side", [(1, 1), (7, 9), (33, 17), (120, 75)])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_jpeg_gives_pillows_very_pixels(
    side: tuple[int, int], subsampling: str, progressive: bool, mode: str
) -> None:
    picture = Image.fromarray(PICTURE).resize(side).convert(mode)
    for quality in (10, 75, 100):
        data = encode(
            picture, "JPEG", quality=quality, subsampling=subsampling, progressive=progressive
        )
        assert np.array_equal(decode(data), np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


@pytest.mark.parametrize("orientation", range(9))
def test_a_jpeg_is_turned_as_its_exif_says(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(Image.fromarray(PICTURE[:, :40]), "JPEG", exif=exif)
    wanted = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert np.array_equal(decode(data), np.asarray(wanted))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_every_exif_orientation_is_set_upright(orientation: int, kind: str) -> None:
    # how a camera stores the picture for each orientation: the reverse of what a viewer does
    stored = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation](PICTURE)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encode(Image.fromarray(np.ascontiguousarray(stored)), kind, exif=exif, **options)
    assert np.array_equal(decode(data), PICTURE)


def test_grey_palette_and_one_bit() -> None:
    grey = Image.fromarray(PICTURE).convert("L")
    as_rgb = np.asarray(grey.convert("RGB"))
    assert np.array_equal(decode(encode(grey, "PNG")), as_rgb)
    palette = Image.fromarray(PICTURE // 64 * 64).quantize(256)
    for kind in ("PNG", "GIF"):
        assert np.array_equal(decode(encode(palette, kind)), np.asarray(palette.convert("RGB")))
    bits = grey.point(lambda v: 255 * (v > 100), "1")
    assert np.array_equal(decode(encode(bits, "PNG")), np.asarray(bits.convert("RGB")))


def test_transparency_is_laid_over_white() -> None:
    half = np.dstack([PICTURE, np.full(PICTURE.shape[:2], 128, np.uint8)])
    half[0, 0] = (10, 20, 30, 0)
    got = decode(encode(Image.fromarray(half, "RGBA"), "PNG")).astype(int)
    wanted = PICTURE * (128 / 255) + 255 * (127 / 255)
    assert got[0, 0].tolist() == [255, 255, 255]
    assert np.abs(got - wanted)[1:].max() <= 1
    grey_alpha = Image.fromarray(half, "RGBA").convert("LA")
    assert decode(encode(grey_alpha, "PNG"))[0, 0].tolist() == [255, 255, 255]
    palette = Image.fromarray(PICTURE).quantize(8)
    clear = encode(palette, "PNG", transparency=int(np.asarray(palette)[0, 0]))
    assert decode(clear)[0, 0].tolist() == [255, 255, 255]


def test_cmyk_comes_near_its_rgb() -> None:
    cmyk = Image.fromarray(PICTURE).convert("CMYK")
    for kind in ("TIFF", "JPEG"):
        options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
        got = decode(encode(cmyk, kind, **options)).astype(int)
        assert np.abs(got - PICTURE).mean() < 3


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM", "JPEG2000"])
def test_sixteen_bits_are_scaled_by_257(kind: str) -> None:
    wide = np.linspace(0, 65535, 48 * 40).round().astype(np.uint16).reshape(40, 48)
    got = decode(encode(Image.fromarray(wide), kind))
    wanted = np.round(wide / 257).astype(np.uint8)
    assert np.array_equal(got, np.repeat(wanted[:, :, None], 3, 2))
    again = decode(encode(Image.fromarray(PICTURE[:, :, 0].astype(np.uint16) * 257), kind))
    assert np.array_equal(again[:, :, 0], PICTURE[:, :, 0])


def test_sixteen_bit_colour() -> None:
    rows = PICTURE.astype(">u2") * 257
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    height, width = PICTURE.shape[:2]

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b""))
    assert np.array_equal(decode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)), PICTURE)


def test_the_first_frame_is_taken() -> None:
    frames = [Image.fromarray(draw("disc", n) // 64 * 64).quantize(64) for n in range(3)]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    assert np.array_equal(decode(data), np.asarray(frames[0].convert("RGB")))


def bomb(width: int = 100_000, height: int = 100_000) -> bytes:
    """A PNG whose header promises so many pixels."""
    data = bytearray(encode(Image.new("L", (8, 8)), "PNG"))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello, I am a text", "not a picture"),
        (cut(encode(Image.fromarray(PICTURE), "PNG")), "truncated or damaged"),
        (cut(encode(Image.fromarray(PICTURE), "JPEG")), "truncated or damaged"),
        (bomb(), "pixels"),
        (encode(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"), "8 or 16 bits"),
    ],
    ids=["empty", "text", "cut png", "cut jpeg", "bomb", "float"],
)
def test_what_is_no_picture_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(PictureError, match=reason):
        decode(data)


def test_the_limit_is_the_documented_one() -> None:
    assert MAX_PIXELS == 20_000 * 10_000
    assert dimensions(bomb(20_000, 10_000)) == (20_000, 10_000)
    with pytest.raises(PictureError, match="pixels"):
        decode(bomb(20_001, 10_000))


def tiff(*entries: tuple[int, int]) -> bytes:
    """A picture of 8×8 pixels with more tags, as the first one of a raw file has them."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in entries:
        tags[tag] = value
        tags.tagtype[tag] = TiffTags.LONG
    return encode(Image.new("RGB", (8, 8)), "TIFF", tiffinfo=tags)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"8BPS\0\1" + bytes(40), "Photoshop"),
        (bytes(128) + b"DICM" + bytes(40), "DICOM"),
        (tiff((50706, 1)), "raw file"),
        (tiff((254, 1), (330, 8)), "raw file"),
        (b"\0\0\0\x18ftypcrx " + bytes(40), "CR3"),
        (b"FUJIFILMCCD-RAW 0201", "RAF"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<svg width="4"/>', "SVG"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "git lfs pull"),
        (b"/annex/objects/SHA256E-s9--00.jpg\n", "git annex get"),
        (b"<!DOCTYPE html><html>404</html>", "a web page"),
        (b"%PDF-1.7\n", "PDF"),
        (b"PK\x03\x04" + bytes(40), "ZIP"),
        (b"\0\0\0\x18ftypisom" + bytes(40), "video"),
        (bytes(500), "zeros"),
        (b'{"error": "not found"}', "text: perhaps notes, or a download that failed"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "text"),
        (b"\0\0\1\0\1\0" + bytes(40), "icon"),
        (b"\x89HDF\r\n\x1a\n" + bytes(40), "HDF5"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "a PNG that is damaged"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, what: str) -> None:
    with pytest.raises(PictureError, match=f"^not a picture of a known kind, but .*{what}"):
        decode(data)


def test_a_plain_tiff_is_no_raw_file() -> None:
    assert decode(tiff((254, 0))).shape == (8, 8, 3)


def test_a_damaged_exif_block_does_not_cost_the_picture() -> None:
    image = Image.fromarray(PICTURE)
    data = encode(image, "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert np.array_equal(decode(data), PICTURE)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "1", "CMYK", "I;16"])
def test_strips_are_parts_of_one_picture(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.fromarray(PICTURE)
    if mode == "I;16":
        image = Image.fromarray(PICTURE[..., 0].astype(np.uint16) * 250)
    clear = {"transparency": 7} if mode in {"P", "I;16"} else {}
    kind, exif = "TIFF" if mode == "CMYK" else "PNG", Image.Exif()
    exif[decoding.ORIENTATION] = 6
    data = encode(image.convert(mode), kind, exif=exif, **clear)
    whole = decode(data)
    for pixels in (1, 100, 101):
        monkeypatch.setattr(decoding, "STRIP", pixels)
        assert np.array_equal(decode(data), whole)


@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="memory is measured as Linux tells it"
)
@pytest.mark.parametrize(
    ("kind", "options", "most"),
    [
        ("PNG", {}, 12),
        ("PNG", {"mode": "RGBA"}, 12),
        ("JPEG", {"orientation": 6}, 12),
        ("WEBP", {}, 17),
        ("JPEG2000", {"mode": "RGBA"}, 26),
    ],
)
def test_a_pixel_takes_the_bytes_that_the_guide_says(
    kind: str, options: dict[str, Any], most: int
) -> None:
    side, exif = 2000, Image.Exif()
    exif[decoding.ORIENTATION] = options.get("orientation", 1)
    data = encode(Image.new(options.get("mode", "RGB"), (side, side)), kind, exif=exif)
    decode(encode(Image.new("RGB", (9, 9)), kind))  # Pillow loads its plugins
    before = megabytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    decode(data)
    besides = 3 * side**2 / 1e6  # what is no matter of the picture's size
    assert megabytes("VmHWM") - before < most * side**2 / 1e6 + besides


def megabytes(of: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{of}:")[1].split()[0]) * 1024 / 1e6


def test_pixels_are_ready_for_the_network() -> None:
    got: Pixels = decode(encode(Image.fromarray(PICTURE), "PNG"))
    assert got.dtype == np.uint8
    assert got.flags["C_CONTIGUOUS"]
