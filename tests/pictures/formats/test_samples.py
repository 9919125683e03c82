"""However a file stores its samples: the right pixels, or an error that says what to do."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from convlens.errors import PictureError
from convlens.pictures.decode import decode, to_rgb
from convlens.pictures.formats.opening import largest_sample
from helpers import Pixels, draw

PICTURE = draw("disc", 3)
GREY = PICTURE[:, :, 1]
MIN_IS_WHITE, MIN_IS_BLACK, RGB, CMYK = 0, 1, 2, 5


def tiff(
    samples: npt.NDArray[Any],
    photometric: int,
    *,
    order: str = "<",
    planar: bool = False,
    compressed: bool = False,
    tags: dict[int, list[int]] | None = None,
) -> bytes:
    """A TIFF of samples [height, width, bands], as the specification has it."""
    height, width, bands = samples.shape
    if planar:
        samples = samples.transpose(2, 0, 1)
    kind = np.dtype(order + samples.dtype.str[1:])
    planes = [plane.astype(kind).tobytes() for plane in (samples if planar else [samples])]
    if compressed:
        planes = [zlib.compress(plane) for plane in planes]
    starts = 8 + np.cumsum([0, *map(len, planes)])
    fields = {
        256: [width],
        257: [height],
        258: [8 * samples.dtype.itemsize] * bands,
        259: [8 if compressed else 1],
        262: [photometric],
        273: starts[:-1].tolist(),
        277: [bands],
        278: [height],
        279: [len(plane) for plane in planes],
        284: [2 if planar else 1],
        339: [{"u": 1, "i": 2, "f": 3}[samples.dtype.kind]] * bands,
        **(tags or {}),
    }
    entries, beside = b"", b""
    after = int(starts[-1]) + 2 + 12 * len(fields) + 4
    for tag, values in sorted(fields.items()):
        data = struct.pack(f"{order}{len(values)}I", *values)
        if len(data) > 4:
            place = struct.pack(f"{order}I", after + len(beside))
            beside += data
            data = place
        entries += struct.pack(f"{order}HHI", tag, 4, len(values)) + data
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HI", 42, int(starts[-1]))
    count = struct.pack(f"{order}H", len(fields))
    return b"".join((head, *planes, count, entries, bytes(4), beside))


def png(rows: list[bytes], side: tuple[int, int], bits: int, kind: int, *, clear: bytes) -> bytes:
    """A PNG of packed rows with a transparent value."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + checksum

    header = struct.pack(">IIBBBBB", *side, bits, kind, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = ((b"IHDR", header), (b"tRNS", clear), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def wide(pixels: Pixels) -> npt.NDArray[np.uint16]:
    """The same with 16 bits, [height, width, bands]."""
    return pixels.reshape(*pixels.shape[:2], -1).astype(np.uint16) * 257


def as_rgb(grey: Pixels) -> Pixels:
    return np.repeat(grey[:, :, None], 3, 2)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("samples", [GREY[:, :, None], wide(GREY)], ids=["8", "16"])
def test_white_may_be_zero(samples: npt.NDArray[Any], order: str, compressed: bool) -> None:
    data = tiff(samples, MIN_IS_WHITE, order=order, compressed=compressed)
    if order == ">" and samples.dtype == np.uint16:  # Pillow does not know it
        with pytest.raises(PictureError, match=r"a TIFF .* save it as PNG"):
            decode(data)
    else:
        assert np.array_equal(decode(data), as_rgb(255 - GREY))
        assert np.array_equal(to_rgb(Image.open(io.BytesIO(data))), as_rgb(255 - GREY))
    turned = tiff(wide(GREY), MIN_IS_WHITE, compressed=compressed, tags={274: [6]})
    assert np.array_equal(decode(turned), as_rgb(np.rot90(255 - GREY, -1)))


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("deep", [False, True])
def test_colours_may_stand_in_planes(
    deep: bool, planar: bool, order: str, compressed: bool
) -> None:
    options: dict[str, Any] = {"order": order, "planar": planar, "compressed": compressed}
    clear = np.full(GREY.shape, 255, np.uint8)
    for photometric, bands, tags in (
        (RGB, [PICTURE], {}),
        (RGB, [PICTURE, clear], {338: [2]}),
        (RGB, [PICTURE, clear], {338: [1]}),
        (CMYK, [255 - PICTURE, 0 * clear], {}),
    ):
        pixels = np.dstack(bands)
        data = tiff(wide(pixels) if deep else pixels, photometric, **options, tags=tags)
        assert np.array_equal(decode(data), PICTURE)


def test_one_band_in_a_plane_keeps_its_meaning() -> None:
    for samples in (GREY[:, :, None], wide(GREY)):
        data = tiff(samples, MIN_IS_WHITE, planar=True)
        assert np.array_equal(decode(data), as_rgb(255 - GREY))


def test_twelve_packed_bits_reach_white() -> None:
    values = np.linspace(0, 4095, 48 * 40).round().astype(int).reshape(40, 48)
    first, second = values[:, ::2], values[:, 1::2]
    packed = np.dstack([first >> 4, (first & 15) << 4 | second >> 8, second & 255])
    data = tiff(packed.reshape(40, 72, 1).astype(np.uint8), MIN_IS_BLACK, tags={258: [12]})
    data = data.replace(struct.pack("<HHII", 256, 4, 1, 72), struct.pack("<HHII", 256, 4, 1, 48))
    assert np.array_equal(decode(data)[:, :, 0], np.round(values / 4095 * 255))


FLOATS = np.full((8, 8, 1), np.nan, np.float32)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (tiff(GREY[:, :, None].astype(np.uint32), MIN_IS_BLACK), "32-bit grey"),
        (tiff(FLOATS, MIN_IS_BLACK), "32-bit grey"),
        (b"Pf\n8 8\n-1.0\n" + FLOATS.tobytes(), "32-bit grey"),
        (tiff(np.repeat(FLOATS, 3, 2), RGB), "a TIFF"),
        (tiff(wide(PICTURE).astype(np.uint32), RGB), "a TIFF"),
        *(
            (tiff(GREY[:, :, None].astype(kind), MIN_IS_BLACK, order=order), "signed")
            for kind in (np.int8, np.int16)
            for order in "<>"
        ),
        (tiff(np.dstack([PICTURE, PICTURE]), MIN_IS_BLACK, tags={338: [0] * 5}), "a TIFF"),
        (
            tiff(np.dstack([PICTURE] * 2), 1, planar=True, compressed=True, tags={338: [0] * 5}),
            "a TIFF",
        ),
        (tiff(np.dstack([GREY, GREY]), MIN_IS_BLACK, planar=True, tags={338: [2]}), "plane"),
    ],
)
def test_what_has_no_scale_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(PictureError, match=f"{reason}.*: save (it as PNG|1 or 3)"):
        decode(data)


