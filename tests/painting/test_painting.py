"""Painting by optimisation and by a learnt style, on made pictures."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from convlens.dataset.examples import to_float
from convlens.errors import ConvlensError, UsageError
from convlens.painting.features import StyleFeatures, style_features
from convlens.painting.learn import learn_style
from convlens.painting.losses import PaintLoss, gram, style_targets
from convlens.painting.network import Painter, style_file
from convlens.painting.optimize import optimize
from convlens.painting.options import PaintOptions
from convlens.painting.paint import paint
from convlens.painting.pictures import compose, mask_of, match_colours
from convlens.painting.style_file import StyleFile
from convlens.painting.tiles import tiles
from helpers import Convlens, Pixels, assert_clear, photograph

FEW = PaintOptions(size=64, steps=4, features="random")


def stripes(height: int = 64, width: int = 80) -> Pixels:
    """A painting of coloured stripes."""
    y, x = np.mgrid[:height, :width]
    wave = np.sin((x + y) / 3)[..., None] * [90, 60, -80] + [120, 130, 110]
    painting: Pixels = wave.astype(np.uint8)
    return painting


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph, two paintings, a mask, and what is none."""
    path = tmp_path_factory.mktemp("painting")
    photograph(1, side=96).save(path / "photo.png")
    Image.fromarray(stripes()).save(path / "stripes.png")
    photograph(2, side=80).save(path / "clouds.png")
    Image.new("RGB", (70, 70), "teal").save(path / "teal.png")
    left = np.zeros((96, 96), np.uint8)
    left[:, :48] = 255
    Image.fromarray(left).save(path / "left.png")
    (path / "text.jpg").write_text("not a picture")
    (path / "photos").mkdir()
    for number in range(4):
        photograph(number, side=64).save(path / "photos" / f"{number}.png")
    return path


@pytest.fixture(scope="module")
def features() -> StyleFeatures:
    return style_features("random")


def pixels(picture: Any) -> torch.Tensor:
    return to_float(torch.from_numpy(np.array(picture))[None])


def test_the_gram_matrix_is_the_mean_of_products() -> None:
    maps = np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32)
    expected = np.einsum("ahw,bhw->ab", maps.astype(np.float64), maps) / 42
    np.testing.assert_allclose(gram(torch.from_numpy(maps)).numpy(), expected, atol=1e-5)


def test_the_first_maps_hold_the_neighbourhood(features: StyleFeatures) -> None:
    picture = pixels(photograph(3, side=32))
    first = features(picture)[0]
    assert first.shape == (1, 27, 32, 32)
    around = picture[0, :, 10:13, 20:23] - 0.5  # an orthonormal transform keeps the sum of squares
    assert first[0, :, 11, 21].square().sum().item() == pytest.approx(around.square().sum().item())


@pytest.mark.parametrize("masked", [False, True])
def test_tiles_give_the_gradient_of_the_whole(features: StyleFeatures, masked: bool) -> None:
    picture, photo = (pixels(photograph(n, side=144))[..., :96] for n in (1, 2))
    mask = torch.ones(1, 1, 144, 96)
    if masked:
        mask[..., 50:, 30:] = 0.2
    targets = style_targets(features, [pixels(stripes())], [1.0])

    def answer(tile: int) -> tuple[torch.Tensor, list[float]]:
        leaf = picture.clone().requires_grad_()
        losses = PaintLoss(features, targets, strength=0.5, tile=tile)(leaf, photo, mask)
        torch.autograd.backward(losses[0])
        assert leaf.grad is not None
        return leaf.grad, [loss.item() for loss in losses]

    assert len(list(tiles(144, side=48, reach=features.reach))) == 3
    (expected, whole), (gradient, tiled) = answer(144), answer(48)
    assert tiled == pytest.approx(whole, rel=1e-4)
    assert (gradient - expected).abs().max() < 1e-3 * expected.abs().max()


def test_a_painting_of_its_own_style_and_content_has_no_loss(features: StyleFeatures) -> None:
    picture = pixels(photograph(1, side=64))
    _, *losses = PaintLoss(features, style_targets(features, [picture], [1.0]))(picture, picture)
    assert [loss.item() for loss in losses] == pytest.approx([0, 0], abs=1e-6)


