"""Augmentations, against torch's and numpy's own."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from torch import nn

from convlens.dataset.augment import (
    COLOUR,
    DEFAULT,
    Augment,
    augmentations_for,
    parse_augmentations,
)
from convlens.dataset.batches import Batches, Order
from convlens.dataset.examples import Examples
from convlens.errors import UsageError
from convlens.options import AUGMENTATIONS, AugmentOptions
from convlens.tasks.classification.objective import plain_objective

SIZE = 12
MIXING = frozenset({"mixup", "cutmix"})


def examples(count: int) -> Examples:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (count + 3, SIZE, SIZE, 3)).astype(np.uint8)
    rows = random.permutation(count + 3)[:count]
    return Examples(pixels, rows, labels=random.integers(0, 3, count), classes=3)


encode = plain_objective(3).encode


def test_without_augmentation_training_sees_what_evaluation_sees() -> None:
    data = examples(20)
    batches = Batches(data, Order(20, 8, seed=0), augment=Augment(parse_augmentations("none"), 0))
    indices, _ = batches.order.at(1)
    ((pixels, targets),) = batches.micro_batches(1, SIZE, encode=encode)[1]
    assert torch.equal(pixels, data.images(indices))
    assert np.array_equal(
        (pixels * 255).permute(0, 2, 3, 1).numpy(), data.pixels[data.rows[indices]]
    )
    assert torch.equal(targets.argmax(1), data.targets(indices))
    assert torch.equal(targets, nn.functional.one_hot(data.targets(indices), 3).float())


@pytest.mark.parametrize("name", [name for name in AUGMENTATIONS if name not in MIXING])
def test_each_varies_each_picture_and_each_epoch_differently(name: str) -> None:
    augment = Augment(parse_augmentations(name), 7)
    pixels = torch.rand(1, 3, SIZE, SIZE).expand(16, -1, -1, -1).contiguous()
    tables = [torch.from_numpy(augment.table(epoch, 16)) for epoch in (0, 1)]
    first, second = (augment(pixels, table) for table in tables)
    assert torch.equal(first, augment(pixels, tables[0]))
    assert not torch.equal(first, second)
    assert first.min() >= 0
    assert first.max() <= 1
    different = len({tuple(p.flatten().tolist()) for p in first})
    if name == "shift":  # by whole pixels: some come twice
        assert different > 4
    else:
        assert different == {"hflip": 2, "vflip": 2, "rot90": 4}.get(name, 16)


@pytest.mark.parametrize(("name", "axis"), [("hflip", -1), ("vflip", -2)])
def test_flips_are_torchs(name: str, axis: int) -> None:
    augment = Augment(parse_augmentations(name), 7)
    pixels = torch.rand(8, 3, SIZE, SIZE)
    table = torch.from_numpy(augment.table(0, 8))
    got = augment(pixels, table)
    turned = [torch.allclose(got[n], pixels[n].flip(axis), atol=1e-5) for n in range(8)]
    kept = [torch.allclose(got[n], pixels[n], atol=1e-5) for n in range(8)]
    assert all(a != b for a, b in zip(turned, kept, strict=True))
    assert any(turned)
    assert any(kept)


def test_shifts_are_by_whole_pixels() -> None:
    augment = Augment(parse_augmentations("shift"), 7)
    picture = torch.rand(3, 16, 16)
    got = augment(picture.expand(32, -1, -1, -1), torch.from_numpy(augment.table(0, 32)))
    inside = (slice(None), slice(2, -2), slice(2, -2))
    rolls = {
        (down, right): picture.roll((down, right), (1, 2))[inside]
        for down in range(-2, 3)
        for right in range(-2, 3)
    }
    found = [
        [by for by, wanted in rolls.items() if torch.allclose(one[inside], wanted, atol=1e-5)]
        for one in got
    ]
    assert all(len(fitting) == 1 for fitting in found)
    assert len({fitting[0] for fitting in found}) > 8


def test_cutout_greys_a_square_somewhere_and_nothing_else() -> None:
    augment = Augment(parse_augmentations("cutout"), 7)
    pixels = torch.rand(64, 3, 16, 16)
    got = augment(pixels, torch.from_numpy(augment.table(0, 64)))
    changed = (got != pixels).all(1)
    assert torch.equal(got, torch.where(changed[:, None], 0.5, pixels))
    assert set(changed.any(1).sum(1).tolist()) <= {2, 3, 4}  # at the border a part of it is outside
    assert set(changed.any(2).sum(1).tolist()) <= {2, 3, 4}
    assert len({tuple(row.nonzero()[0].tolist()) for row in changed}) > 30


def test_rot90_gives_each_of_the_quarter_turns() -> None:
    augment = Augment(parse_augmentations("rot90"), 7)
    picture = torch.rand(3, SIZE, SIZE)
    got = augment(picture.expand(32, -1, -1, -1), torch.from_numpy(augment.table(0, 32)))
    turns = [
        [k for k in range(4) if torch.allclose(one, picture.rot90(k, (1, 2)), atol=1e-5)]
        for one in got
    ]
    assert all(len(fitting) == 1 for fitting in turns)
    assert {fitting[0] for fitting in turns} == {0, 1, 2, 3}


def test_targets_are_mixed_as_the_pixels_are() -> None:
    augment = Augment(parse_augmentations("mixup,cutmix"), 7)
    labels = torch.arange(300) % 3
    targets = nn.functional.one_hot(labels, 3).float()
    pixels = targets[:, :, None, None].expand(-1, -1, 16, 16).contiguous()  # a colour per class
    mixed, shares = augment.mix(pixels, targets, uniform_NU=torch.from_numpy(augment.table(0, 300)))
    assert torch.allclose(mixed.mean((2, 3)), shares, atol=1e-5)
    assert torch.allclose(shares.sum(1), torch.ones(300))
    whole = (mixed == pixels).flatten(1).all(1).float().mean()
    boxed = ((mixed == 0) | (mixed == 1)).flatten(1).all(1).float().mean() - whole
    assert 0.1 < whole < 0.5
    assert 0.1 < boxed < 0.5
    table = torch.from_numpy(augment.table(0, 300))
    half = (
        (augment.mix(pixels, targets, uniform_NU=table, part=0.5)[0] == pixels)
        .flatten(1)
        .all(1)
        .float()
        .mean()
    )
    assert whole + 0.2 < half < 0.8
    assert torch.equal(augment.mix(pixels, targets, uniform_NU=table, part=0.0)[0], pixels)


def test_mixup_and_cutmix_are_the_two_parts_of_both() -> None:
    targets = nn.functional.one_hot(torch.arange(300) % 3, 3).float()
    pixels = targets[:, :, None, None].expand(-1, -1, 16, 16).contiguous()
    both, blended, pasted = (
        Augment(parse_augmentations(names), 7) for names in ("mixup,cutmix", "mixup", "cutmix")
    )
    table = torch.from_numpy(both.table(0, 300))
    mixed, blend, box = (
        augment.mix(pixels, targets, uniform_NU=table) for augment in (both, blended, pasted)
    )
    changed_by_blend, changed_by_box = (
        (made[0] != pixels).flatten(1).any(1) for made in (blend, box)
    )
    assert 50 < changed_by_blend.sum() < 150
    assert 50 < changed_by_box.sum() < 150
    assert not (changed_by_blend & changed_by_box).any()
    for got, first, second in zip(mixed, blend, box, strict=True):
        where = changed_by_blend.view(-1, *[1] * (got.ndim - 1))
        assert torch.allclose(got, torch.where(where, first, second), atol=1e-6)


def test_the_help_names_every_augmentation() -> None:
    (option,) = fields(AugmentOptions)
    words = option.metadata["help"].replace(";", ",").replace(" ", ",").split(",")
    assert set(AUGMENTATIONS) <= set(words)
    assert DEFAULT in option.metadata["auto"]


def test_smaller_pictures_show_the_same() -> None:
    augment = Augment(parse_augmentations("none"), 7)
    smooth = torch.linspace(0, 1, 16).view(1, 1, 1, 16).expand(2, 3, 16, 16)
    half = augment(smooth, torch.rand(2, 16), 8)
    assert torch.allclose(half, nn.functional.avg_pool2d(smooth, 2), atol=1e-5)


def test_a_picture_in_a_batch_is_varied_as_it_is_alone() -> None:
    data = examples(20)
    for names in (frozenset(AUGMENTATIONS) - MIXING,):
        augment = Augment(names, 3)
        large = Batches(data, Order(20, 20, seed=3), augment=augment)
        small = Batches(data, Order(20, 5, seed=3), augment=augment)
        ((pixels, _),) = large.micro_batches(0, SIZE, encode=encode)[1]
        parts = [next(small.micro_batches(s, SIZE, encode=encode)[1])[0] for s in range(4)]
        assert torch.allclose(pixels, torch.cat(parts), atol=1e-6)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UsageError, match="'blur' is none of hflip"):
        parse_augmentations("hflip,blur")


def test_colour_is_saturation_about_grey_then_contrast_about_the_mean() -> None:
    random = torch.Generator().manual_seed(0)
    pixels = torch.rand(6, 3, 9, 11, generator=random)
    varied = Augment(frozenset({"colour"}), 0)
    uniform = torch.from_numpy(varied.table(0, 6))
    bright, contrast, saturation = (
        (1 + COLOUR * (2 * uniform[:, 8 + k] - 1)).view(-1, 1, 1, 1) for k in range(3)
    )
    grey = pixels.mean(1, keepdim=True)
    mean = pixels.mean((1, 2, 3), keepdim=True)
    wanted = ((grey + (pixels - grey) * saturation - mean) * contrast + mean * bright).clamp(0, 1)
    assert torch.allclose(varied(pixels, uniform), wanted, atol=1e-6)
    assert wanted.min() == 0
    assert wanted.max() == 1


@pytest.mark.parametrize(
    ("size", "epochs", "expected"),
    [
        (32, 14.9, "hflip,shift,cutout"),
        (32, 15, "hflip,shift,cutout,cutmix"),
        (32, 60, "hflip,shift,cutout,mixup,cutmix"),
        (64, 29, "hflip,mild-crop,rotate,colour"),
        (64, 30, "hflip,crop,rotate,colour"),
        (64, 60, "hflip,crop,rotate,colour,mixup,cutmix"),
    ],
)
def test_what_is_seen_more_often_is_varied_more(size: int, epochs: float, expected: str) -> None:
    """As `docs/train.md` says."""
    assert augmentations_for(size, epochs=epochs) == expected
