"""Exact splits of a change: of a product into its factors, of a cost per customer into its causes.

Logarithmic mean Divisia index I (LMDI-I): the pieces add up to the change whatever the numbers are,
and a split read backwards is the same with the signs turned. Source: Ang (2005), Energy Policy 33;
zeros: Ang and Liu (2007), Energy Policy 35.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student_t

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

PIECES = (
    "mix", "impression_price", "click_price", "click_rate", "conversion", "overlap", "unsplit",
    "other",
)  # fmt: skip


def logarithmic_mean(a: ArrayLike, b: ArrayLike) -> Floats:
    """(a - b) / ln(a / b) elementwise; the value itself where both are equal, 0 where one is 0."""
    one, two = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float))
    positive = (one > 0) & (two > 0)
    first, second = np.where(positive, one, 1.0), np.where(positive, two, 1.0)
    half = (np.log(first) - np.log(second)) / 2
    tiny = np.abs(half) < 1e-3
    spread = np.where(tiny, 1.0, half)
    shape = np.where(tiny, 1 + half**2 / 6, np.sinh(spread) / spread)
    return np.where(positive, np.sqrt(first) * np.sqrt(second) * shape, 0.0)


def product_change(before: ArrayLike, after: ArrayLike) -> Floats:
    """What each factor adds to the change of their product.

    A factor that is zero in one of the two states carries the whole change, several of them in
    equal parts (the limit of equally small numbers in their place).

    Args:
        before: Factors along the last axis, finite, 0 or more.
        after: The same factors afterwards, same shape.

    Returns:
        Same shape; sums over the last axis to the change of the product.

    Raises:
        ValueError: A factor below 0 or not finite, or shapes that differ.

    Source: Ang (2005); Ang and Liu (2007).
    """
    old, new = np.asarray(before, float), np.asarray(after, float)
    if old.shape != new.shape:
        raise ValueError(f"before has shape {old.shape} and after {new.shape}, must be the same.")
    if not (np.isfinite(old).all() and np.isfinite(new).all() and (old >= 0).all()
            and (new >= 0).all()):  # fmt: skip
        raise ValueError("factors must be finite and 0 or more; leave unknown factors out.")
    whole_old, whole_new = old.prod(axis=-1), new.prod(axis=-1)
    change = (whole_new - whole_old)[..., None]
    weight = logarithmic_mean(whole_new, whole_old)[..., None]
    both = (old > 0) & (new > 0)
    ratio = np.log(np.where(both, new, 1.0)) - np.log(np.where(both, old, 1.0))
    pieces = weight * ratio
    gone = np.where((whole_old > 0)[..., None], new == 0, old == 0)
    gone = gone | ~gone.any(axis=-1, keepdims=True)  # a product too small for a float
    parts = gone / gone.sum(axis=-1, keepdims=True)
    regular = ((whole_old > 0) & (whole_new > 0))[..., None]
    return np.where(regular, pieces, change * parts)


@dataclass(frozen=True)
class CostParts:
    """What acquisition cost in one period, and what came of it, by channel.

    Attributes:
        customers: New customers, (..., C), 0 or more, at least one in all.
        media: Spend on impressions and clicks, (C,).
        other: All other spend on new customers: agency, slot fee, coupons, commission, (C,).
        impressions: Of the media spend; NaN where the channel counts none, (C,).
        clicks: Of the media spend; NaN where the channel counts none, (C,).
        overlap: Visitors of the channel / the same visitors, each shared out evenly over all
            channels that it came by that day; 1 where nobody came by two, (C,).
    """

    customers: Floats
    media: Floats
    other: Floats
    impressions: Floats
    clicks: Floats
    overlap: Floats


def cost_change(before: CostParts, after: CostParts) -> dict[str, Floats]:
    """Split the change of cost per new customer by channel and cause.

    A channel's media spend per new customer of the shop is a product: its share of the new
    customers x price of an impression x impressions per click x clicks per new customer. The last
    factor is itself clicks per customer of shared-out visitors x overlap: where visitors come by
    more channels than before, each channel counts more visitors for the same people, which lowers
    conversion without anybody having changed; that part is `overlap`, 0 where no one overlaps.

    The share is judged against the mean: K times its change is taken off each channel (K: the mean
    media cost per new customer of both periods), which sums to nothing over channels, so that an
    unpaid channel that wins share lowers the cost in its own row.

    Returns:
        `PIECES`, each (..., C) money per new customer: `mix` (share of new customers),
        `impression_price` (CPM), `click_price` (CPC, where no impressions are counted),
        `click_rate` (CTR), `conversion` (new customers per click), `overlap`, `unsplit` (media
        spend of channels that count no clicks, or whose spend or customers began or ended), `other`
        (all spend but media). All of them, over all channels, sum to the change of the cost.

    Raises:
        ValueError: A period without new customers.
    """
    totals = [one.customers.sum(axis=-1, keepdims=True) for one in (before, after)]
    if not all((total > 0).all() for total in totals):
        raise ValueError("customers sum to 0 in a period, must be at least 1 to have a cost.")
    states = [_factors(one, total) for one, total in zip((before, after), totals, strict=True)]
    usable = np.logical_and(*(np.isfinite(one) & (one > 0) for one in states))
    shown: Flags = usable[..., 1] & usable[..., 2]
    clicked = usable[..., 3]
    split = usable[..., 0] & usable[..., 4] & usable[..., 5] & (shown | clicked)
    chain = [_chain(one, shown, split) for one in states]
    pieces = product_change(*chain)
    shares = [one.customers / total for one, total in zip((before, after), totals, strict=True)]
    media = [one.media / total for one, total in zip((before, after), totals, strict=True)]
    other = [one.other / total for one, total in zip((before, after), totals, strict=True)]
    mean = sum(one.sum(axis=-1, keepdims=True) for one in media) / 2
    found = dict(zip(PIECES[:6], np.moveaxis(pieces, -1, 0), strict=True))
    found["mix"] = found["mix"] - mean * (shares[1] - shares[0])
    found["unsplit"] = np.where(split, 0.0, media[1] - media[0])
    found["other"] = other[1] - other[0] + np.zeros_like(shares[0])
    return found


def _factors(one: CostParts, total: Floats) -> Floats:
    """Share, CPM, impressions per click, CPC, clicks per shared-out customer, overlap."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factors = (
            one.customers / total, one.media / one.impressions, one.impressions / one.clicks,
            one.media / one.clicks, one.clicks / one.customers / one.overlap, one.overlap,
        )  # fmt: skip
    return np.stack(np.broadcast_arrays(*factors), axis=-1)


