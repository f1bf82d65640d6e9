"""A shop for the traffic measures, small enough to be counted by hand.

March 2024. Onsite ads: 110 a day, two new customers of 200 each on odd days (32). Social ads: 300 a
day, two of 100 on odd days. Content: 200 on the four Wednesdays, two of 100 on odd days. Organic
search: an agency's fee of 310 on the first, one customer of 100 a day until the 12th. Direct: seven
customers of 50. An old customer buys for 300 through a message that cost 500 of care.
"""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from helpers.plan.periods import month_of
from tests.stores import an_order

MARCH = month_of(date(2024, 3, 1))
NEW_IN_MARCH = 3 * 32 + 12 + 7
SPEND_IN_MARCH = 3410 + 9300 + 800 + 310


def days_of(month: date) -> list[date]:
    period = month_of(month)
    return [period.start + timedelta(days=i) for i in range(period.days)]


def new_orders(month: date, channel: str, money: float, a_day: int = 2) -> list[dict]:
    """New customers of a channel on the odd days of a month."""
    return [
        an_order(f"{channel}{day}{i}", f"{channel}{day}{i}", f"{day} 10:00", money, channel=channel)
        for day in days_of(month)
        if day.day % 2
        for i in range(a_day)
    ]


def cohort() -> list[dict]:
    """40 customers of June 2022; 20 come back in August, 10 of them again after a year."""
    found = []
    for i in range(40):
        days = ["2022-06-01"] + ["2022-08-01"] * (i < 20) + ["2023-07-01"] * (i < 10)
        found += [
            an_order(f"c{i}{day}", f"c{i}", f"{day} 09:00", 100, channel="onsite_ads")
            for day in days
        ]
    return found


def orders() -> list[dict]:
    march = date(2024, 3, 1)
    found = [
        an_order("old1", "old", "2022-01-01 10:00", 100, channel="direct"),
        an_order("old2", "old", "2024-03-05 10:00", 300, channel="crm"),
        an_order("fake", "liar", "2024-03-05 10:00", 999, channel="direct", is_fake=True),
        {**an_order("open", "eve", None, 70), "created_at": "2024-03-09 10:00", "channel": "live"},
    ]
    found += [
        an_order(f"o{d}", f"o{d}", f"2024-03-{d:02} 11:00", 100, channel="organic_search")
        for d in range(1, 13)
    ]
    found += [
        an_order(f"d{d}", f"d{d}", f"2024-03-{d:02} 12:00", 50, channel="direct")
        for d in range(1, 8)
    ]
    found += new_orders(march, "onsite_ads", 200) + new_orders(march, "social_ads", 100)
    found += new_orders(march, "content", 100) + cohort()
    return found + new_orders(date(2023, 3, 1), "onsite_ads", 200, a_day=1)


def spend() -> list[dict]:
    def row(day: object, channel: str, money: float, kind: str = "ads", **more) -> dict:
        return {"day": str(day), "channel": channel, "campaign": kind, "kind": kind,
                "spend": money, **more}  # fmt: skip

    march = days_of(date(2024, 3, 1))
    found = [row(d, "onsite_ads", 110, attributed_sales=250) for d in march]
    found += [row(d, "social_ads", 300) for d in march]
    found += [row(d, "content", 200, "content") for d in march if d.weekday() == 2]
    found += [row("2024-03-01", "organic_search", 310, "agency")]
    found += [row("2024-03-05", "crm", 500, "care")]
    return found + [row(d, "onsite_ads", 40) for d in days_of(date(2023, 3, 1))]


def visits() -> list[dict]:
    def row(day: date, channel: str, *counts: int) -> dict:
        names = ("visitors", "buyers", "sessions", "paid_sessions", "cart_visitors")
        return {"day": str(day), "channel": channel, **dict(zip(names, counts, strict=True))}

    found = []
    for day in days_of(date(2024, 3, 1)):
        odd = day.day % 2
        found += [row(day, "organic_search", 100, 6 - 2 * odd, 120, 6, 20 + odd),
                  row(day, "onsite_ads", 300, 5 + odd, 400, 7, 30),
                  row(day, "crm", 50, 5, 60, 5, 9)]  # fmt: skip
    for day in days_of(date(2023, 3, 1)):
        found += [row(day, "onsite_ads", 300, 11 + 2 * (day.day % 2), 400, 12, 30)]
    return found


def payments() -> list[dict]:
    """Orders o1 to o4 and an open one; o1 was tried first in February, o2 needed two attempts."""
    tries = [("o1", "2024-02-28", False), ("o1", "2024-03-01", True), ("o2", "2024-03-02", False),
             ("o2", "2024-03-02", True), ("o3", "2024-03-03", True), ("open", "2024-03-09", False),
             ("open", "2024-03-10", False), ("fake", "2024-03-05", True)]  # fmt: skip
    return [
        {"payment_id": str(i), "order_id": order, "attempted_at": f"{day} 10:00", "succeeded": ok}
        for i, (order, day, ok) in enumerate(tries)
    ]


PRICES = [{"product_id": "P1", "valid_from": "2020-01-01", "unit_cost": 40}]


def one(measure, store, **parameters) -> pd.Series:
    """The only row of a measure for March."""
    frame = measure(store, MARCH, **parameters)
    assert len(frame) == 1
    return frame.iloc[0]


def by_channel(measure, store, **parameters) -> pd.DataFrame:
    """A measure for March, its channels as the index."""
    return measure(store, MARCH, **parameters).set_index("channel")


def left_of_paid() -> float:
    """Contribution per unit paid over 365 days: all sold at a cost of 40 an order."""
    paid = 6400 + 3200 + 3200 + 1200 + 350 + 300 + 1000
    return (paid - 40 * (96 + 12 + 7 + 1 + 10)) / paid
