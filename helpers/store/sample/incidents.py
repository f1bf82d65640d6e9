"""Incidents with dates: what went wrong in the shop, and by how much."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from helpers.store.sample.settings import Setting

BROKEN_PAYMENT = "broken_payment"
BAD_SUPPLIER_MONTH = "bad_supplier_month"


@dataclass(frozen=True)
class Incident:
    """One incident.

    Attributes:
        kind: What broke.
        starts_on: First bad day.
        ends_on: Last bad day.
        subject: Whom it hit: an id, or `shop`.
        effect: The rate that held on these days instead of the usual one.
        meaning: What `effect` is a rate of.
    """

    kind: str
    starts_on: date
    ends_on: date
    subject: str
    effect: float
    meaning: str

    def days(self, setting: Setting) -> slice:
        """The incident's days as numbers of the shop's days."""
        first, last = setting.day_of(self.starts_on), setting.day_of(self.ends_on)
        return slice(max(first, 0), max(last + 1, 0))


def make_incidents(setting: Setting, supplier_id: str) -> tuple[Incident, ...]:
    """The incidents of a shop, dated back from its last day; none where they are switched off.

    Args:
        setting: Span and mechanisms.
        supplier_id: The supplier that has a bad month.
    """
    if not setting.mechanisms.incidents:
        return ()
    broken = setting.ends_on - timedelta(days=230)
    month_end = (setting.ends_on - timedelta(days=100)).replace(day=1) - timedelta(days=1)
    dated = (
        Incident(
            BROKEN_PAYMENT, broken, broken + timedelta(days=1), "shop", 0.40,
            "paid orders / orders with an attempt to pay",
        ),
        Incident(
            BAD_SUPPLIER_MONTH, month_end.replace(day=1), month_end, supplier_id, 0.15,
            "purchase order lines promised in the month that come on time",
        ),
    )  # fmt: skip
    return tuple(incident for incident in dated if incident.starts_on >= setting.starts_on)


def payment_success_by_day(
    setting: Setting, incidents: tuple[Incident, ...], usual: float
) -> np.ndarray:
    """True share of orders with an attempt that end up paid, by day."""
    success = np.full(setting.days, usual)
    for incident in incidents:
        if incident.kind == BROKEN_PAYMENT:
            success[incident.days(setting)] = incident.effect
    return success


def as_truth(incidents: tuple[Incident, ...]) -> list[dict[str, Any]]:
    """The incidents for `truth.json`."""
    return [
        {name: str(value) if isinstance(value, date) else value for name, value in
         asdict(incident).items()}
        for incident in incidents
    ]  # fmt: skip
