"""What a product's page tells search: words that its title lacks, and its reviews.

Both are comparisons of products, no tests: a product whose title holds a term may differ from the
others in more than its title. Source: plan 2.2.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.measures.assortment import PRODUCT, described
from helpers.measures.channel_days import within
from helpers.measures.product_changes import FALSE_DISCOVERY_RATE, stands_out
from helpers.measures.search_terms import of_span, require_terms, sums
from helpers.measures.search_worth import click_worth, months_of
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    from datetime import date

    import ibis.expr.types as ir
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

FEWEST_CLICKS = 10
FEWEST_PAIRS = 8
FEWEST_GAPS = 2
LARGEST_PAIRS = 2000
RECENT_DAYS = 90
YEAR_DAYS = 365
FEWEST_REVIEWS = 30
FEWEST_RECENT = 10
SHORTEST_RUN = 2
STATES = ("below", "falling", "few", "fine")


def title_gaps(store: Store, period: Period) -> pd.DataFrame:
    """Generic terms that show a product whose title does not hold them, dearest first.

    A title holds an English term where all its words stand in it, in any order, plurals alike; a
    Chinese one where it can be cut into pieces of two signs and more that all stand in it; one of
    the two suffices. The gain is what the click rate of terms whose title holds them is above that
    of the others at the same rank (least squares of log click rate on log rank and on whether the
    title holds the term). More impressions, which the words may bring too, are not counted.

    Terms by which clearly fewer than half as many buy as by the others over a year are left out:
    words for those who look for something else.

    Returns:
        One row per term and product with at least 10 clicks: `term`, `term_zh`, `product_id`,
        `name`, `name_zh`, `title`, `title_zh`, `impressions`, `clicks`, `position`, `ctr`,
        `held_ctr` (what terms of that rank reach where the title holds them), `difference`,
        `difference_low`, `difference_high` (relative: click rate where the title lacks the term
        against where it holds it, all such terms together; 95 %), `clicks_month`, `clicks_low`,
        `clicks_high` (clicks more a month), `worth`, `worth_low`, `worth_high` (their money),
        `basis`, `compared` (terms in the comparison), `advice` (`add`: titles that lack their
        terms are clicked clearly less; `try`: not enough evidence).

    Raises:
        MissingTable: Titles, search terms, their products or ranks are unknown; or there are too
            few of them to compare.

    Source: plan 2.2.
    """
    pairs = _pairs(store, period)
    pairs = pairs[~pairs["term"].isin(_unsold(store, period))].reset_index(drop=True)
    held = np.array([_holds(row) for row in pairs.to_dict("records")])
    gaps = pairs[~held].reset_index(drop=True)
    if gaps.empty:
        return gaps
    if len(pairs) < FEWEST_PAIRS or held.sum() < FEWEST_PAIRS // 2:
        raise MissingTable("search_terms", ("term",), "short")
    fitted = _fit(pairs, held)
    money, months = click_worth(store, period), months_of(period, store)
    gaps["held_ctr"] = np.exp(fitted["base"] + fitted["slope"] * np.log(gaps["position"]))
    ends = [fitted[name] for name in ("gap", "gap_low", "gap_high")]
    for name, end in zip(("difference", "difference_low", "difference_high"), ends, strict=True):
        gaps[name] = math.expm1(end)
    for name, end in zip(("clicks_month", "clicks_high", "clicks_low"), ends, strict=True):
        gaps[name] = gaps["clicks"] / months * math.expm1(-end)
        gaps[name.replace("clicks_month", "worth").replace("clicks", "worth")] = (
            gaps[name] * money.per_click
        )
    gaps = gaps.assign(
        basis=money.basis, compared=len(pairs), advice="add" if ends[2] < 0 else "try"
    )
    gaps = gaps.sort_values(
        ["clicks", "term", "product_id"], ascending=[False, True, True], ignore_index=True
    )
    return gaps.drop(columns="shop_id")


def review_signals(store: Store, period: Period) -> pd.DataFrame:
    """Products that search shows, with what their reviews say; those to be mended first.

    How single reviews spread is not known: the interval takes the widest spread that stars from 1
    to 5 with such a mean can have, so it errs on the careful side. Reviews of the last 90 days come
    from the mean and number now and then; rounding of the means is part of their interval. Where
    that gives no possible mean, the source's stars are none of all reviews so far: `recent` is
    empty, and the stars then and now are compared.

    Returns:
        One row per product with search clicks in the period: `product_id`, `name`, `name_zh`,
        `rating`, `rating_low`, `rating_high` (stars; 95 %), `shop_rating` (of all reviews),
        `reviews`, `recent`, `recent_low`, `recent_high` (stars of the last 90 days; empty below 10
        reviews), `clicks_month` (search clicks), `worth` (what they bring a month), `basis`,
        `review_state` (`below`: the shop's mean; `falling`: the last 90 days lie below what was
        before; `few`: fewer than 30 reviews; `fine`). Below and falling at a false discovery rate
        of 5 %.

    Raises:
        MissingTable: Ratings, reviews, search terms or their products are unknown.

    Source: plan 2.2; Bhatia and Davis (2000) on the widest spread.
    """
    store.require("listings")
    store.require("listings", "rating", "reviews")
    require_terms(store, period, "product_id")
    end = within(store, period).end
    now = _state(store, end, "rating", "reviews")
    then = _state(store, end - timedelta(days=RECENT_DAYS), "rating", "reviews")
    shown = _clicks_by_product(store, period)
    joined = shown.inner_join(now, PRODUCT).left_join(
        then.rename(rating_then="rating", reviews_then="reviews"), PRODUCT
    )
    joined = described(store, joined.drop("shop_id_right", "product_id_right"))
    frame = store.to_frame(joined.order_by(*PRODUCT))
    frame = frame[frame["rating"].notna() & (frame["reviews"] > 0)].reset_index(drop=True)
    if frame.empty:
        raise MissingTable("listings", ("rating", "reviews"), "empty")
    every = store.to_frame(
        now.filter(now.rating.notnull(), now.reviews > 0).aggregate(
            stars=(now.rating * now.reviews).sum().cast("float64"),
            reviews=now.reviews.sum().cast("float64"),
        )
    ).iloc[0]
    frame["shop_rating"] = every["stars"] / every["reviews"]
    frame = _with_recent(frame)
    money = click_worth(store, period)
    frame["clicks_month"] = frame["clicks"] / months_of(period, store)
    frame["worth"] = frame["clicks_month"] * money.per_click
    return _reviewed(frame.assign(basis=money.basis))


def holds_english(term: str, title: str) -> bool:
    """Whether all words of a term stand in a title, in any order, plurals alike."""
    return _words(term) <= _words(title)


def holds_chinese(term: str, title: str) -> bool:
    """Whether a term can be cut into pieces of two signs and more that all stand in a title."""
    term, title = ("".join(text.casefold().split()) for text in (term, title))
    reached = {0}
    for end in range(SHORTEST_RUN, len(term) + 1):
        starts = (s for s in reached if end - s >= SHORTEST_RUN)
        if any(term[start:end] in title for start in starts):
            reached.add(end)
    return len(term) in reached if len(term) >= SHORTEST_RUN else term in title


def _words(text: str) -> set[str]:
    return {_stem(word) for word in re.findall(r"\w+", text.casefold())}


def _stem(word: str) -> str:
    """A word without the ending of its plural."""
    if len(word) > 4 and word.endswith(("ses", "xes", "zes", "ches", "shes")):
        return word[:-2]
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] != "s" else word


def _holds(row: dict[str, Any]) -> bool:
    pairs = (("term", "title", holds_english), ("term_zh", "title_zh", holds_chinese))
    return any(
        test(row[term], row[title])
        for term, title, test in pairs
        if isinstance(row[term], str) and isinstance(row[title], str)
    )


def _pairs(store: Store, period: Period) -> pd.DataFrame:
    """Generic terms with the product that each shows and its title at the period's end."""
    import ibis

    require_terms(store, period, "product_id", "position")
    empty = store.quality["empty_columns"].get("listings", ())
    titles = [name for name in ("title", "title_zh") if name not in empty]
    store.require("listings", "valid_from", *(() if titles else ("title",)))
    span = within(store, period)
    rows = of_span(store, span)
    rows = rows.filter(rows.product_id != "", rows.intent != "brand")
    pairs = rows.group_by(*PRODUCT, "term").aggregate(term_zh=rows.term_zh.max(), **sums(rows))
    pairs = pairs.filter(pairs.clicks >= FEWEST_CLICKS, pairs.placed > 0)
    pairs = pairs.order_by(ibis.desc("clicks"), *PRODUCT, "term").limit(LARGEST_PAIRS)
    texts = _state(store, span.end, "title", "title_zh")
    named = described(store, pairs.inner_join(texts, PRODUCT))
    named = named.mutate(position=named.ranked / named.placed, ctr=named.clicks / named.impressions)
    known = named.title.notnull() | named.title_zh.notnull()
    wanted = named.filter(known).select(
        "shop_id", "term", "term_zh", "product_id", "name", "name_zh", "title", "title_zh",
        "impressions", "clicks", "position", "ctr",
    )  # fmt: skip
    return store.to_frame(wanted.order_by("term", *PRODUCT))


