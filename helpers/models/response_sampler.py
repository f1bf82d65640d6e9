"""Draws from a smooth density by Hamiltonian Monte Carlo, all chains in one array.

Starts at the highest point found, measures the density's shape there and again from the first
draws, moves by jittered leapfrog steps, and says whether its chains agree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize

Floats = NDArray[np.float64]
Density = Callable[[Floats], tuple[Floats, Floats]]

# Steps of the search from each start, and of the best one further; its end is a start, no result.
FIRST_STEPS, MORE_STEPS = 60, 300
CHAINS = 24
STARTS = 960
WARM_UP = 120
LENGTH = 120
LONGEST = 5
TRAJECTORY = 1.6
# Steps of very different length, because some corners of the density let only short ones through.
JITTER = (0.3, 1.2)
WANTED_ACCEPTANCE = 0.8
LARGEST_R_HAT = 1.05
FEWEST_EFFECTIVE = 400.0


@dataclass(frozen=True)
class Sample:
    """Draws of all chains and whether they can be relied on.

    Attributes:
        draws: (chains, length, P).
        r_hat: (P,) split R-hat.
        effective: (P,) effective sample size.
    """

    draws: Floats
    r_hat: Floats
    effective: Floats

    @property
    def converged(self) -> bool:
        """Whether R-hat is at most 1.05 and 400 draws are effective, for every parameter."""
        return bool(
            (self.r_hat <= LARGEST_R_HAT).all() and (self.effective >= FEWEST_EFFECTIVE).all()
        )


def sample(density: Density, starts: Floats, *, seed: int = 0) -> Sample:
    """Draw from a density of unbounded vectors.

    Args:
        density: Log density (N,) and gradient (N, P) of N vectors (N, P).
        starts: (S, P) vectors to start the search of the highest point from.
        seed: Of the draws.

    Returns:
        Chains of one length, lengthened up to five times where they do not agree.

    Source: Neal (2011), MCMC using Hamiltonian dynamics; Gelman et al., Bayesian Data Analysis,
    3rd ed., section 11.4 and 11.5 for R-hat and the effective sample size.
    """
    rng = np.random.default_rng(seed)
    centre = highest(density, starts)
    root = _root(_covariance_at(density, centre))
    at, step = _spread_starts(density, centre, root, rng), 0.2
    for _ in range(2):
        kept, at, step = _run(density, at, root, step, WARM_UP // 2, rng, adapt=True)
        root = _root_of_draws(kept[:, kept.shape[1] // 3 :], root)
    _, at, step = _run(density, at, root, step, WARM_UP // 4, rng, adapt=True)
    drawn = np.empty((CHAINS, 0, len(centre)))
    for _ in range(LONGEST):
        kept, at, step = _run(density, at, root, step, LENGTH, rng, adapt=False)
        drawn = np.concatenate([drawn, kept], axis=1)
        result = Sample(drawn, split_r_hat(drawn), effective_size(drawn))
        if result.converged:
            break
    return result


def highest(density: Density, starts: Floats) -> Floats:
    """The vector (P,) of highest density that a search from each start finds."""

    def falling(vector: Floats) -> tuple[float, Floats]:
        value, gradient = density(vector[None])
        return -float(value[0]), -gradient[0]

    def search(start: Floats, steps: int) -> OptimizeResult:
        return minimize(
            falling, start, jac=True, method="L-BFGS-B", options={"maxiter": steps, "maxcor": 20}
        )

    ends = [search(start, FIRST_STEPS) for start in starts]
    best: Floats = search(min(ends, key=lambda end: end.fun).x, MORE_STEPS).x
    return best


def _spread_starts(
    density: Density, centre: Floats, root: Floats, rng: np.random.Generator
) -> Floats:
    """Chains' starts: of many draws round the highest point, some by how likely they are.

    A start where the density is next to nothing would be flung far out by its slope.
    """
    tries = centre + rng.standard_normal((STARTS, len(centre))) @ root.T
    away = np.linalg.solve(root, (tries - centre).T)
    weight = np.nan_to_num(density(tries)[0] + 0.5 * (away**2).sum(axis=0), nan=-np.inf)
    ranks = weight - np.log(-np.log(rng.random(STARTS)))
    starts: Floats = tries[np.argsort(-ranks)[:CHAINS]]
    return starts


def _covariance_at(density: Density, centre: Floats) -> Floats:
    """Inverse of the curvature there; directions that are flat or rise get a deviation of 1."""
    step = 1e-4
    moves = step * np.eye(len(centre))
    _, gradients = density(np.concatenate([centre + moves, centre - moves]))
    half = len(centre)
    curvature = -(gradients[:half] - gradients[half:]) / (2 * step)
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    inverse: Floats = (vectors / np.maximum(values, 1.0)) @ vectors.T
    return inverse


def _root_of_draws(drawn: Floats, root: Floats) -> Floats:
    """Cholesky root of the draws' covariance, drawn a little towards the one before."""
    flat = drawn.reshape(-1, drawn.shape[-1])
    weight = len(flat) / (len(flat) + 5.0 * flat.shape[1])
    covariance = weight * np.cov(flat, rowvar=False) + (1 - weight) * root @ root.T
    return _root(covariance)


