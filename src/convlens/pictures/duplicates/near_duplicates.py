"""Near duplicates: a picture saved again, resized, brightened or cropped by a hair."""

import hashlib

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from ...parallel import in_order
from ...progress import Progress
from ..cache import cache_folder, recall, remember
from ..decode import RGB
from ..store import PixelStore
from .clusters import connected_components

BITS = 8
"""Perceptual hashes of near duplicates differ in so many of their 64 bits at most.

`benchmarks/accuracy/near_duplicates.py` measures what that finds."""
ALIKE = 0.8
"""Correlation of their fine detail from which two such pictures are near duplicates. Hashes alone
would take pictures of one kind, such as solar cells under one camera, for the same."""
COLOUR, CELLS = 8.0, 8
"""What the colours of near duplicates differ by at most, of 255, in so many cells a side; one of
them may be grey, or brighter. Plain pictures have nothing but their colour."""
SIDE = 64
COARSE = 3
"""Fine detail is what stands out from a Gaussian blur of so many pixels, at that side."""
COMMON = 1000
"""What so many pictures have in common is taken off before two are compared."""
NEIGHBOURS = 20
"""More are not followed from one picture, the nearest: enough to connect all of a crowd."""
BLOCK = 512


def near_duplicate_clusters(store: PixelStore, progress: Progress) -> npt.NDArray[np.int64]:
    """The number of each distinct picture's cluster [M]; near duplicates share one.

    Candidates are found by perceptual hash (imagehash's `phash`), all against all, and confirmed by
    their fine detail. They are remembered for the same pixels.
    """
    good = np.unique(store.rows[store.rows >= 0])
    good = good[np.argsort(store.digests[good].view("S16").reshape(-1))]  # whatever their order
    key = hashlib.sha256(
        f"4|{store.pixels.shape[1:3]}|".encode() + store.digests[good].tobytes()
    ).hexdigest()
    path = cache_folder("near") / f"{key}.npy"
    components = recall(path)
    if components is None or components.shape != good.shape:
        components = _components(store, good, progress=progress)
        remember(path, components)
    clusters = np.full(len(store.pixels), -1, np.int64)
    clusters[good] = components
    return clusters


def _components(
    store: PixelStore, good: npt.NDArray[np.int64], *, progress: Progress
) -> npt.NDArray[np.int64]:
    """The number of the cluster of each of these pictures [G]."""
    hashes = _hashes(store, good, progress=progress)
    detail = _Detail(store, good)
    signs = np.where(np.unpackbits(hashes, axis=1), np.float32(1), np.float32(-1))
    pairs: list[tuple[int, int]] = []
    for first in range(0, len(good), BLOCK):
        products = signs[first : first + BLOCK] @ signs[first:].T
        left, right = np.nonzero(products >= 64 - 2 * BITS)
        later = right > left
        left, right = left[later], right[later]
        nearest = np.lexsort((-products[left, right], left))
        left, right = left[nearest], right[nearest]
        rank = np.arange(len(left)) - np.searchsorted(left, left)
        left, right = left[rank < NEIGHBOURS] + first, right[rank < NEIGHBOURS] + first
        alike = detail.alike(left, right)
        pairs += zip(left[alike].tolist(), right[alike].tolist(), strict=True)
        progress("looking for near duplicates", min(first + BLOCK, len(good)), len(good))
    _, numbers = np.unique(connected_components(len(good), pairs), return_inverse=True)
    return numbers.reshape(-1).astype(np.int64)


def perceptual_hash(pixels: RGB) -> npt.NDArray[np.uint8]:
    """64 bits [8] that are nearly the same for pictures that look it: imagehash's `phash`."""
    import imagehash

    return np.packbits(imagehash.phash(Image.fromarray(pixels)).hash.reshape(-1))


class _Detail:
    """Fine detail and colours of stored pictures, computed where they are needed."""

    def __init__(self, store: PixelStore, good: npt.NDArray[np.int64]) -> None:
        self.store = store
        self.good = good
        self.common = np.zeros(SIDE * SIDE, np.float32)
        spread = np.unique(np.linspace(0, len(good) - 1, min(len(good), COMMON)).astype(np.int64))
        if len(spread) > 2:  # of two near duplicates nothing would be left
            self.common = np.mean([self._of(int(index)) for index in spread], 0)

    def _of(self, index: int) -> npt.NDArray[np.float32]:
        grey = Image.fromarray(self.store.pixels[self.good[index]]).convert("L")
        grey = grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        coarse = grey.filter(ImageFilter.GaussianBlur(COARSE))
        fine = np.asarray(grey, np.float32).reshape(-1) - np.asarray(coarse, np.float32).reshape(-1)
        length = np.linalg.norm(fine)
        return fine / max(float(length), 1.0) - self.common

    def alike(
        self, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_]:
        """Whether the pictures with these indices are near duplicates, pair by pair [P]."""
        indices, inverse = np.unique(np.concatenate((left, right)), return_inverse=True)
        if not len(indices):
            return np.zeros(0, np.bool_)
        fine = np.stack(list(in_order(self._of, indices.tolist())))
        plain = np.abs(fine + self.common).max(1) < 1e-6
        fine /= np.maximum(np.linalg.norm(fine, axis=1, keepdims=True), 1e-6)
        colours = np.stack(list(in_order(self._colours_of, indices.tolist())))
        a, b = inverse[: len(left)], inverse[len(left) :]
        both_plain = plain[a] & plain[b]
        agree = both_plain | (np.einsum("pd,pd->p", fine[a], fine[b]) >= ALIKE)
        alike: npt.NDArray[np.bool_] = agree & (
            _colour_difference(colours[a], colours[b], plain=both_plain) <= COLOUR
        )
        return alike

    def _colours_of(self, index: int) -> npt.NDArray[np.float32]:
        image = Image.fromarray(self.store.pixels[self.good[index]]).convert("YCbCr")
        cells = image.resize((CELLS, CELLS), Image.Resampling.BOX)
        return np.asarray(cells, np.float32).reshape(CELLS * CELLS, 3) - 128


def _colour_difference(
    a_PND: npt.NDArray[np.float32], b_PND: npt.NDArray[np.float32], *, plain: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    """Of pairs [P], root mean square over N cells of YCbCr: of hue alone, unless both are plain."""
    cells = a_PND.shape[1]
    a, b = (colours[:, :, 1:].reshape(len(colours), -1) for colours in (a_PND, b_PND))
    is_longer = (np.linalg.norm(a, axis=1) >= np.linalg.norm(b, axis=1))[:, None]
    more, less = np.where(is_longer, a, b), np.where(is_longer, b, a)
    scale = (more * less).sum(1) / np.maximum((more**2).sum(1), 1e-6)
    hue = np.linalg.norm(less - np.maximum(scale, 0)[:, None] * more, axis=1)
    both = np.linalg.norm((a_PND - b_PND).reshape(len(a_PND), -1), axis=1)
    difference: npt.NDArray[np.float32] = np.where(plain, both, hue) / np.sqrt(cells)
    return difference


def _hashes(
    store: PixelStore, good: npt.NDArray[np.int64], *, progress: Progress
) -> npt.NDArray[np.uint8]:
    """The perceptual hash of each of these pictures [G, 8]."""
    hashes = np.zeros((len(good), 8), np.uint8)
    computed = in_order(lambda row: perceptual_hash(store.pixels[row]), good.tolist())
    for index, value in enumerate(computed):
        hashes[index] = value
        progress("looking for near duplicates", index + 1, len(good))
    return hashes
