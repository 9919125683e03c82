"""Near duplicates: a picture saved again, resized, brightened or cropped by a hair."""

import hashlib

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from ..parallel import in_order
from .cache import cache_folder, recall, remember
from .decode import RGB
from .hashing import Progress
from .store import PixelStore

BITS = 8
"""Perceptual hashes of near duplicates differ in so many of their 64 bits at most.

`benchmarks/accuracy/near_duplicates.py` tells what is found so."""
ALIKE = 0.8
"""Correlation of their fine detail from which two such pictures are near duplicates. Hashes alone
would take pictures of one kind, such as solar cells under one camera, for the same."""
SIDE = 64
COARSE = 3
"""Fine detail is what stands out from a Gaussian blur of so many pixels, at that side."""
COMMON = 1000
"""What so many pictures have in common is taken off before two are compared."""
NEIGHBOURS = 20
"""More are not followed from one picture: enough to connect all of a crowd."""
BLOCK = 512


def near_duplicate_clusters(store: PixelStore, progress: Progress) -> npt.NDArray[np.int64]:
    """The number of each distinct picture's cluster [M]; near duplicates share one.

    Candidates are found by perceptual hash (imagehash's `phash`), all against all, and confirmed by
    their fine detail. They are remembered for the same pixels.
    """
    good = np.unique(store.rows[store.rows >= 0])
    key = hashlib.sha256(f"2|{store.size}|".encode() + store.digests[good].tobytes()).hexdigest()
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
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    hashes = _hashes(store, good, progress=progress)
    detail = _Detail(store, good)
    sign = np.where(np.unpackbits(hashes, axis=1), np.float32(1), np.float32(-1))
    found: list[npt.NDArray[np.int64]] = []
    for first in range(0, len(good), BLOCK):
        agreeing = sign[first : first + BLOCK] @ sign[first:].T
        left, right = np.nonzero(agreeing >= 64 - 2 * BITS)
        later = right > left
        left, right = left[later], right[later]
        place = np.arange(len(left)) - np.searchsorted(left, left)
        left, right = (side[place < NEIGHBOURS] + first for side in (left, right))
        alike = detail.correlation(left, right) >= ALIKE
        found.append(np.stack((left[alike], right[alike])))
        progress("looking for near duplicates", min(first + BLOCK, len(good)), len(good))
    left, right = np.concatenate([np.zeros((2, 0), np.int64), *found], axis=1)
    graph = coo_array((np.ones(len(left), bool), (left, right)), shape=(len(good),) * 2)
    _, components = connected_components(graph, directed=False)
    found_components: npt.NDArray[np.int64] = components.astype(np.int64)
    return found_components


def perceptual_hash(pixels: RGB) -> npt.NDArray[np.uint8]:
    """64 bits [8] that are nearly the same for pictures that look it: imagehash's `phash`."""
    import imagehash

    return np.packbits(imagehash.phash(Image.fromarray(pixels)).hash.reshape(-1))


class _Detail:
    """Fine detail of stored pictures, made when it is asked for."""

    def __init__(self, store: PixelStore, good: npt.NDArray[np.int64]) -> None:
        self.store = store
        self.good = good
        self.common = np.zeros(SIDE * SIDE, np.float32)
        spread = np.unique(np.linspace(0, len(good) - 1, min(len(good), COMMON)).astype(np.int64))
        if len(spread) > 2:  # of two near duplicates nothing would be left
            self.common = np.mean([self._of(int(place)) for place in spread], 0)

    def _of(self, place: int) -> npt.NDArray[np.float32]:
        grey = Image.fromarray(self.store.pixels[self.good[place]]).convert("L")
        grey = grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        coarse = grey.filter(ImageFilter.GaussianBlur(COARSE))
        fine = np.asarray(grey, np.float32).reshape(-1) - np.asarray(coarse, np.float32).reshape(-1)
        length = np.linalg.norm(fine)
        return fine / max(float(length), 1.0) - self.common

    def correlation(
        self, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Of the pictures at these places, pair by pair [P]. Pictures without detail agree."""
        places, where = np.unique(np.concatenate((left, right)), return_inverse=True)
        if not len(places):
            return np.zeros(0, np.float32)
        fine = np.stack(list(in_order(lambda place: self._of(int(place)), places.tolist())))
        flat = np.abs(fine + self.common).max(1) < 1e-6
        fine /= np.maximum(np.linalg.norm(fine, axis=1, keepdims=True), 1e-6)
        a, b = where[: len(left)], where[len(left) :]
        out: npt.NDArray[np.float32] = np.einsum("pd,pd->p", fine[a], fine[b])
        out[flat[a] & flat[b]] = 1.0
        return out


def _hashes(
    store: PixelStore, good: npt.NDArray[np.int64], *, progress: Progress
) -> npt.NDArray[np.uint8]:
    """The perceptual hash of each of these pictures [G, 8]."""
    hashes = np.zeros((len(good), 8), np.uint8)
    found = in_order(lambda row: perceptual_hash(store.pixels[row]), good.tolist())
    for place, value in enumerate(found):
        hashes[place] = value
        progress("looking for near duplicates", place + 1, len(good))
    return hashes
