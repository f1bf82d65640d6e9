"""The truth beside the tables: every parameter, and the true value of what follows from them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from helpers.store.sample import delivery, incidents, response, returns, spend_tests, suppliers
from helpers.store.sample.advertising import CAMPAIGNS, CHANNEL, Spend, acquisition_cost
from helpers.store.sample.channels import CHANNELS, NAMES, ORGANIC_SEARCH
from helpers.store.sample.lifecycle import LifecycleTotals
from helpers.store.sample.lifecycle_truth import lifecycle_metrics, lifecycle_sections
from helpers.store.sample.money import first_order_commission_cny
from helpers.store.sample.orders import FAKE_SHARE, PRE_SALE_SHARE
from helpers.store.sample.repurchase import YEAR_DAYS, cohort_rate, trailing_buyers
from helpers.store.sample.repurchase_shift import RepurchaseShift
from helpers.store.sample.settings import PAYMENT_SUCCESS
from helpers.store.sample.spend_tests import SpendTest
from helpers.store.sample.surveys import SLOW_SCORES, USUAL_SCORES, net_promoter_score
from helpers.store.sample.totals import Totals
from helpers.store.sample.traffic import Traffic
from helpers.store.sample.world import World
from helpers.store.sample.write import TRUTH_FILE

PLAN_WEEKS = 13


@dataclass(frozen=True)
class Truth:
    """What `truth.json` holds: sections by name, each of parameters or true values."""

    sections: dict[str, Any]

    def metric(self, name: str) -> float:
        """True value of a metric over the last 365 days.

        Raises:
            KeyError: The shop's truth has no such metric.
        """
        metrics = self.sections["metrics"]
        if name not in metrics:
            raise KeyError(f"no true value of {name!r}; there are {sorted(metrics)}")
        return float(metrics[name]["value"])

    def parameter(self, model: str, name: str) -> float:
        """True parameter of a model, such as `bg_nbd` and `alpha`."""
        return float(self.sections[model][name])

    def write(self, folder: Path) -> None:
        """Writes `truth.json`."""
        text = json.dumps(self.sections, ensure_ascii=False, indent=1, sort_keys=True)
        (folder / TRUTH_FILE).write_text(text + "\n", encoding="utf-8")


def make_truth(
    world: World,
    totals: Totals,
    lifecycle: LifecycleTotals,
    traffic: Traffic,
    spend: Spend,
    test: SpendTest | None,
) -> Truth:
    """Gathers what the parts know; a part of a later chapter adds its own section here."""
    setting = world.setting
    counted = 1 - returns.CANCELLED_SHARE * setting.mechanisms.returns
    metrics = {
        **_metrics(world, lifecycle.shift, traffic, counted),
        **_acquisition(world, totals, spend),
        **lifecycle_metrics(world, totals, lifecycle, traffic, counted),
    }
    return Truth(
        {
            "shop": {
                "seed": setting.seed,
                "expected_customers": float(setting.customers),
                "starts_on": str(setting.starts_on),
                "ends_on": str(setting.ends_on),
                "currency": "CNY",
                "mechanisms": asdict(setting.mechanisms),
            },
            "bg_nbd": {**asdict(setting.buying), "time_unit": "operational days, mean 1 a day"},
            "gamma_gamma": {
                **asdict(setting.spend),
                "mean_order": setting.spend.mean_order_cny,
                "money": "buyer_paid of an order",
            },
            "metrics": {
                name: {"value": float(value), "note": note}
                for name, (value, note) in metrics.items()
            },
            "channels": [asdict(channel) for channel in CHANNELS],
            "campaigns": [asdict(campaign) for campaign in CAMPAIGNS],
            "orders": {"pre_sale_share": PRE_SALE_SHARE, "fake_share": FAKE_SHARE},
            "returns": returns.as_truth(world),
            "suppliers": suppliers.as_truth(world.suppliers),
            "carriers": delivery.as_truth(),
            "incidents": incidents.as_truth(world.incidents),
            "surveys": {
                "nps_usual": net_promoter_score(USUAL_SCORES),
                "nps_slow_delivery": net_promoter_score(SLOW_SCORES),
            },
            **_response(world, spend),
            **({} if test is None else {"spend_test": spend_tests.as_truth(world, test)}),
            **lifecycle_sections(world, lifecycle, counted),
        }
    )


def _metrics(
    world: World, shift: RepurchaseShift, traffic: Traffic, counted: float
) -> dict[str, tuple[float, str]]:
    """True values over the last 365 days (or the whole span, where it is shorter), with notes."""
    last = slice(max(world.setting.days - YEAR_DAYS, 0), world.setting.days)
    buyers, visitors = traffic.expected_buyers[last], traffic.expected_visitors[last]
    new = world.channels.new_customers.sum(axis=1)
    usual = buyers.sum(axis=1)
    tries = usual / world.payment_success[last]
    values = {
        **_repurchase(world, shift, new, counted),
        "conversion_rate": buyers.sum() / visitors.sum(),
        "organic_share": visitors[:, ORGANIC_SEARCH].sum() / visitors.sum(),
        "payment_success_rate": usual.sum() / tries.sum(),
    }
    notes = {
        "repurchase_rate": "365 days to the end, without orders refunded in full before shipment;"
        " BG/NBD's expectation, and what members and the test add to these customers",
        "repurchase_rate_cohort": "second purchase day within 365 operational days of the first;"
        " BG/NBD's expectation, and what members and the test add to these customers",
        "conversion_rate": "expected buyers / expected visitors, given who the customers are",
        "payment_success_rate": f"{PAYMENT_SUCCESS} on days without an incident",
    }
    return {name: (value, notes.get(name, "")) for name, value in values.items()}


def _acquisition(world: World, totals: Totals, spend: Spend) -> dict[str, tuple[float, str]]:
    """True cost of a new customer over the last 365 days, given the budgets, with notes."""
    last = slice(max(world.setting.days - YEAR_DAYS, 0), world.setting.days)
    new = world.channels.new_customers[last].sum(axis=0)
    marketing = np.array([campaign.kind != "care" for campaign in CAMPAIGNS])
    bought = spend.expected_cents[last][:, marketing].sum() / 100 / new.sum()
    commission = first_order_commission_cny(world, totals) @ new / new.sum()
    return {
        "cac_blended": (
            bought + commission,
            "(ad_spend without care + CPS and host commission due on first orders in the end) /"
            " new customers; see money.first_order_commission_cny for how exact it is",
        ),
        "cac_without_commission": (bought, "ad_spend without care / new customers"),
        "cac_plan_last_day": (acquisition_cost(world)[-1], "without commission"),
    }


def _response(world: World, spend: Spend) -> dict[str, Any]:
    """Section `response`: the plan of the last 13 complete weeks; none without the mechanism."""
    if not world.setting.mechanisms.response:
        return {}
    week = response.week_of_days(world.calendar)
    complete = np.flatnonzero(np.bincount(week) == response.WEEK)[-PLAN_WEEKS:]
    days = np.flatnonzero(np.isin(week, complete))
    if not len(days):
        return {}
    channels, weeks = world.channels, len(days) / response.WEEK
    plan = {}
    for name, at_plan in zip(response.RESPONDING, channels.budgets.at_plan, strict=True):
        column = NAMES.index(name)
        cents = spend.planned_cents[days][:, column == CHANNEL].sum()
        customers = channels.planned_customers[days, column].sum() * at_plan
        plan[name] = (float(cents / 100 / weeks), float(customers / weeks))
    free = [name not in response.RESPONDING for name in NAMES]
    others = channels.new_customers[days][:, free].sum() / weeks
    span = str(world.setting.date_of(days[0])), str(world.setting.date_of(days[-1]))
    return {"response": response.as_truth(plan, float(others), span)}


def _repurchase(
    world: World, shift: RepurchaseShift, new: np.ndarray, counted: float
) -> dict[str, float]:
    """True repurchase rates: of the year's buyers, and of the first purchase's cohort."""
    buying, days = world.setting.buying, world.setting.days
    buyers, returned = trailing_buyers(buying, world.clock, new, days, counted=counted)
    buyers += counted * shift.buyers
    returned += counted**2 * shift.returned
    again = counted * shift.again / max(shift.cohort, 1)
    return {
        "repurchase_rate": returned / buyers,
        "repurchase_rate_cohort": cohort_rate(buying, counted=counted) + again,
    }
