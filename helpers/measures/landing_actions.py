"""Where visits are lost, step by step, and what mending the step would bring.

A step leaks where fewer visits pass it than in the shop's own comparable visits. Of one channel on
one device, at the checkout alone, those are the other channels' on the same device: whoever is at
the checkout wants to buy, wherever from. Of a device, those of the other devices in the same
channel; of a landing page, those of the other pages in the same channel; of a channel, its own of
52 weeks before on the same device. Comparable, not the same: people choose their device, so it is a
matched comparison and no test. Source: plan 2.2, 3.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from helpers.measures.channel_days import channel_days
from helpers.measures.contribution import contribution_share
from helpers.measures.landing import STEPS, SUMS, cells, rates, window_of, with_rates
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

DEVICE, PAGE, CHANNEL, CELL = "device", "landing_page", "channel", "cell"
NAMED = (CHANNEL, DEVICE, PAGE)
FEWEST_VISITS = 30
FEWEST_IN_STRATUM = 5
FEWEST_ORDERS = 10
BY_PAGE, BY_CELL = ("stayed",), ("order",)


def leaks(store: Store, period: Period) -> pd.DataFrame:
    """Every step compared, the most money first.

    Visits lost are turned into orders at the rate at which visits of the same device, page or
    channel that pass the step go on to order, and into money at the channel's sales per buyer and
    the shop's contribution share. Visits known are scaled to the channel's sessions in
    `traffic_daily` in the period; where it has none, to the period's length.

    Returns:
        `kind` (`cell`, `device`, `landing_page`, `channel`), `channel`, `device`, `landing_page`
        (what it is about; the others empty), `step`, `entered` (visits known),
        `rate`, `comparable` (rate that the comparable visits would have in the same make-up),
        `gap`, `gap_low`, `gap_high` (comparable less own), `is_leak` (the gap is above 0), `orders`
        (lost, of the shop in the period), `worth`, `worth_low`, `worth_high` (money of the period),
        `basis` (`contribution` or `paid_sales`), `scaled` (to `traffic_daily`), `compared` (number
        of comparisons), `reading_leak` (`leak`, `better`, `chance`). The intervals hold for all
        comparisons together at 95 % (Bonferroni), so the worst one is no product of looking at
        many. Steps of fewer than 30 visits, or passed by fewer than 10, are left out; a device is
        compared without its channels that leak by themselves.

    Raises:
        MissingTable: Visits or their orders are unknown for the 13 weeks.

    Source: plan 2.2, 3.3.
    """
    key = f"leaks.{period.start}.{period.end}"
    found: pd.DataFrame = store.once(key, lambda: _leaks(store, period))
    return found.copy()


def _leaks(store: Store, period: Period) -> pd.DataFrame:
    import pandas as pd
    from scipy.stats import norm

    frame = cells(store, window_of(store, period))
    strata = _comparisons(store, period, frame)
    money = _money(store, period, frame)
    z = float(norm.ppf(1 - 0.025 / max(len(strata), 1)))
    rows: list[dict[str, Any]] = []
    for about, step, part in strata:
        leaking = [
            row[CHANNEL] for row in rows
            if row["kind"] == CELL and row["is_leak"] and row["step"] == step
            and row[DEVICE] == about.get(DEVICE) and CHANNEL not in about
        ]  # fmt: skip
        kept = part[~part[CHANNEL].isin(leaking)]
        if kept.empty:
            continue
        lost = _lost(kept, _goes_on(frame, about, step), money, z)
        kind = CELL if len(about) > 1 else next(iter(about))
        rows.append({"kind": kind, **dict.fromkeys(NAMED, ""), **about, "step": step, **lost})
    names = ["kind", *NAMED, "step", "entered", "rate", "comparable", "gap", "gap_low", "gap_high",
             "is_leak", "orders", "worth", "worth_low", "worth_high"]  # fmt: skip
    found = pd.DataFrame(rows, columns=names)
    found = found.assign(
        basis=money.attrs["basis"], scaled=money.attrs["scaled"], compared=len(strata)
    )
    better = found["gap_high"].map(lambda high: "better" if high < 0 else "chance")
    found["reading_leak"] = better.mask(found["is_leak"].astype(bool), "leak")
    ordering = ["is_leak", "worth", "kind", *NAMED, "step"]
    return found.sort_values(
        ordering, ascending=[False, False] + [True] * (len(NAMED) + 2), ignore_index=True
    )


def _comparisons(
    store: Store, period: Period, frame: pd.DataFrame
) -> list[tuple[dict[str, str], str, pd.DataFrame]]:
    """Own and comparable rates in strata, for every cell, device, page and channel and step."""
    steps = [step for step in STEPS if (frame["step"] == step).any()]
    found = _listed(_against_rest(frame, (CHANNEL, DEVICE), DEVICE), (CHANNEL, DEVICE), BY_CELL)
    for kind, wanted in ((DEVICE, steps), (PAGE, BY_PAGE)):
        found += _listed(_against_rest(frame, (CHANNEL, kind), CHANNEL), (kind,), wanted)
    try:
        then = cells(store, window_of(store, period, years_back=1))
    except MissingTable:
        return found
    keys = (CHANNEL, DEVICE)
    both = _side_by_side(rates(frame, *keys), rates(then, *keys), keys)
    return found + _listed(both, (CHANNEL,), steps)


def _against_rest(frame: pd.DataFrame, keys: tuple[str, str], within: str) -> pd.DataFrame:
    """Rates by two columns, beside those of everything else that shares the column `within`."""
    own = frame.groupby([*keys, "step"])[list(SUMS)].sum()
    whole = own.groupby(level=[within, "step"]).transform("sum")
    own, rest = (with_rates(part.reset_index()) for part in (own, whole - own))
    return _side_by_side(own, rest, keys)


def _side_by_side(own: pd.DataFrame, others: pd.DataFrame, keys: tuple[str, str]) -> pd.DataFrame:
    """Strata in which both sides have enough visits."""
    both = own.merge(others, on=[*keys, "step"], suffixes=("", "_other"))
    enough = both[["entered", "entered_other"]].min(axis=1) >= FEWEST_IN_STRATUM
    return both[enough & both["error"].notna() & both["error_other"].notna()]


def _listed(
    both: pd.DataFrame, named: tuple[str, ...], steps: Sequence[str]
) -> list[tuple[dict[str, str], str, pd.DataFrame]]:
    """Strata by what they are about and the step, where all of them have enough visits."""
    found = []
    for about, part in both[both["step"].isin(steps)].groupby([*named, "step"]):
        entered = part[["entered", "entered_other"]].sum().min()
        reached = part[["reached", "reached_other"]].sum().min()
        if entered >= FEWEST_VISITS and reached >= FEWEST_ORDERS:
            names = dict(zip((*named, "step"), map(str, about), strict=True))
            found.append((names, names.pop("step"), part))
    return found


def _goes_on(frame: pd.DataFrame, about: dict[str, str], step: str) -> float:
    """Orders per visit that passed a step."""
    for column, name in about.items():
        frame = frame[frame[column] == name]
    passed = frame.loc[frame["step"] == step, "reached"].sum()
    ordered = frame.loc[frame["step"] == "order", "reached"].sum()
    return float(ordered / passed) if passed else 0.0


def _lost(part: pd.DataFrame, goes_on: float, money: pd.DataFrame, z: float) -> dict[str, Any]:
    """The gap of a step, and what it loses, added up over strata."""
    entered = part["entered"]
    gap = part["rate_other"] - part["rate"]
    variance = part["error"] ** 2 + part["error_other"] ** 2
    weight = entered / entered.sum()
    mean = float((weight * gap).sum())
    half = z * math.sqrt(float((weight**2 * variance).sum()))
    orders = entered * part["channel"].map(money["scale"]) * goes_on
    each = orders * part["channel"].map(money["value"])
    worth = float((each * gap).sum())
    spread = z * math.sqrt(float((each**2 * variance).sum()))
    return {
        "entered": float(entered.sum()),
        "rate": float((weight * part["rate"]).sum()),
        "comparable": float((weight * part["rate_other"]).sum()),
        "gap": mean,
        "gap_low": mean - half,
        "gap_high": mean + half,
        "is_leak": mean - half > 0 and worth - spread > 0,
        "orders": float((orders * gap).sum()),
        "worth": worth,
        "worth_low": worth - spread,
        "worth_high": worth + spread,
    }


def _money(store: Store, period: Period, frame: pd.DataFrame) -> pd.DataFrame:
    """By channel: `scale` (shop's visits in the period per visit known) and `value` of an order."""
    import pandas as pd

    window = window_of(store, period)
    known = frame[frame["step"] == "all"].groupby(CHANNEL)["entered"].sum()
    days = channel_days(store, period)
    sums = days.groupby("channel")[["sessions", "paid_sales", "buyers"]].sum()
    length = period.days / window.days
    visits = sums["sessions"].reindex(known.index)
    scaled = bool((visits > 0).any())
    scale = (visits / known).where(visits > 0, length) if scaled else known * 0.0 + length
    total = sums[["paid_sales", "buyers"]].sum()
    average = total["paid_sales"] / total["buyers"] if total["buyers"] else math.nan
    each = (sums["paid_sales"] / sums["buyers"].where(sums["buyers"] >= FEWEST_ORDERS)).reindex(
        known.index
    )
    share = contribution_share(store, period)
    value = each.fillna(average) * (1.0 if share is None else share)
    found = pd.DataFrame({"scale": scale, "value": value})
    found.attrs = {"basis": "paid_sales" if share is None else "contribution", "scaled": scaled}
    return found


def landing_actions(store: Store, period: Period) -> pd.DataFrame:
    """Which step to mend where, most money first.

    Returns:
        `action` (`cell_order`, `device_stayed` ... `channel_order`: the kind and the step),
        `channel`, `device`, `landing_page`, `rate`, `comparable`, `orders`, `worth`, `worth_low`,
        `worth_high` (money of the period), `basis`. No row where no step leaks beyond chance; a
        channel's step that leaks on one device is told once, with the device.

    Raises:
        MissingTable: As `leaks`.

    Source: plan 2.2, 3.3.
    """
    found = leaks(store, period)
    found = found[found["is_leak"]]
    told = found[found["kind"] == CELL].set_index([CHANNEL, "step"]).index
    again = found.set_index([CHANNEL, "step"]).index.isin(told)
    found = found[(found["kind"] != CHANNEL) | ~again]
    found = found.assign(action=found["kind"] + "_" + found["step"])
    names = ["action", *NAMED, "step", "rate", "comparable", "orders", "worth", "worth_low",
             "worth_high", "basis"]  # fmt: skip
    return found[names].reset_index(drop=True)