def _root(covariance: Floats) -> Floats:
    return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)


def _run(
    density: Density, at: Floats, root: Floats, step: float, length: int,
    rng: np.random.Generator, *, adapt: bool,
) -> tuple[Floats, Floats, float]:  # fmt: skip
    """Move all chains `length` times; returns what they passed, where they are and the step."""
    passed = np.empty((len(at), length, at.shape[1]))
    here = density(at)
    for turn in range(length):
        jittered = step * float(np.exp(rng.uniform(*np.log(JITTER))))
        steps = max(1, int(np.ceil(TRAJECTORY * rng.uniform(0.5, 1.5) / jittered)))
        momentum = rng.standard_normal(at.shape)
        to, there, pushed = _leapfrog(density, at, here, momentum, root, jittered, steps)
        gain = there[0] - here[0] + 0.5 * ((momentum**2).sum(axis=1) - (pushed**2).sum(axis=1))
        chance = np.exp(np.minimum(np.nan_to_num(gain, nan=-np.inf), 0.0))
        taken = rng.random(len(at)) < chance
        at = np.where(taken[:, None], to, at)
        here = (np.where(taken, there[0], here[0]), np.where(taken[:, None], there[1], here[1]))
        passed[:, turn] = at
        if adapt:
            step *= float(np.exp((chance.mean() - WANTED_ACCEPTANCE) / np.sqrt(1 + turn / 8)))
            step = min(max(step, 0.02), 1.0)
    return passed, at, step


def _leapfrog(
    density: Density, at: Floats, here: tuple[Floats, Floats], momentum: Floats, root: Floats,
    step: float, steps: int,
) -> tuple[Floats, tuple[Floats, Floats], Floats]:  # fmt: skip
    """Follow the density's slope in the coordinates that `root` makes round."""
    momentum = momentum + 0.5 * step * here[1] @ root
    for turn in range(steps):
        at = at + step * momentum @ root.T
        here = density(at)
        momentum = momentum + (0.5 if turn == steps - 1 else 1.0) * step * here[1] @ root
    return at, here, momentum


def split_r_hat(drawn: Floats) -> Floats:
    """Split R-hat (P,) of draws (chains, length, P): 1 where halves of all chains agree."""
    half = drawn.shape[1] // 2
    parts = np.concatenate([drawn[:, :half], drawn[:, half : 2 * half]])
    within = parts.var(axis=1, ddof=1).mean(axis=0)
    between = parts.mean(axis=1).var(axis=0, ddof=1)
    agreed: Floats = np.sqrt((half - 1) / half + between / within)
    return agreed


def effective_size(drawn: Floats) -> Floats:
    """Effective number of independent draws (P,), by Geyer's initial positive sequence."""
    chains, length, _ = drawn.shape
    centred = drawn - drawn.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred, 2 * length, axis=1)
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, :length].mean(axis=0) / length
    within = covariance[0] * length / (length - 1)
    total = within * (length - 1) / length + drawn.mean(axis=1).var(axis=0, ddof=1)
    correlation = 1 - (within - covariance) / total
    pairs = correlation[: length // 2 * 2].reshape(-1, 2, correlation.shape[1]).sum(axis=1)
    positive = np.cumprod(pairs > 0, axis=0)
    sizes: Floats = chains * length / np.maximum(2 * (pairs * positive).sum(axis=0) - 1, 1e-3)
    return np.minimum(sizes, float(chains * length))