def test_several_styles_are_a_weighted_mean(features: StyleFeatures) -> None:
    one, other = pixels(stripes()), pixels(photograph(2, side=64))
    mixed = style_targets(features, [one, other], [3.0, 1.0])
    for target, a, b in zip(mixed, features(one), features(other), strict=True):
        torch.testing.assert_close(target, 0.75 * gram(a[0]) + 0.25 * gram(b[0]))


def test_painting_lowers_the_style_loss_from_coarse_to_fine(features: StyleFeatures) -> None:
    photo, styles = np.array(photograph(1, side=192)), [stripes()]
    options = PaintOptions(steps=8)
    seen = list(optimize(photo, styles, options, features=features))
    assert [step.picture.shape[-1] for step in seen] == [96] * 8 + [192] * 8
    assert seen[7].style_loss < 0.5 * seen[0].style_loss
    painted = seen[-1].image(photo.shape[:2])
    assert painted.shape == photo.shape
    *_, strong = optimize(photo, styles, replace(options, strength=50.0), features=features)

    def moved(image: Pixels) -> float:
        return float(np.abs(image.astype(float) - photo).mean())

    assert moved(strong.image(photo.shape[:2])) > moved(painted)


def test_the_same_seed_paints_the_same_bytes(folder: Path) -> None:
    def bytes_of(name: str, seed: int) -> bytes:
        painted = paint(
            folder / "photo.png", folder / "stripes.png", out=folder / name,
            options=replace(FEW, seed=seed),
        )  # fmt: skip
        assert (painted.width, painted.height) == (64, 64)
        return painted.path.read_bytes()

    assert bytes_of("one.png", 1) == bytes_of("two.png", 1) != bytes_of("three.png", 2)


def test_ctrl_c_leaves_what_stands(folder: Path) -> None:
    asked = iter([False, True])
    painted = paint(
        folder / "photo.png", folder / "stripes.png", out=folder / "stopped.png",
        options=FEW, stop=lambda: next(asked),
    )  # fmt: skip
    assert not painted.finished
    assert Image.open(painted.path).size == (64, 64)