def test_integers_of_32_bits_in_memory_are_refused() -> None:
    with pytest.raises(PictureError, match="32-bit"):
        to_rgb(Image.fromarray(GREY.astype(np.int32)))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK", "I;16"])
def test_a_turned_tiff_that_the_user_opened_by_its_name(mode: str, tmp_path: Path) -> None:
    image = Image.fromarray(wide(GREY)[:, :, 0] if mode == "I;16" else PICTURE)
    image = image if mode == "I;16" else image.convert(mode)
    turned = Image.Exif()
    turned[0x0112] = 6
    image.save(tmp_path / "turned.tif", exif=turned)
    with Image.open(tmp_path / "turned.tif") as opened:
        assert np.array_equal(to_rgb(opened), np.rot90(to_rgb(image), -1))
        assert opened.filename == str(tmp_path / "turned.tif")


@pytest.mark.parametrize("depth", [15, 0x87])
def test_jpeg2000_that_pillow_would_turn_black_is_refused(depth: int) -> None:
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, "JPEG2000", no_jp2=True)
    data = bytearray(buffer.getvalue())
    data[42:51:3] = bytes([depth]) * 3
    with pytest.raises(PictureError, match="more than 8 bits" if depth == 15 else "signed"):
        decode(bytes(data))


@pytest.mark.parametrize("most", [1, 15, 255, 1023, 4095, 65535])
def test_a_pgm_says_which_value_is_white(most: int) -> None:
    values = np.linspace(0, most, 48 * 40).round().astype(">u2" if most > 255 else np.uint8)
    got = decode(b"P5 48 40 %d\n" % most + values.tobytes())
    wanted = np.round(values.astype(float) / most * 255).reshape(40, 48)
    assert np.abs(got[:, :, 0] - wanted).max() <= 1


@pytest.mark.parametrize(
    ("bits", "bands"), [(1, 1), (2, 1), (4, 1), (8, 1), (16, 1), (8, 3), (16, 3)]
)
def test_a_transparent_value_becomes_white_at_every_depth(bits: int, bands: int) -> None:
    most = 2**bits - 1
    values = np.random.default_rng(0).integers(0, most + 1, (40, 48, bands))
    clear = values[5, 7]
    unpacked = np.unpackbits(values.astype(">u2").view(np.uint8).reshape(-1, 2), axis=1)
    packed = np.packbits(unpacked[:, 16 - bits :].reshape(40, -1), axis=1)
    kind = 2 if bands == 3 else 0
    rows = [row.tobytes() for row in packed]
    got = decode(png(rows, (48, 40), bits, kind, clear=clear.astype(">u2").tobytes()))
    wanted = np.round(values / most * 255)
    wanted[(values == clear).all(2)] = 255
    assert np.abs(got - wanted).max() <= 1


def test_how_many_bits_are_used_is_known() -> None:
    twelve = (np.arange(64).reshape(8, 8, 1) * 65).astype(np.uint16)
    assert largest_sample(tiff(twelve, MIN_IS_BLACK)) == 63 * 65
    assert largest_sample(tiff(np.repeat(twelve, 3, 2), RGB)).bit_length() == 12
    assert largest_sample(tiff(GREY[:, :, None], MIN_IS_BLACK)) == 0
