"""What spend brings: true diminishing returns and carry-over of the channels that follow spend.

A channel's plan is the spend s0 and the new customers n0 of a week. Its budget is raised or cut by
a factor v. Week by week, Monday to Sunday, with S(x) = (1 - exp(-x)) / (1 + exp(-x)):

    a_t = sum_k w_k v_t-k,  w_k proportional to carry_over^k, k < 8
    customers_t = n0_t * (anyway + (1 - anyway) * S(saturation * a_t) / S(saturation))

n0 and s0 grow and shrink with the season alike. All campaigns of a channel share its v, which
never looks at demand. Source: Jin, Wang, Sun, Chan and Koehler (2017).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from helpers.store.sample.calendar import Calendar
from helpers.store.sample.settings import Setting
from helpers.store.sample.streams import stream

WEEK = 7
LAGS = 8
LEVEL_MEDIAN, LEVEL_SPREAD = 0.928, 0.4
LOWEST_LEVEL, HIGHEST_LEVEL = 0.35, 2.2
SHORTEST_BLOCK, LONGEST_BLOCK = 2, 3
BLOCKS_IN_ROUND = 10
REFERENCE_WEEKS = 50_000


@dataclass(frozen=True)
class Response:
    """How the new customers of one channel follow its spend.

    Attributes:
        channel: The channel.
        carry_over: Share of an effect that is left a week later.
        saturation: Bend of the curve at planned spend; 0 is a straight line.
        anyway: Share of the planned new customers who come without any spend.
    """

    channel: str
    carry_over: float
    saturation: float
    anyway: float


RESPONSES = (
    Response("onsite_ads", 0.2, 1.5, 0.2),
    Response("social_ads", 0.3, 3.5, 0.15),
    Response("content", 0.55, 0.8, 0.1),
    Response("live", 0.25, 0.6, 0.1),
)
RESPONDING = tuple(of.channel for of in RESPONSES)


@dataclass(frozen=True)
class ResponseTruth(Response):
    """The response with the plan that it is relative to, at demand 1.

    Attributes:
        planned_spend: Planned spend a week, CNY.
        planned_customers: New customers a week where planned spend goes on for good.
    """

    planned_spend: float
    planned_customers: float


def response_truth(sections: Mapping[str, Any]) -> tuple[ResponseTruth, ...]:
    """The responding channels of a shop from the sections of its truth.

    Demand 1 is the mean of the last 13 complete weeks (of all, where there are fewer).

    Raises:
        KeyError: The shop has no response.
    """
    return tuple(ResponseTruth(**channel) for channel in sections["response"]["channels"])


def true_new_customers(
    truth: Sequence[ResponseTruth], weekly_spend: np.ndarray, demand: float = 1.0
) -> np.ndarray:
    """New customers a week of each channel where a spend (CNY a week, by channel) goes on for good.

    With demand, plan and curve grow alike: twice the demand and twice the spend bring twice the
    customers.
    """
    bend = _of(truth, "saturation")
    level = np.asarray(weekly_spend, float) / (_of(truth, "planned_spend") * demand)
    shape = saturate(bend * level) / saturate(bend)
    anyway = _of(truth, "anyway")
    customers: np.ndarray = (
        demand * _of(truth, "planned_customers") * (anyway + (1 - anyway) * shape)
    )
    return customers


def true_marginal(
    truth: Sequence[ResponseTruth], weekly_spend: np.ndarray, demand: float = 1.0
) -> np.ndarray:
    """New customers per further CNY a week of each channel, in the steady state."""
    bend = _of(truth, "saturation")
    level = np.asarray(weekly_spend, float) / (_of(truth, "planned_spend") * demand)
    rate: np.ndarray = _steepest(truth) * (1 - saturate(bend * level) ** 2)
    return rate


def true_optimum(
    truth: Sequence[ResponseTruth],
    value: float | np.ndarray,
    budget: float | None,
    lower: np.ndarray,
    upper: np.ndarray,
    demand: float = 1.0,
) -> np.ndarray:
    """Weekly spend by channel that brings the most value less spend, exactly.

    Args:
        truth: The channels.
        value: Worth of a new customer, CNY; one for all or one a channel.
        budget: Spend of all channels a week; None for the total that earns most.
        lower: Least spend of each channel.
        upper: Most spend of each channel.
        demand: Demand, 1 for that of the truth.

    Raises:
        ValueError: The limits do not hold the budget.
    """
    lower, upper = np.asarray(lower, float), np.asarray(upper, float)
    if budget is None:
        return _spend_at(truth, value, 1.0, lower, upper, demand)
    slack = 1e-9 * max(budget, 1)
    if not lower.sum() - slack <= budget <= upper.sum() + slack:
        raise ValueError(
            f"budget == {budget}, must lie between {lower.sum()} and {upper.sum()}, "
            "the sums of the limits."
        )
    low, high = 0.0, float((value * _steepest(truth)).max())
    for _ in range(200):
        middle = (low + high) / 2
        dear = _spend_at(truth, value, middle, lower, upper, demand).sum() > budget
        low, high = (middle, high) if dear else (low, middle)
    return _spend_at(truth, value, high, lower, upper, demand)


def _of(truth: Sequence[Response], name: str) -> np.ndarray:
    return np.array([getattr(channel, name) for channel in truth], dtype=float)


def saturate(x: np.ndarray) -> np.ndarray:
    """S(x), from 0 to 1; its slope is (1 - S(x)^2) / 2."""
    shape: np.ndarray = np.tanh(np.asarray(x, float) / 2)
    return shape


def _steepest(truth: Sequence[ResponseTruth]) -> np.ndarray:
    """New customers per CNY of the first CNY."""
    bend = _of(truth, "saturation")
    brought = _of(truth, "planned_customers") * (1 - _of(truth, "anyway")) / saturate(bend)
    rate: np.ndarray = brought * bend / 2 / _of(truth, "planned_spend")
    return rate


def _spend_at(
    truth: Sequence[ResponseTruth],
    value: float | np.ndarray,
    wanted: float,
    lower: np.ndarray,
    upper: np.ndarray,
    demand: float,
) -> np.ndarray:
    """Spend at which one more CNY brings the wanted value, inside the limits."""
    worth = np.maximum(np.asarray(value, float) * _steepest(truth), 1e-300)
    shape = np.sqrt(np.clip(1 - wanted / worth, 0, 1 - 1e-15))
    level = 2 * np.arctanh(shape) / _of(truth, "saturation")
    spend: np.ndarray = np.clip(level * _of(truth, "planned_spend") * demand, lower, upper)
    return spend


@dataclass(frozen=True)
class Budgets:
    """Spend over planned spend, and what comes of it; one column for each of `RESPONSES`.

    Attributes:
        levels: (weeks, channels) spend over planned spend.
        customers: (weeks, channels) expected new customers over those of the channel plan, which
            the mean of varied budgets brings.
        at_plan: (channels,) the same where planned spend goes on for good.
    """

    levels: np.ndarray
    customers: np.ndarray
    at_plan: np.ndarray


def week_of_days(calendar: Calendar) -> np.ndarray:
    """Week, Monday to Sunday, of every day of the span; the first day lies in week 0."""
    week: np.ndarray = (np.arange(len(calendar.weekday)) + int(calendar.weekday[0])) // WEEK
    return week


def make_budgets(setting: Setting, calendar: Calendar) -> Budgets:
    """Budgets of every week; before the first week planned spend had gone on for long."""
    weeks = int(week_of_days(calendar)[-1]) + 1
    varied, follows = setting.mechanisms.budget_variation, setting.mechanisms.response
    levels = np.ones((weeks, len(RESPONSES)))
    if varied:
        parts = [
            draw_levels(stream(setting.seed, "budget_levels", channel), weeks)
            for channel in range(len(RESPONSES))
        ]
        levels = np.stack(parts, axis=1)
    if not follows:
        return Budgets(levels, np.ones_like(levels), np.ones(len(RESPONSES)))
    at_plan = 1 / _mean_reaction() if varied else np.ones(len(RESPONSES))
    return Budgets(levels, reaction(levels) * at_plan, at_plan)


def draw_levels(random: np.random.Generator, weeks: int) -> np.ndarray:
    """Spend over planned spend of one channel by week: log-normal with mean 1, cut at both ends.

    Blocks of two or three weeks. Every ten blocks hold one level of each tenth of the distribution,
    in an order by lot, so that a year's budget stays near its plan.
    """
    from scipy.special import ndtri

    rounds = -(-weeks // (SHORTEST_BLOCK * BLOCKS_IN_ROUND))
    tenths = np.tile(np.arange(BLOCKS_IN_ROUND), (rounds, 1))
    place = random.permuted(tenths, axis=1) + random.random(tenths.shape)
    level = LEVEL_MEDIAN * np.exp(LEVEL_SPREAD * ndtri(place.ravel() / BLOCKS_IN_ROUND))
    length = random.integers(SHORTEST_BLOCK, LONGEST_BLOCK + 1, len(level))
    return np.repeat(np.clip(level, LOWEST_LEVEL, HIGHEST_LEVEL), length)[:weeks]


def reaction(levels: np.ndarray) -> np.ndarray:
    """New customers by week and channel over those at planned spend, from spend over planned."""
    found = np.empty_like(levels)
    for column, of in enumerate(RESPONSES):
        weights = of.carry_over ** np.arange(LAGS)
        before = np.concatenate([np.ones(LAGS - 1), levels[:, column]])
        carried = np.convolve(before, weights / weights.sum(), mode="valid")
        shape = saturate(of.saturation * carried) / saturate(np.array(of.saturation))
        found[:, column] = of.anyway + (1 - of.anyway) * shape
    return found


@lru_cache(maxsize=1)
def _mean_reaction() -> np.ndarray:
    """Mean over varied budgets; below 1, as the curves bend."""
    parts = [
        draw_levels(stream(0, "budget_levels", channel), REFERENCE_WEEKS)
        for channel in range(len(RESPONSES))
    ]
    found: np.ndarray = reaction(np.stack(parts, axis=1)).mean(axis=0)
    return found


def as_truth(
    plan: Mapping[str, tuple[float, float]], free_customers: float, span: tuple[str, str]
) -> dict[str, Any]:
    """Section `response` of the truth.

    Args:
        plan: Planned spend (CNY) and new customers a week by channel.
        free_customers: Expected new customers a week of all other channels.
        span: First and last day of the weeks that the plan is the mean of.
    """
    return {
        "channels": [asdict(ResponseTruth(**asdict(of), planned_spend=plan[of.channel][0],
                                          planned_customers=plan[of.channel][1]))
                     for of in RESPONSES],
        "free_customers": free_customers,
        "first_day": span[0],
        "last_day": span[1],
        "lags_weeks": LAGS,
        "note": "week t: planned_customers * (anyway + (1 - anyway) * S(saturation * a) /"
        " S(saturation)), a = sum_k w_k spend_t-k / planned_spend_t-k, w_k ~ carry_over^k",
        "level_spread_of_log": LEVEL_SPREAD,
        "level_limits": [LOWEST_LEVEL, HIGHEST_LEVEL],
    }  # fmt: skip
