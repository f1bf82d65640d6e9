"""Table `budgets`: plans of marketing and net sales, made from the year before."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.store.sample.advertising import CAMPAIGNS, Spend
from helpers.store.sample.arrow import dates, money, words
from helpers.store.sample.block_tables import Columns
from helpers.store.sample.totals import Totals
from helpers.store.sample.world import World

YEAR_MONTHS = 12
PLANNED_GROWTH = 1.10
MARKETING_GROWTH = {
    "organic_search": 1.15, "recommendation": 1.15, "onsite_ads": 1.20, "social_ads": 1.45,
    "content": 1.30, "live": 1.45, "crm": 1.10, "referral": 1.15, "affiliate": 1.20,
}  # fmt: skip
REFUNDED_SHARE = 0.12
STEP_CENTS = 50_000


def budget_columns(world: World, totals: Totals, spend: Spend) -> Columns | None:
    """Budgets of every month that had the same month a year before in full; None without any.

    Marketing by channel: the spend of that month x growth. Net sales of the shop: what was paid in
    it, less the usual refunds, x growth. Both rounded to whole 500 CNY, at least that.
    """
    starts = np.flatnonzero(np.diff(world.calendar.month, prepend=0))
    starts = starts[1:] if world.setting.starts_on.day != 1 else starts
    if len(starts) <= YEAR_MONTHS:
        return None
    by_month = np.add.reduceat(spend.cents[starts[0] :], starts - starts[0], axis=0)
    paid = np.add.reduceat(totals.paid_cents.sum(axis=1)[starts[0] :], starts - starts[0])
    of = np.array([campaign.channel for campaign in CAMPAIGNS])
    amounts = [
        growth * by_month[:-YEAR_MONTHS, of == channel].sum(axis=1)
        for channel, growth in MARKETING_GROWTH.items()
    ]
    amounts.append(paid[:-YEAR_MONTHS] * (1 - REFUNDED_SHARE) * PLANNED_GROWTH)
    steps = np.maximum(np.rint(np.stack(amounts, axis=1) / STEP_CENTS), 1).astype(np.int64)
    month, line = np.nonzero(steps)
    return {
        "month": dates(world.setting, starts[YEAR_MONTHS:][month]),
        "line": words(["marketing"] * len(MARKETING_GROWTH) + ["net_sales"], line),
        "channel": words([*MARKETING_GROWTH, ""], line),
        "amount": money(steps[month, line] * STEP_CENTS),
    }


def budget_truth() -> dict[str, Any]:
    """How the plans were made, for `truth.json`."""
    return {
        "marketing_growth_on_year_before": MARKETING_GROWTH,
        "net_sales_growth_on_year_before": PLANNED_GROWTH,
    }
