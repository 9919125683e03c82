"""Randomness as a function of (seed, epoch, index), never of how far a generator has run."""

import numpy as np

PURPOSES = ("order", "augment", "dropout", "parity", "usual", "some", "paint")


def generator(seed: int, purpose: str, *position: int) -> np.random.Generator:
    """A Philox generator (Salmon et al. 2011) keyed by seed, purpose and position."""
    key = np.random.SeedSequence([seed, PURPOSES.index(purpose), *position])
    return np.random.Generator(np.random.Philox(key))


def torch_seed(seed: int, purpose: str, *position: int) -> int:
    """A 63-bit seed for torch's generator at one position."""
    return int(generator(seed, purpose, *position).integers(2**63 - 1))
