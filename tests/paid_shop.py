"""A shop of March 2024 whose advertising can be counted by hand.

Onsite ads: campaign `keywords` 100 a day, `display` 50 a day. Every order is of a new customer, for
100, two on odd days and one on even ones (47); the 15 of even days are refunded by 50 on the same
day. Live: a slot fee of 200 on four Fridays, a boost of 20 a day, one order of 150 a day. Goods
cost 40 apiece. 40 customers won by onsite ads in June 2022 bring 90 each in a year.
"""

from __future__ import annotations

from datetime import date

from tests.stores import an_order
from tests.traffic_shop import PRICES, cohort, days_of

DAYS = days_of(date(2024, 3, 1))
EARLY = ("2022-03-01", "2022-05-01", "2022-07-01")
CLAIMED = {"keywords": 300, "display": 60, "boost": 100}


def orders() -> list[dict]:
    found = [an_order("old", "old", "2022-01-01 10:00", 100, channel="direct"), *cohort()]
    found += [an_order(day, day, f"{day} 10:00", 100, channel="direct") for day in EARLY]
    for day in DAYS:
        for i in range(1 + day.day % 2):
            name = f"o{day}{i}"
            found.append(an_order(name, name, f"{day} 10:00", 100, channel="onsite_ads"))
        found.append(an_order(f"l{day}", f"l{day}", f"{day} 20:00", 150, channel="live"))
    return found


def returns() -> list[dict]:
    found = [
        {"return_id": day, "order_id": day, "line_id": "1", "amount": 10,
         "settled_at": f"{day} 18:00", "quantity": 1}
        for day in EARLY
    ]  # fmt: skip
    return found + [
        {"return_id": f"r{day}", "order_id": f"o{day}0", "line_id": "1", "product_id": "P1",
         "settled_at": f"{day} 18:00", "type": "refund_only", "stage": "after_shipment",
         "quantity": 1, "amount": 50}
        for day in DAYS
        if not day.day % 2
    ]  # fmt: skip


def spend() -> list[dict]:
    counted = {"keywords": (100, 1000, 500, 50, 3), "display": (50, 2000, 400, 20, 1),
               "boost": (20, 800, 400, 10, 1)}  # fmt: skip
    found = []
    for day in DAYS:
        for campaign, (money, shown, reach, clicks, conversions) in counted.items():
            channel = "live" if campaign == "boost" else "onsite_ads"
            found.append({"day": str(day), "channel": channel, "campaign": campaign, "kind": "ads",
                          "spend": money, "impressions": shown, "reach": reach, "clicks": clicks,
                          "attributed_sales": CLAIMED[campaign],
                          "attributed_conversions": conversions})  # fmt: skip
        if day.weekday() == 4 and day.day > 7:
            found.append({"day": str(day), "channel": "live", "campaign": "host",
                          "kind": "slot_fee", "spend": 200})  # fmt: skip
    found.append({"day": "2024-03-01", "channel": "live", "campaign": "host", "kind": "slot_fee",
                  "spend": 200})  # fmt: skip
    found.append({"day": "2024-03-01", "channel": "organic_search", "campaign": "agency",
                  "kind": "agency", "spend": 310})  # fmt: skip
    return found


TABLES = {"orders": orders(), "returns": returns(), "ad_spend": spend(), "price_history": PRICES}
