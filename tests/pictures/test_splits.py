"""Splits: seeded, stratified, and nothing in two of them."""

import csv
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from convlens.pictures.catalog import Catalog
from convlens.pictures.duplicates.clusters import clusters_by_key
from convlens.pictures.duplicates.near_duplicates import near_duplicate_clusters
from convlens.pictures.hashing import Contents
from convlens.pictures.read import read_catalog
from convlens.pictures.source import FileSource
from convlens.pictures.splits import EXCLUDED, make_split, write_manifest
from convlens.pictures.store import PixelStore, open_store
from helpers import save_class


def made(
    labels: list[str],
    contents: list[int] | None = None,
    groups: list[str | None] | None = None,
    splits: list[str | None] | None = None,
) -> tuple[Catalog, PixelStore]:
    """A catalog and a store without pictures: equal numbers in `contents` are equal pictures."""
    n = len(labels)
    numbers = contents or list(range(n))
    catalog = Catalog(
        Path(),
        tuple(FileSource(f"{row}.png") for row in range(n)),
        labels=tuple(labels),
        splits=tuple(splits or [None] * n),
        groups=tuple(groups or [None] * n),
    )
    hashes = np.zeros((n, 32), np.uint8)
    hashes[:, 0], hashes[:, 1] = np.array(numbers) % 256, np.array(numbers) // 256
    digests = np.unique(hashes[:, :16], axis=0)
    rows = np.array([int((digests == h[:16]).all(1).argmax()) for h in hashes], np.int64)
    pixels = np.zeros((len(digests), 1, 1, 3), np.uint8)
    return catalog, PixelStore(
        pixels,
        rows,
        digests=digests,
        sides=np.ones(len(digests), np.int32),
        bad={},
        contents=Contents(hashes, {}),
        built=False,
    )


def apart(store: PixelStore) -> npt.NDArray[np.int64]:
    """Every distinct picture is a cluster of its own."""
    return np.arange(len(store.pixels))


def test_splits_have_their_share_of_every_class() -> None:
    labels = ["a"] * 200 + ["b"] * 50 + ["c"] * 10
    catalog, store = made(labels)
    split = make_split(
        catalog, store, near=apart(store), seed=0, test_fraction=0.2, val_fraction=0.1
    )
    counted = Counter(zip(labels, split.assigned, strict=True))
    assert [counted[c, "test"] for c in "abc"] == [40, 10, 2]
    assert [counted[c, "val"] for c in "abc"] == [20, 5, 1]


def test_the_seed_decides_and_the_order_of_files_does_not() -> None:
    labels = ["a", "b"] * 50
    catalog, store = made(labels)
    first = make_split(
        catalog, store, near=apart(store), seed=0, test_fraction=0.2, val_fraction=0.2
    ).assigned
    assert (
        first
        == make_split(
            catalog, store, near=apart(store), seed=0, test_fraction=0.2, val_fraction=0.2
        ).assigned
    )
    assert (
        first
        != make_split(
            catalog, store, near=apart(store), seed=1, test_fraction=0.2, val_fraction=0.2
        ).assigned
    )
    turned, turned_store = made(labels[::-1], list(range(100))[::-1])
    assert (
        make_split(
            turned, turned_store, near=apart(store), seed=0, test_fraction=0.2, val_fraction=0.2
        ).assigned
        == first[::-1]
    )


pictures = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.integers(0, 30),
        st.sampled_from([None, "g1", "g2", "g3", "g4"]),
        st.sampled_from([None, None, "train", "val", "test"]),
    ),
    min_size=1,
    max_size=60,
)


@given(pictures, st.integers(0, 5))
def test_no_picture_and_no_group_is_in_two_splits(
    rows: list[tuple[str, int, str | None, str | None]], seed: int
) -> None:
    labels, contents, groups, splits = map(list, zip(*rows, strict=True))
    catalog, store = made(labels, contents, groups, splits)
    assigned = make_split(
        catalog, store, near=apart(store), seed=seed, test_fraction=0.3, val_fraction=0.2
    ).assigned
    seen: dict[object, set[str]] = {}
    for split, content, group, named in zip(assigned, contents, groups, splits, strict=True):
        if split == EXCLUDED:
            continue
        seen.setdefault(("content", content), set()).add(split)
        if group is not None:
            seen.setdefault(("group", group), set()).add(split)
        if named == "test":
            assert split == "test"  # what the data marks as test stays so
    assert all(len(of) == 1 for of in seen.values())


