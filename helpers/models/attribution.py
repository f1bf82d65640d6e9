"""Who gets the credit for an order that several visits led to: seven rules for the same journeys.

Rules and models of credit, no effects: all of them share out what happened, and none knows what
would have happened without a channel. Source: plan 2.2; Anderl, Becker, von Wangenheim and Schumann
(2016) for removal effects in a Markov chain; Shapley (1953) and Zhao, Mahboobi and Bagheri (2018).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LAST, FIRST, LINEAR, TIME_DECAY, POSITION, MARKOV, SHAPLEY = MODELS = (
    "last", "first", "linear", "time_decay", "position", "markov", "shapley",
)  # fmt: skip
HALF_LIFE_DAYS = 7.0
END_SHARE = 0.4
GRAIN = 2.0**-20
SMALLEST_LEVEL = 1e-12
DRAWS_AT_ONCE = 250


@dataclass(frozen=True)
class Path:
    """One course of visits, and how often it ended with and without an order.

    Attributes:
        channels: What brought each visit, the earliest first; at least one.
        conversions: Orders that it ended with.
        others: Times that it ended without an order.
        days: Days from each visit to the end, for `time_decay`; all 0 where empty.
    """

    channels: tuple[str, ...]
    conversions: int = 0
    others: int = 0
    days: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check the course."""
        if not self.channels:
            raise ValueError("channels == (), must name at least one visit.")
        if self.days and len(self.days) != len(self.channels):
            raise ValueError(
                f"days has {len(self.days)} entries and channels {len(self.channels)}, "
                "must be one a visit."
            )
        if self.conversions < 0 or self.others < 0:
            raise ValueError(
                f"conversions == {self.conversions} and others == {self.others}, must be 0 or more."
            )


def channels_of(paths: Sequence[Path]) -> tuple[str, ...]:
    """All channels of some paths, in order of name."""
    return tuple(sorted({name for path in paths for name in path.channels}))


def attribute(paths: Sequence[Path], model: str) -> dict[str, float]:
    """Conversions of each channel; their sum is exactly the number of conversions.

    Values are multiples of 2^-20, so they add up without rounding in any order; what is left goes
    to the largest.

    Args:
        paths: Courses of visits.
        model: One of `MODELS`. `last` and `first`: all to one visit. `linear`: the same to every
            visit. `time_decay`: half as much for every 7 days before the end. `position`: 40 % to
            the first and the last visit each, 20 % to those between; halves where there are two.
            `markov`: in proportion to the removal effects. `shapley`: the Shapley value of the game
            in which a set of channels is worth the conversions of paths that need no other.

    Raises:
        ValueError: The model is unknown.
    """
    names = channels_of(paths)
    total = sum(path.conversions for path in paths)
    if not names or not total:
        _require_model(model)
        return dict.fromkeys(names, 0.0)
    shares = Credits(paths, names).shares(model)
    return dict(zip(names, exactly(shares[0] * total, total).tolist(), strict=True))


def exactly(values: ArrayLike, total: float, grain: float = GRAIN) -> Floats:
    """Values rounded to a grain, the largest changed by what is missing to a total.

    Args:
        values: Numbers that add up to the total but for rounding.
        total: What they must add up to; a multiple of the grain, below 2^53 grains.
        grain: A power of two, so that no sum of the values rounds.
    """
    rounded = np.round(np.asarray(values, float) / grain) * grain
    largest = int(np.argmax(rounded))
    rounded[largest] += total - rounded.sum()
    return rounded


def credit(path: Path, model: str) -> dict[str, float]:
    """What one conversion of a path gives each of its channels, by a rule; adds up to 1.

    Shapley's value stands here too: the game is a sum of games in which all channels of one path
    are needed, and such a game is shared in equal parts, so a conversion goes in equal parts to the
    distinct channels of its path (Zhao, Mahboobi and Bagheri 2018). No other channels' number
    matters, so it is exact for any.

    Raises:
        ValueError: The model gives no credit path by path.
    """
    if model not in _RULES:
        raise ValueError(f"model == {model!r}, must be one of {tuple(_RULES)}.")
    weights = _RULES[model](path)
    total = float(weights.sum())
    found: dict[str, float] = {}
    for name, weight in zip(path.channels, weights.tolist(), strict=True):
        found[name] = found.get(name, 0.0) + weight / total
    return found


def removal_effects(paths: Sequence[Path]) -> dict[str, float]:
    """Share of conversions that a Markov chain of first order loses without each channel.

    The chain goes from the start through channels to a conversion or to none, with the paths' own
    transitions; without a channel, all that came to it ends without a conversion.

    Returns:
        Channel to removal effect, 0 to 1; they don't add up to 1.
    """
    names = channels_of(paths)
    effects = _effects(Credits(paths, names).transitions(np.ones((1, len(paths)))))
    return dict(zip(names, effects[0].tolist(), strict=True))


