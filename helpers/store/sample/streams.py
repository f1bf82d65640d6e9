"""Random streams: each part of the shop draws from its own and disturbs no other."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def stream(seed: int, part: str, *index: int) -> np.random.Generator:
    """The random generator of a part of the shop (and of one block of it)."""
    return np.random.Generator(
        np.random.PCG64(np.random.SeedSequence([seed, crc32(part.encode()), *index]))
    )


def choose(random: np.random.Generator, weights: np.ndarray, size: int) -> np.ndarray:
    """Indices drawn with probabilities proportional to `weights`."""
    cumulative = np.cumsum(weights, dtype=float)
    drawn = random.random(size) * cumulative[-1]
    return np.minimum(np.searchsorted(cumulative, drawn, side="right"), len(weights) - 1)


def failures_before_success(random: np.random.Generator, success: np.ndarray) -> np.ndarray:
    """Failures before the first success of tries that succeed with probability `success`."""
    return random.geometric(success) - 1
