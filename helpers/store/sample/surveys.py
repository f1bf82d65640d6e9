"""Surveys: each quarter some recent buyers say how likely they would recommend the shop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.columns import DAY, NO_TIME, day_number
from helpers.store.sample.delivery import Deliveries
from helpers.store.sample.orders import SALE, Orders
from helpers.store.sample.streams import choose
from helpers.store.sample.world import World

ANSWER_SHARE = 0.035
SLOW_DAYS = 6.0
USUAL_SCORES = np.array([2, 1, 1.5, 2, 2.5, 5, 6, 12.5, 17, 21, 29.5])
SLOW_SCORES = np.array([5, 2, 3, 4, 5, 9, 10, 16, 15, 14, 17])


@dataclass(frozen=True)
class Answers:
    """Answers of a block, one entry each.

    Attributes:
        account: Who answered.
        answered: When, in seconds from the start.
        score: 0 to 10.
    """

    account: np.ndarray
    answered: np.ndarray
    score: np.ndarray


def net_promoter_score(weights: np.ndarray) -> float:
    """True net promoter score, in points, of answers drawn with such weights."""
    share = weights / weights.sum()
    return float(100 * (share[9:].sum() - share[:7].sum()))


def draw_answers(
    world: World, random: np.random.Generator, orders: Orders, deliveries: Deliveries
) -> Answers:
    """Answers in the weeks after a quarter's end; a buyer answers once a quarter at most."""
    ends = _quarter_ends(world)
    may = (orders.kind == SALE) & ~orders.is_fake & (deliveries.shipped != NO_TIME)
    rows = np.flatnonzero(may & (random.random(len(orders)) < ANSWER_SHARE))
    quarter = np.searchsorted(ends, day_number(orders.paid[rows]), side="right")
    inside = quarter < len(ends)
    rows, quarter = rows[inside], quarter[inside]
    _, first = np.unique(orders.account[rows] * 1000 + quarter, return_index=True)
    rows, quarter = rows[np.sort(first)], quarter[np.sort(first)]
    day = ends[quarter] + random.integers(1, 16, len(rows))
    second = world.clock.second_of_day(
        np.clip(day, 0, world.setting.days - 1), random.random(len(rows))
    )
    answered = day * DAY + second
    slow = deliveries.delivered[rows] - orders.paid[rows] > SLOW_DAYS * DAY
    score = np.where(
        slow, choose(random, SLOW_SCORES, len(rows)), choose(random, USUAL_SCORES, len(rows))
    )
    keep = (answered <= world.setting.last_second) & (deliveries.delivered[rows] < answered)
    return Answers(orders.account[rows][keep], answered[keep], score[keep])


def _quarter_ends(world: World) -> np.ndarray:
    """First days after each quarter of the span that is over."""
    month = world.calendar.month
    turns = np.flatnonzero(np.diff(month) != 0) + 1
    return turns[np.isin(month[turns], (1, 4, 7, 10))]