def _unsold(store: Store, period: Period) -> list[str]:
    """Terms of a year by which clearly fewer than half as many buy as by the others."""
    from scipy.stats import chi2

    if "buyers" in store.quality["empty_columns"].get("search_terms", ()):
        return []
    rows = of_span(store, within(store, period.trailing(YEAR_DAYS)))
    rows = rows.filter(rows.intent != "brand")
    frame = store.to_frame(rows.group_by("term").aggregate(**sums(rows)).order_by("term"))
    rate = frame["buyers"].sum() / frame["clicks"].sum()
    most = chi2.ppf(0.975, 2 * frame["buyers"].fillna(0) + 2) / 2
    few = frame["clicks"] * rate / 2 > most
    return [str(term) for term in frame.loc[few, "term"]]


def _state(store: Store, day: date, *columns: str) -> ir.Table:
    """The latest known value of columns of `listings` of each product on a day."""
    rows = store.table("listings")
    rows = rows.filter(rows.valid_from <= day)
    latest = {
        name: rows[name].argmax(rows.valid_from, where=rows[name].notnull()) for name in columns
    }
    return rows.group_by(*PRODUCT).aggregate(**latest)


def _clicks_by_product(store: Store, period: Period) -> ir.Table:
    rows = of_span(store, within(store, period))
    rows = rows.filter(rows.product_id != "")
    grouped = rows.group_by(*PRODUCT).aggregate(clicks=rows.clicks.sum().cast("float64"))
    return grouped.filter(grouped.clicks > 0)