class Credits:
    """Paths as numbers, so that many weightings of them can be shared out at once."""

    def __init__(self, paths: Sequence[Path], channels: Sequence[str]) -> None:
        """Take paths whose channels are all among `channels`, which give the order of results."""
        self.paths = tuple(paths)
        self.channels = tuple(channels)
        self._place = {name: i for i, name in enumerate(self.channels)}
        self._moves = self._count_moves()
        self._rules: dict[str, Floats] = {}

    def shares(self, model: str, weights: ArrayLike | None = None) -> Floats:
        """Share of conversions of each channel under each weighting of the paths.

        Args:
            model: One of `MODELS`.
            weights: (draws, paths) factor of each path's counts; once each when not given.

        Returns:
            (draws, channels), 0 to 1; NaN where a weighting has no conversion.
        """
        _require_model(model)
        factor = np.ones((1, len(self.paths))) if weights is None else np.asarray(weights, float)
        if model == MARKOV:
            found = _effects(self.transitions(factor))
        else:
            found = factor @ self._rule(model)
        totals = found.sum(axis=1, keepdims=True)
        return found / np.where(totals > 0, totals, np.nan)

    def transitions(self, weights: Floats) -> Floats:
        """(draws, from, to): transitions; states are the channels, then start, order and none."""
        size = len(self.channels) + 3
        return (weights @ self._moves).reshape(len(weights), size, size)

    def _rule(self, model: str) -> Floats:
        if model not in self._rules:
            self._rules[model] = self._credit(model)
        return self._rules[model]

    def _credit(self, model: str) -> Floats:
        found = np.zeros((len(self.paths), len(self.channels)))
        for i, path in enumerate(self.paths):
            if path.conversions:
                for name, part in credit(path, model).items():
                    found[i, self._place[name]] = part * path.conversions
        return found

    def _count_moves(self) -> Floats:
        size = len(self.channels) + 3
        start, order, none = size - 3, size - 2, size - 1
        found = np.zeros((len(self.paths), size, size))
        for i, path in enumerate(self.paths):
            states = [start, *(self._place[name] for name in path.channels)]
            both = path.conversions + path.others
            for before, after in pairwise(states):
                found[i, before, after] += both
            found[i, states[-1], order] += path.conversions
            found[i, states[-1], none] += path.others
        return found.reshape(len(self.paths), -1)


def resampled_shares(
    credits: Credits,
    counts: ArrayLike,
    made: Any = None,
    *,
    models: Sequence[str] = MODELS,
    draws: int = 400,
    seed: int = 0,
) -> dict[str, Floats]:
    """Shares of conversions when people are drawn anew, for intervals.

    Args:
        credits: Paths with their counts for one journey.
        counts: Persons of each kind; each is drawn as often as a Poisson variable of mean 1 says,
            so a kind is drawn as often as one with its count as mean.
        made: (kinds, paths) journeys of each path that one person of a kind made, a NumPy or SciPy
            sparse array; one kind per path when not given.
        models: Some of `MODELS`; all are given the same people.
        draws: Number of draws.
        seed: Seed of the random numbers.

    Returns:
        Model to (draws, channels).
    """
    random = np.random.default_rng(seed)
    mean = np.asarray(counts, float)
    parts: dict[str, list[Floats]] = {model: [] for model in models}
    for begin in range(0, draws, DRAWS_AT_ONCE):
        drawn = random.poisson(mean, (min(DRAWS_AT_ONCE, draws - begin), len(mean)))
        weights = drawn.astype(float) if made is None else drawn.astype(float) @ made
        for model in models:
            parts[model].append(credits.shares(model, weights))
    return {model: np.concatenate(found) for model, found in parts.items()}


def _require_model(model: str) -> None:
    if model not in MODELS:
        raise ValueError(f"model == {model!r}, must be one of {MODELS}.")


def _effects(transitions: Floats) -> Floats:
    """(draws, channels) removal effects, from counts of transitions."""
    n = transitions.shape[1] - 3
    start, order = n, n + 1
    leaving = transitions.sum(axis=2, keepdims=True)
    chance = transitions / np.where(leaving > 0, leaving, 1.0)
    among, first = chance[:, :n, :n], chance[:, start, :n]
    # Visits to each channel before the end, from solving v = first + v among.
    system = np.eye(n) - among.transpose(0, 2, 1)
    visits = np.linalg.solve(system, first[:, :, None])[:, :, 0]
    converted = (visits * chance[:, :n, order]).sum(axis=1)
    found = np.zeros((len(transitions), n))
    for i in range(n):
        kept = np.ones(n)
        kept[i] = 0.0
        without = np.linalg.solve(
            np.eye(n) - (among * kept[:, None] * kept).transpose(0, 2, 1),
            (first * kept)[:, :, None],
        )[:, :, 0]
        left = (without * chance[:, :n, order]).sum(axis=1)
        level = np.where(converted > SMALLEST_LEVEL, converted, np.nan)
        found[:, i] = np.nan_to_num(1 - left / level)
    return np.where(found > SMALLEST_LEVEL, found, 0.0)


def _last(path: Path) -> Floats:
    weights = np.zeros(len(path.channels))
    weights[-1] = 1.0
    return weights


def _first(path: Path) -> Floats:
    return _last(path)[::-1]


def _linear(path: Path) -> Floats:
    return np.ones(len(path.channels))


def _time_decay(path: Path) -> Floats:
    days = np.asarray(path.days or np.zeros(len(path.channels)), float)
    return 2.0 ** (-(days - days.min()) / HALF_LIFE_DAYS)


def _position(path: Path) -> Floats:
    n = len(path.channels)
    if n <= 2:
        return np.ones(n)
    weights = np.full(n, (1 - 2 * END_SHARE) / (n - 2))
    weights[[0, -1]] = END_SHARE
    return weights


def _shapley(path: Path) -> Floats:
    return np.array([1.0 / path.channels.count(name) for name in path.channels])


_RULES: dict[str, Callable[[Path], Floats]] = {
    LAST: _last,
    FIRST: _first,
    LINEAR: _linear,
    TIME_DECAY: _time_decay,
    POSITION: _position,
    SHAPLEY: _shapley,
}