@given(st.lists(st.sets(st.integers(0, 8), max_size=3), max_size=20))
def test_clusters_are_connected_components(keys: list[set[int]]) -> None:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(keys)
    links = [(i, j) for i in range(n) for j in range(n) if keys[i] & keys[j] or i == j]
    numbers = clusters_by_key(keys)
    if n:
        i, j = zip(*links, strict=True)
        _, wanted = connected_components(coo_matrix((np.ones(len(links)), (i, j)), shape=(n, n)))
        same = np.array(numbers)[:, None] == np.array(numbers)[None]
        assert np.array_equal(same, wanted[:, None] == wanted[None])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_tiny_classes_keep_a_training_picture(count: int) -> None:
    catalog, store = made(["a"] * 50 + ["b"] * count)
    assigned = make_split(
        catalog, store, near=apart(store), seed=0, test_fraction=0.2, val_fraction=0.2
    ).assigned[50:]
    assert "train" in assigned
    assert assigned.count("test") == (1 if count > 1 else 0)


def test_the_same_picture_in_another_file_kind_stays_in_its_split(tmp_path: Path) -> None:
    for kind in ("disc", "cross"):
        save_class(tmp_path / kind, kind, 12)
        for path in list((tmp_path / kind).glob("*.png")):
            Image.open(path).save(path.with_suffix(".bmp"))
            shutil.copy(path, path.with_name("copy-" + path.name))
    catalog = read_catalog(tmp_path)
    store = open_store(catalog, 16, progress=lambda *_: None)
    split = make_split(
        catalog,
        store,
        near=near_duplicate_clusters(store, lambda *_: None),
        seed=0,
        test_fraction=0.3,
        val_fraction=0.2,
    )
    splits: dict[tuple[str, str], set[str]] = {}
    for name, label, assigned in zip(catalog.names, catalog.labels, split.assigned, strict=True):
        splits.setdefault((label, Path(name).stem.removeprefix("copy-")), set()).add(assigned)
    assert all(len(of) == 1 for of in splits.values())
    assert set.union(*splits.values()) == {"train", "val", "test"}


@pytest.mark.parametrize("names", [("2", "10, or more"), ("1.0", "2.0"), ("['a']", "[1]", "#b")])
def test_the_manifest_is_a_table_that_reads_back(tmp_path: Path, names: tuple[str, ...]) -> None:
    for number, name in enumerate(names):
        save_class(tmp_path / "p" / name, "disc", 10, first=number * 20)
    catalog = read_catalog(tmp_path / "p")
    store = open_store(catalog, 16, progress=lambda *_: None)
    split = make_split(
        catalog, store, near=apart(store), seed=0, test_fraction=0.2, val_fraction=0.1
    )
    write_manifest(tmp_path / "manifest.csv", catalog, store=store, split=split)
    again = read_catalog(tmp_path / "manifest.csv")
    assert again.labels == catalog.labels
    assert again.splits == split.assigned
    assert [s.read() for s in again.sources] == [s.read() for s in catalog.sources]
    with (tmp_path / "manifest.csv").open() as file:
        first = next(csv.DictReader(file))
    assert first["hash"] == store.contents.hex(0)


def test_look_alikes_may_have_two_labels_and_the_same_pixels_may_not() -> None:
    catalog, store = made(["a", "b"] * 20 + ["a", "b"], contents=[*range(40), 100, 100])
    near = apart(store)
    near[:30] = near[0]
    assigned = make_split(
        catalog, store, near=near, seed=0, test_fraction=0.2, val_fraction=0.1
    ).assigned
    assert len(set(assigned[:30])) == 1
    assert [row for row, split in enumerate(assigned) if split == EXCLUDED] == [40, 41]