def _fit(pairs: pd.DataFrame, held: np.ndarray) -> dict[str, float]:
    """Log click rate on log rank and on a title without the term; 95 % ends of the latter."""
    from scipy.stats import t

    design = np.column_stack([np.ones(len(pairs)), np.log(pairs["position"]), (~held) * 1.0])
    outcome = np.log((pairs["clicks"] / pairs["impressions"]).to_numpy())
    found, *_ = np.linalg.lstsq(design, outcome, rcond=None)
    residuals = outcome - design @ found
    degrees = len(pairs) - design.shape[1]
    spread = np.linalg.pinv(design.T @ design) * float(residuals @ residuals) / degrees
    enough = (~held).sum() >= FEWEST_GAPS
    half = float(t.ppf(0.975, degrees) * np.sqrt(spread[2, 2])) if enough else math.inf
    gap = float(found[2])
    return {"base": float(found[0]), "slope": float(found[1]), "gap": gap,
            "gap_low": gap - half, "gap_high": gap + half}  # fmt: skip


def _spread(stars: pd.Series) -> pd.Series:
    """The widest standard deviation of stars from 1 to 5 with this mean."""
    return ((5 - stars) * (stars - 1)).clip(lower=0) ** 0.5


def _with_recent(frame: pd.DataFrame) -> pd.DataFrame:
    """Stars of the reviews that came in the last 90 days, and their standard errors."""
    new = frame["reviews"] - frame["reviews_then"]
    enough = (new >= FEWEST_RECENT) & (frame["reviews_then"] >= FEWEST_RECENT)
    new = new.where(enough)
    stars = frame["rating"] * frame["reviews"] - frame["rating_then"] * frame["reviews_then"]
    means = frame[["rating", "rating_then"]].to_numpy(float)
    coarse = np.allclose(np.round(means, 1), means, equal_nan=True, atol=1e-6)
    rounding = (0.05 if coarse else 0.005) / math.sqrt(3)
    rounded = rounding * np.hypot(frame["reviews"], frame["reviews_then"]) / new
    recent = stars / new
    recent = recent.where(recent.between(1 - 2 * rounded, 5 + 2 * rounded)).clip(1, 5)
    error = np.hypot(_spread(recent) / new**0.5, rounded)
    old = _spread(frame["rating_then"]) / frame["reviews_then"] ** 0.5
    now = _spread(frame["rating"]) / frame["reviews"] ** 0.5
    shown = (frame["rating_then"] - frame["rating"]) / np.hypot(old, now)
    fall = (frame["rating_then"] - recent) / np.hypot(error, old)
    return frame.assign(
        recent=recent,
        recent_low=(recent - 1.96 * error).clip(lower=1),
        recent_high=(recent + 1.96 * error).clip(upper=5),
        fall=fall.where(recent.notna(), shown),
    )


def _reviewed(frame: pd.DataFrame) -> pd.DataFrame:
    from scipy.stats import norm

    error = _spread(frame["rating"]) / frame["reviews"] ** 0.5
    behind = (frame["shop_rating"] - frame["rating"]) / error.where(error > 0)
    below, falling = (
        stands_out(norm.sf(score.fillna(-9).to_numpy()), FALSE_DISCOVERY_RATE)
        for score in (behind, frame["fall"])
    )
    few = (frame["reviews"] < FEWEST_REVIEWS).to_numpy()
    frame = frame.assign(
        rating_low=(frame["rating"] - 1.96 * error).clip(lower=1),
        rating_high=(frame["rating"] + 1.96 * error).clip(upper=5),
        review_state=np.select([below, falling, few], STATES[:3], STATES[3]),
    )
    frame["order"] = frame["review_state"].map({state: i for i, state in enumerate(STATES)})
    frame = frame.sort_values(
        ["order", "clicks", "product_id"], ascending=[True, False, True], ignore_index=True
    )
    names = ["product_id", "name", "name_zh", "rating", "rating_low", "rating_high", "shop_rating",
             "reviews", "recent", "recent_low", "recent_high", "clicks_month", "worth", "basis",
             "review_state"]  # fmt: skip
    return frame[names]
