"""The shop's test of spend: regions in which half of the social feed's ads were left out.

What it found is drawn around the truth with the standard error that such a test has. The regions
left out are few: the tables of days take the channel's budget as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from helpers.store.sample.advertising import CAMPAIGNS, Spend
from helpers.store.sample.arrow import dates, text
from helpers.store.sample.block_tables import Columns
from helpers.store.sample.channels import NAMES
from helpers.store.sample.response import RESPONDING, WEEK, reaction, week_of_days
from helpers.store.sample.streams import stream
from helpers.store.sample.world import World

TESTED = "social_ads"
WEEKS, WEEKS_BEFORE_END, WEEKS_NEEDED = 8, 18, 60
LEFT_OUT = 0.5
REGION_SHARE = 0.2


@dataclass(frozen=True)
class SpendTest:
    """One test of spend, scaled up to the whole shop.

    Attributes:
        first: First day, a Monday, in days from the start.
        last: Last day, a Sunday.
        extra_cents: Spend of the shop above that of the regions left out.
        expected_customers: True new customers that it brought up to the last day.
        found_customers: New customers that the test found.
        standard_error: Of `found_customers`, from chance in the numbers of both groups.
    """

    first: int
    last: int
    extra_cents: float
    expected_customers: float
    found_customers: float
    standard_error: float


def draw_spend_test(world: World, spend: Spend) -> SpendTest | None:
    """The test of a shop that varies its budgets and whose customers follow them; else None.

    A share q of the regions gets half of the ads. New customers of both groups are Poisson, so
    scaled up to the shop the difference has the variance n (1 / q + 1 / (1 - q)), n the channel's
    new customers of these weeks.
    """
    on = world.setting.mechanisms
    week = week_of_days(world.calendar)
    if not (on.response and on.budget_variation) or week[-1] < WEEKS_NEEDED:
        return None
    weeks = np.arange(WEEKS) + int(week[-1]) - WEEKS_BEFORE_END - WEEKS
    days = np.flatnonzero(np.isin(week, weeks))
    brought = _brought(world, weeks)
    count = float(world.channels.new_customers[days, NAMES.index(TESTED)].sum())
    error = float(np.sqrt(count * (1 / REGION_SHARE + 1 / (1 - REGION_SHARE))))
    campaigns = [of.channel == TESTED for of in CAMPAIGNS]
    extra = LEFT_OUT * float(spend.expected_cents[days][:, campaigns].sum())
    found = brought + error * stream(world.setting.seed, "spend_tests").standard_normal()
    return SpendTest(int(days[0]), int(days[-1]), extra, brought, float(found), error)


def _brought(world: World, weeks: np.ndarray) -> float:
    """True new customers of these weeks with all of the ads less those with half of them."""
    budgets, column = world.channels.budgets, RESPONDING.index(TESTED)
    levels = budgets.levels.copy()
    levels[weeks, column] *= 1 - LEFT_OUT
    less = (reaction(budgets.levels) - reaction(levels))[weeks, column] * budgets.at_plan[column]
    by_day = world.channels.planned_customers[:, NAMES.index(TESTED)]
    planned = np.bincount(week_of_days(world.calendar), weights=by_day)
    return float(planned[weeks] @ less)


def spend_test_columns(world: World, test: SpendTest) -> Columns:
    """Table `spend_tests`."""
    return {
        "test_id": text("ST001", 1),
        "channel": text(TESTED, 1),
        "method": text("geo_holdout", 1),
        "starts_on": dates(world.setting, np.array([test.first])),
        "ends_on": dates(world.setting, np.array([test.last])),
        "extra_spend": pa.array([round(test.extra_cents / 100, 2)]),
        "extra_new_customers": pa.array([round(test.found_customers, 1)]),
        "standard_error": pa.array([round(test.standard_error, 1)]),
    }


def as_truth(world: World, test: SpendTest) -> dict[str, Any]:
    """What the test should have found, for `truth.json`."""
    return {
        "channel": TESTED,
        "starts_on": str(world.setting.date_of(test.first)),
        "ends_on": str(world.setting.date_of(test.last)),
        "weeks": (test.last - test.first + 1) // WEEK,
        "extra_spend": test.extra_cents / 100,
        "extra_new_customers": test.expected_customers,
        "left_out_share": LEFT_OUT,
    }
