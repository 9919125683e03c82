"""`inspect` on pictures that say little: of one tone, or dark by how they were saved."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convlens import inspect
from helpers import draw, photograph


def save_wide(folder: Path, bits: int, count: int = 4) -> None:
    """Grey pictures of so many bits in 16."""
    for number in range(count):
        grey = draw("disc", number)[:, :, 0].astype(np.uint16)
        Image.fromarray(grey << (bits - 8)).save(folder / f"{bits}-{number}.png")


@pytest.mark.parametrize(("bits", "factor"), [(8, 256), (12, 16), (14, 4)])
def test_bits_stored_in_sixteen_are_counted(tmp_path: Path, bits: int, factor: int) -> None:
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        save_wide(tmp_path / place, 16)
    save_wide(tmp_path / "a", bits, count=3)
    (found,) = [one for one in inspect(tmp_path).findings if one.kind in {"unscaled", "one_tone"}]
    assert found.kind == "unscaled"
    assert f"look like {bits} bits stored in 16, so multiply their values by {factor}" in found.what
    names = sorted(Path(name).name for (name,) in found.pictures)
    assert names == [f"{bits}-{number}.png" for number in range(3)]


def test_pictures_of_one_tone_are_named(tmp_path: Path) -> None:
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        for number in range(3):
            photograph(number + 10 * (place == "b"), side=64).save(
                tmp_path / place / f"{number}.png"
            )
    Image.new("RGB", (64, 64)).save(tmp_path / "a" / "black.png")
    Image.new("L", (64, 64), 250).save(tmp_path / "b" / "white.png")
    Image.fromarray(draw("disc", 1) // 20).save(tmp_path / "b" / "dark.png")
    (found,) = [one for one in inspect(tmp_path).findings if one.kind in {"unscaled", "one_tone"}]
    assert found.kind == "one_tone"
    assert {Path(name).name for (name,) in found.pictures} == {"black.png", "white.png", "dark.png"}
