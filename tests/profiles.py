"""Colour profiles as the ICC's specification has them, and what they mean by formulas."""

import struct

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

WHITE = np.array([0.9642, 1, 0.8249])
"""D50, to which every profile's colours are adapted."""
SRGB = np.array(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.7141]]
)
DISPLAY_P3 = np.array(
    [[0.51512, 0.29198, 0.1571], [0.2412, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]]
)
PROPHOTO = np.array([[0.79767, 0.13519, 0.03134], [0.28804, 0.71188, 0.00009], [0, 0, 0.82491]])
"""XYZ of red, green and blue, in columns."""


def srgb_curve(x: Floats) -> Floats:
    """Values from 0 to 1 to light."""
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def srgb_from_xyz(xyz: Floats) -> Floats:
    """XYZ [..., 3] to sRGB from 0 to 255, clipped."""
    light = (xyz @ np.linalg.inv(SRGB).T).clip(0, 1)
    return 255 * np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def meant(values: npt.NDArray[np.uint8], primaries: Floats, gamma: float | None) -> Floats:
    """The sRGB of values [..., 3] in a space; a gamma of None is sRGB's curve."""
    x = values / 255
    return srgb_from_xyz((srgb_curve(x) if gamma is None else x**gamma) @ primaries.T)


def rgb_profile(primaries: Floats, gamma: float | None) -> bytes:
    """A profile of a space by its primaries and curve."""
    tags = {b"rgb"[i : i + 1] + b"XYZ": _xyz(primaries[:, i]) for i in range(3)}
    return _profile(b"RGB ", tags | {name + b"TRC": _curve(gamma) for name in (b"r", b"g", b"b")})


def grey_profile(gamma: float | None) -> bytes:
    """A profile of a grey by its curve."""
    return _profile(b"GRAY", {b"kTRC": _curve(gamma)})


def cmyk_profile(lab: Floats) -> bytes:
    """A profile of inks [2, 2, 2, 2, 3]: the L*a*b* of none or all of each, and between them."""
    scaled = np.stack([lab[..., 0] * 2.55, lab[..., 1] + 128, lab[..., 2] + 128], -1).round()
    line = bytes(range(256))
    identity = b"".join(_s15(float(i == j)) for i in range(3) for j in range(3))
    table = line * 4 + scaled.astype(np.uint8).tobytes() + line * 3
    head = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity
    return _profile(b"CMYK", {b"A2B0": head + table}, connection=b"Lab ")


def _s15(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(values: Floats) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_s15, values.tolist()))


def _curve(gamma: float | None) -> bytes:
    if gamma is not None:
        return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    points = (srgb_curve(np.linspace(0, 1, 1024)) * 65535).round().astype(">u2")
    return b"curv\0\0\0\0" + struct.pack(">I", len(points)) + points.tobytes()


def _profile(space: bytes, tags: dict[bytes, bytes], connection: bytes = b"XYZ ") -> bytes:
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"made\0" + bytes(78)
    tags = {b"desc": text, b"cprt": b"text\0\0\0\0none\0", b"wtpt": _xyz(WHITE), **tags}
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    head = struct.pack(">I", start + len(body)) + bytes(4) + b"\x02\x40\0\0" + kind + space
    head += connection + bytes(12) + b"acsp" + bytes(28) + b"".join(map(_s15, WHITE.tolist()))
    return head.ljust(128, b"\0") + table + body
