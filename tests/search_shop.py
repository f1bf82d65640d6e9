"""Search terms written by hand, and the shop of `traffic_shop` beside them."""

from __future__ import annotations

from datetime import date, timedelta

from tests.stores import an_order
from tests.traffic_shop import PRICES, days_of, orders, spend, visits


def a_term(day: object, term: str, shown: int, clicks: int, buyers: int = 0, **more) -> dict:
    """A row of organic search; give `channel` and `spend` for a paid one."""
    return {"day": str(day), "channel": "organic_search", "term": term, "impressions": shown,
            "clicks": clicks, "buyers": buyers, "is_brand": False, "position": 2.0,
            **more}  # fmt: skip


def march(year: int = 2024, *, linen: int = 20) -> list[dict]:
    """Every day: the brand is shown 40 times, `linen` 400, `silk` 100, `wool` 50."""
    found = []
    for day in days_of(date(year, 3, 1)):
        found += [
            a_term(day, "elenne", 40, 20, 2, is_brand=True, term_zh="伊莱恩", position=1.0),
            a_term(day, "linen", 400, linen, 1, term_zh="亚麻"),
            a_term(day, "silk", 100, 10, int(day.day <= 6), position=4.0),
            a_term(day, "wool", 50, 5, int(day.day <= 9)),
        ]
    return found


def weeks(first: str, count: int) -> list[str]:
    """Mondays."""
    begin = date.fromisoformat(first)
    return [str(begin + timedelta(days=7 * i)) for i in range(count)]


LIGHT = {
    "orders": [
        an_order(f"s{i}", f"s{i}", f"2023-{4 + i // 5:02}-{1 + i % 5:02} 10:00", 100,
                 channel="organic_search")
        for i in range(40)
    ],
    "price_history": PRICES,
}  # fmt: skip
TABLES = {"orders": orders(), "ad_spend": spend(), "traffic_daily": visits(),
          "price_history": PRICES}  # fmt: skip
