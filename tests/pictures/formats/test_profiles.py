"""Pictures in other colours than sRGB give the sRGB that their profile means."""

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

import profiles
from convlens.pictures.decode import decode, to_rgb
from convlens.pictures.formats.profiles import transform_of
from helpers import draw
from profiles import cmyk_profile, grey_profile, meant, rgb_profile, srgb_from_xyz

PICTURE = draw("disc", 2)
SPACES = {
    "Display P3": (profiles.DISPLAY_P3, None),
    "ProPhoto": (profiles.PROPHOTO, 1.8),
    "linear": (profiles.SRGB, 1.0),
    "gamma": (profiles.SRGB, 2.2),
}


def encode(image: Image.Image, kind: str, profile: bytes, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, icc_profile=profile, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF", "MPO"])
def test_colours_are_those_that_the_profile_means(kind: str, space: str) -> None:
    options = {"WEBP": {"lossless": True}}.get(kind, {"quality": 95})
    data = encode(Image.fromarray(PICTURE), kind, rgb_profile(*SPACES[space]), **options)
    stored = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert np.abs(decode(data) - meant(stored, *SPACES[space])).max() <= 2
    assert np.abs(decode(data) - stored.astype(float)).max() > 4


@pytest.mark.parametrize(
    "profile",
    [
        rgb_profile(profiles.SRGB, None),
        grey_profile(None),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    ],
)
def test_srgb_is_left_as_it_is(profile: bytes) -> None:
    image = Image.fromarray(PICTURE)
    image = image.convert("L") if b"GRAY" in profile else image
    assert transform_of(image, profile) is None
    for kind in ("PNG", "JPEG"):
        data = encode(image, kind, profile)
        stored = Image.open(io.BytesIO(data)).convert("RGB")
        assert np.array_equal(decode(data), np.asarray(stored))


def test_every_mode_has_its_colours_converted() -> None:
    p3, linear = rgb_profile(*SPACES["Display P3"]), grey_profile(1.0)
    image = Image.fromarray(PICTURE)
    palette = image.quantize(16)
    for picture in (image, palette):
        stored = np.asarray(picture.convert("RGB"))
        wanted = meant(stored, *SPACES["Display P3"])
        assert np.abs(decode(encode(picture, "PNG", p3)) - wanted).max() <= 2
    clear = image.copy()
    clear.putalpha(128)
    wanted = meant(PICTURE, *SPACES["Display P3"]) * (128 / 255) + 127
    assert np.abs(decode(encode(clear, "PNG", p3)) - wanted).max() <= 2
    grey = image.convert("L")
    lit = meant(np.asarray(grey.convert("RGB")), profiles.SRGB, 1.0)
    for picture in (grey, Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)):
        assert np.abs(decode(encode(picture, "PNG", linear)) - lit).max() <= 2
    grey.putalpha(128)
    assert np.abs(decode(encode(grey, "PNG", linear)) - (lit * (128 / 255) + 127)).max() <= 2


def test_inks_have_the_colours_of_their_profile() -> None:
    lab = np.random.default_rng(0).uniform((20, -30, -30), (90, 30, 30), (2, 2, 2, 2, 3)).round()
    lab[0, 0, 0, 0], lab[..., 1, :] = (100, 0, 0), 0  # paper is white, and black ink black
    f = (lab[..., 0] + 16) / 116
    f = np.stack([f + lab[..., 1] / 500, f, f - lab[..., 2] / 200], -1)
    xyz = np.where(f > 6 / 29, f**3, (f - 4 / 29) * 3 * (6 / 29) ** 2) * profiles.WHITE
    inks = np.indices((2, 2, 2, 2)).reshape(4, 1, 16).transpose(1, 2, 0).astype(np.uint8) * 255
    image = Image.fromarray(inks, "CMYK")
    got = decode(encode(image, "TIFF", cmyk_profile(lab)))
    assert np.abs(got - srgb_from_xyz(xyz).reshape(1, 16, 3)).max() <= 3


@pytest.mark.parametrize(
    "profile",
    [
        b"no profile",
        rgb_profile(*SPACES["ProPhoto"])[:200],
        rgb_profile(*SPACES["ProPhoto"]).replace(b"TRC", b"XXX"),
        rgb_profile(*SPACES["ProPhoto"]).replace(b"RGB XYZ", b"HSV XYZ"),
        grey_profile(1.0),
        cmyk_profile(np.zeros((2, 2, 2, 2, 3))),
    ],
    ids=["text", "cut", "no curves", "other colours", "grey", "inks"],
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_profile_that_cannot_be_used_does_not_cost_the_picture(kind: str, profile: bytes) -> None:
    image = Image.fromarray(PICTURE)
    plain = io.BytesIO()
    image.save(plain, kind)
    assert np.array_equal(decode(encode(image, kind, profile)), decode(plain.getvalue()))


def test_an_image_in_memory_keeps_its_profile() -> None:
    data = encode(Image.fromarray(PICTURE), "PNG", rgb_profile(*SPACES["ProPhoto"]))
    opened = Image.open(io.BytesIO(data))
    assert np.array_equal(to_rgb(opened.crop((3, 4, 20, 30))), decode(data)[4:30, 3:20])


def test_threads_share_a_transform() -> None:
    files = [
        encode(
            Image.fromarray(np.roll(PICTURE, n, 0)), "PNG", rgb_profile(profiles.SRGB, 1 + n % 3)
        )
        for n in range(24)
    ]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(decode, files * 3))
    for got, wanted in zip(together, map(decode, files * 3), strict=True):
        assert np.array_equal(got, wanted)
