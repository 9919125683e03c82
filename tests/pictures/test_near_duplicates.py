"""Near duplicates: planted ones are found, pictures of one kind are not taken for the same."""

from pathlib import Path

import pytest
from PIL import Image, ImageEnhance, ImageOps

from convlens.pictures.duplicates.near_duplicates import near_duplicate_clusters
from convlens.pictures.read import read_catalog
from convlens.pictures.splits import make_split
from convlens.pictures.store import open_store
from helpers import photograph


def planted(image: Image.Image, how: str, path: Path) -> None:
    width, height = image.size
    match how:
        case "jpeg":
            image.save(path.with_suffix(".jpg"), quality=50)
            return
        case "half":
            image = image.resize((width // 2, height // 2), Image.Resampling.BILINEAR)
        case "brighter":
            image = ImageEnhance.Brightness(image).enhance(1.15)
        case "grey":
            image = image.convert("L")
        case "cut":
            image = image.crop((1, 1, width - 1, height - 1))
    image.save(path.with_suffix(".png"))


@pytest.mark.parametrize("how", ["jpeg", "half", "brighter", "grey", "cut"])
def test_planted_duplicates_are_found_and_never_cross(how: str, tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
    for number in range(40):
        image = photograph(number)
        image.save(tmp_path / "ab"[number % 2] / f"{number}.png")
        if number < 20:
            planted(image, how, tmp_path / "ab"[number % 2] / f"{number}-again")
    catalog = read_catalog(tmp_path)
    store = open_store(catalog, 128, progress=lambda *_: None)
    near = near_duplicate_clusters(store, lambda *_: None)
    members: dict[int, set[str]] = {}
    for name, row in zip(catalog.names, store.rows, strict=True):
        members.setdefault(int(near[row]), set()).add(Path(name).stem.removesuffix("-again"))
    assert len(members) == 40
    assert all(len(numbers) == 1 for numbers in members.values())
    for seed in range(5):
        assigned = make_split(
            catalog, store, near=near, seed=seed, test_fraction=0.3, val_fraction=0.2
        ).assigned
        found = dict(zip((Path(n).stem for n in catalog.names), assigned, strict=True))
        assert all(found[str(number)] == found[f"{number}-again"] for number in range(20))
        assert set(assigned) == {"train", "val", "test"}


def test_pictures_of_one_kind_are_not_the_same(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for number in range(30):
        photograph(number, kind=1).save(tmp_path / "a" / f"{number}.png")
    store = open_store(read_catalog(tmp_path), 128, progress=lambda *_: None)
    assert len(set(near_duplicate_clusters(store, lambda *_: None))) == 30


def sets_of(folder: Path) -> set[frozenset[str]]:
    """The names of pictures that look alike, set by set."""
    catalog = read_catalog(folder)
    store = open_store(catalog, 64, progress=lambda *_: None)
    near = near_duplicate_clusters(store, lambda *_: None)
    sets: dict[int, set[str]] = {}
    for name, row in zip(catalog.names, store.rows, strict=True):
        sets.setdefault(int(near[row]), set()).add(Path(name).stem)
    return set(map(frozenset, sets.values()))


def test_plain_pictures_have_their_colour(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    photograph(1).save(tmp_path / "a" / "photograph.png")
    for name in ("black", "white", "red", "green", "blue", "salmon", "lime", "navy", "gold"):
        Image.new("RGB", (64, 64), name).save(tmp_path / "a" / f"{name}.png")
        Image.new("RGB", (48, 64), name).save(tmp_path / "a" / f"{name}-again.jpg", quality=50)
    sets = sets_of(tmp_path)
    assert len(sets) == 10
    assert all(len({name.removesuffix("-again") for name in names}) == 1 for names in sets)


def test_one_pattern_in_several_colours_is_not_the_same(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for number in range(4):
        grey = photograph(number).convert("L")
        for name in ("tomato", "limegreen", "royalblue"):
            image = ImageOps.colorize(grey, "black", name)
            image.save(tmp_path / "a" / f"{number}-{name}.png")
            again = tmp_path / "a" / f"{number}-{name}-again.jpg"
            ImageEnhance.Brightness(image).enhance(0.9).save(again)
    sets = sets_of(tmp_path)
    assert len(sets) == 12
    assert all(len({name.removesuffix("-again") for name in names}) == 1 for names in sets)


def test_a_copy_among_pictures_of_one_kind_is_found(tmp_path: Path) -> None:
    """More of them have nearly the same hash than are followed from one picture."""
    (tmp_path / "a").mkdir()
    for number in range(60):
        photograph(number, kind=1).save(tmp_path / "a" / f"{number}.png")
    for number in range(0, 60, 6):
        planted(photograph(number, kind=1), "jpeg", tmp_path / "a" / f"{number}-again")
    sets = sets_of(tmp_path)
    assert sum(len(names) > 1 for names in sets) == 10
    assert all(len({name.removesuffix("-again") for name in names}) == 1 for names in sets)