def _chain(factors: Floats, shown: Flags, split: Flags) -> Floats:
    """Factors of the product; 1 where a channel can't be split or the factor is not its own."""
    share, cpm, per_click, cpc, clicks, overlap = np.moveaxis(factors, -1, 0)
    by_click = split & ~shown
    kept = (
        (share, split), (cpm, split & shown), (cpc, by_click), (per_click, split & shown),
        (clicks, split), (overlap, split),
    )  # fmt: skip
    return np.stack([np.where(mask, values, 1.0) for values, mask in kept], axis=-1)


def draws_of_sums(
    totals: ArrayLike, residuals: ArrayLike, draws: int = 1000, seed: int = 0
) -> Floats:
    """Sums over days as another run of the same process might have given them.

    The long-run covariance of the days is that of equal-weighted cosines, as in
    `intervals.ratio_of_sums`; draws are widened to its degrees of freedom, so that their 2.5 and
    97.5 % points are the ends of a 95 % interval.

    Args:
        totals: (C,) sums, 0 or more.
        residuals: (T, C) days less what is expected of them, consecutive, T at least 2.
        draws: How many.
        seed: Of the random numbers.

    Returns:
        (draws, C), 0 or more.
    """
    days = np.asarray(residuals, float)
    n = len(days)
    if n < 2:
        raise ValueError(f"residuals hold {n} days, must be 2 or more.")
    cosines = min(n - 1, max(4, round(0.4 * n ** (2 / 3))))
    frequency = np.arange(1, cosines + 1)[:, None]
    basis = np.sqrt(2 / n) * np.cos(np.pi * frequency * (np.arange(n) + 0.5) / n)
    loadings = basis @ days * np.sqrt(n / cosines)
    wider = student_t.ppf(0.975, cosines) / 1.959963984540054
    random = np.random.default_rng(seed).standard_normal((draws, cosines))
    return np.maximum(np.asarray(totals, float) + wider * random @ loadings, 0.0)


def with_customers(parts: CostParts, customers: Floats) -> CostParts:
    """The same period with other numbers of new customers."""
    return replace(parts, customers=customers)