def test_the_file_shows_the_picture_on_the_way(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convlens.painting.paint.PREVIEW_SECONDS", 0)
    out, seen = folder / "preview.png", []

    def stop() -> bool:
        seen.append(out.read_bytes())
        return False

    paint(folder / "photo.png", folder / "stripes.png", out=out, options=FEW, stop=stop)
    assert len(set(seen)) == FEW.steps


def test_colours_and_mask(folder: Path) -> None:
    photo, painted = np.array(photograph(1, side=96)), np.array(photograph(5, side=96))
    masked = compose(painted, photo, mask_of(folder / "left.png", photo), "painting")
    assert (masked[:, 48:] == photo[:, 48:]).all()
    assert (masked[:, :48] == painted[:, :48]).all()
    luminance = Image.fromarray(painted).convert("L")
    kept = compose(painted, photo, None, "photo")
    inside = ((kept > 0) & (kept < 255)).all(2)  # where no colour had to be cut off
    difference = np.array(Image.fromarray(kept).convert("L")).astype(int) - np.array(luminance)
    assert np.abs(difference[inside]).max() <= 2
    matched = match_colours(painted, photo).reshape(-1, 3).astype(float)
    own = photo.reshape(-1, 3).astype(float)
    np.testing.assert_allclose(matched.mean(0), own.mean(0), atol=2)
    np.testing.assert_allclose(np.cov(matched.T), np.cov(own.T), rtol=0.15, atol=80)


def test_the_file_paints_as_torch_does_and_its_tiles_meet() -> None:
    torch.manual_seed(0)
    painter = Painter((4, 6, 8), blocks=6)
    for parameter in painter.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    style = StyleFile(style_file(painter, {"painting": "made"}))
    assert style.metadata["painting"] == "made"
    image = np.array(photograph(1, side=200))[:, :164]
    small = image[:124, :160]
    with torch.no_grad():
        (expected,) = (painter(pixels(small), pixels(small)) * 255 + 0.5).floor()
    painted = style.paint(small)
    assert np.abs(painted - expected.permute(1, 2, 0).numpy()).max() <= 1
    assert style.paint(np.zeros((32, 1400, 3), np.uint8)).shape == (32, 1400, 3)
    whole, tiled = style.paint(image), style.paint(image, tile=64)
    assert np.abs(whole.astype(int) - tiled).max() <= 1
    assert whole.std() > 5


@pytest.mark.trains
def test_a_style_is_learnt_and_used(convlens: Convlens, folder: Path) -> None:
    words = ("--pictures", folder / "photos", "--size", 64, "--features", "random")
    out = folder / "style.onnx"
    done = convlens(
        "paint", "--learn", folder / "stripes.png", *words, "--steps", 2, "--out", out, "--json"
    )
    assert done.returncode == 0, done.stderr
    assert '"steps": 2' in done.stdout
    done = convlens("paint", folder / "photo.png", "--style", out, "--out", folder / "fast.png")
    assert done.returncode == 0, done.stderr
    assert Image.open(folder / "fast.png").size == (96, 96)
    again = learn_style(
        folder / "stripes.png", folder / "photos", out=folder / "again.onnx",
        options=PaintOptions(size=64, steps=2, features="random"),
    )  # fmt: skip
    assert again.path.read_bytes() == out.read_bytes()
    out.write_bytes(out.read_bytes()[:-300] + b"x" * 300)
    done = convlens("paint", folder / "photo.png", "--style", out, "--out", folder / "fast.png")
    assert_clear(done, 1, "is not a learnt style")


def wrong() -> Iterator[tuple[list[str], int, str]]:
    yield ["missing.jpg", "--style", "stripes.png"], 1, "missing.jpg cannot be read"
    yield ["text.jpg", "--style", "stripes.png"], 1, "text.jpg cannot be read"
    yield ["photo.png", "--style", "teal.png"], 1, "teal.png is of one colour"
    yield ["photo.png", "--style", "photos"], 2, "photos is a folder"
    yield ["photo.png", "--style", "stripes.png", "--size", "20"], 2, "--size 20: it can be 64"
    yield ["photo.png", "--style", "stripes.png", "--size", "99999"], 2, "it can be 64 to 16384"
    yield ["photo.png", "--style", "stripes.png", "--out", "no/a.png"], 2, "there is no folder no"
    yield ["photo.png", "--style", "stripes.png", "--out", "a.gif"], 2, "a painted picture ends in"
    yield (
        ["photo.png", "--style", "stripes.png", "--weights", "1,2"],
        2,
        "--weights 1,2: it takes 1 numbers",
    )
    yield ["photo.png", "--style", "stripes.png", "--features", "no"], 2, "invalid choice: 'no'"
    yield ["photo.png", "--style", "no.onnx"], 1, "cannot read no.onnx"
    yield ["photo.png", "--style", "a.onnx", "--style", "b.png"], 2, "a learnt style paints alone"
    yield ["photo.png"], 2, "one or more --style"
    yield ["photo.png", "--learn", "stripes.png"], 2, "paint takes PHOTO and --style"
    yield ["--learn", "stripes.png", "--out", "a.onnx"], 2, "--learn goes with --pictures"
    learning = ["--learn", "stripes.png", "--pictures"]
    yield [*learning, "photos", "--out", "a.png"], 2, "a learnt style ends in .onnx"
    yield [*learning, "none", "--out", "a.onnx"], 1, "there is no none"
    yield ["photo.png", "--style", "stripes.png", "--mask", "text.jpg", "--steps", "1"], 1, "read"


@pytest.mark.parametrize(("words", "status", "says"), wrong(), ids=lambda w: str(w)[:40])
def test_what_is_wrong_is_told(
    convlens: Convlens, folder: Path, monkeypatch: pytest.MonkeyPatch,
    words: list[str], status: int, says: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(folder)
    assert_clear(convlens("paint", *words), status, says)


def test_options_and_narrow_pictures(folder: Path) -> None:
    with pytest.raises(UsageError, match="--strength 0: it can be"):
        PaintOptions(strength=0)
    Image.new("RGB", (400, 20)).save(folder / "narrow.png")
    with pytest.raises(ConvlensError, match="painting takes 32 or more"):
        paint(folder / "narrow.png", folder / "stripes.png", out=folder / "n.png", options=FEW)


def test_minutes_end_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10**6, 30))
    monkeypatch.setattr("convlens.painting.optimize.time.monotonic", lambda: next(clock))
    options = replace(FEW, minutes=1.0, steps=1000)
    painted = paint(
        folder / "photo.png", folder / "stripes.png", out=folder / "m.png", options=options
    )
    assert not painted.finished
