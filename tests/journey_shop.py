"""A shop whose journeys can be counted by hand. March 2024; every order is 100 and is known.

60 people come by social ads on the 1st and order on the 3rd, come directly; 30 order at once,
directly; 24 come by search, social and search and order; 12 order at once from social ads; one
orders on 5 March after a visit of 2 February; one orders on the 5th, comes by social ads on the 6th
and orders again on the 8th. 100 people come by social ads on 10 February and 20 on 20 March, and
never order. All visits known begin with one on 1 January; an order of 2 January has no visit.
"""

from __future__ import annotations

from pathlib import Path

from helpers.store.open import Store
from tests.stores import a_store, an_order
from tests.visits import a_visit

ORDERS = 60 + 30 + 24 + 12 + 1 + 2
NEW = ORDERS - 1
SPEND = 7200.0


def journey_shop(folder: Path) -> Store:
    visits = [a_visit("first", "2024-01-01 09:00", "direct")]
    orders: list[dict] = [an_order("early", "early", "2024-01-02", 100, channel="direct")]

    def buy(person: str, day: str, channel: str) -> None:
        order = f"o{len(orders)}"
        visits.append(a_visit(person, f"{day} 12:00", channel, order))
        orders.append(an_order(order, person, f"{day} 12:05", 100, channel=channel))

    def see(person: str, day: str, channel: str) -> None:
        visits.append(a_visit(person, f"{day} 10:00", channel))

    for i in range(60):
        see(f"a{i}", "2024-03-01", "social")
        buy(f"a{i}", "2024-03-03", "direct")
    for i in range(30):
        buy(f"b{i}", "2024-03-04", "direct")
    for i in range(24):
        see(f"c{i}", "2024-03-02", "search")
        see(f"c{i}", "2024-03-05", "social")
        buy(f"c{i}", "2024-03-09", "search")
    for i in range(12):
        buy(f"d{i}", "2024-03-10", "social")
    see("gap", "2024-02-02", "social")
    buy("gap", "2024-03-05", "direct")
    buy("twice", "2024-03-05", "direct")
    see("twice", "2024-03-06", "social")
    buy("twice", "2024-03-08", "direct")
    for i in range(120):
        see(f"n{i}", "2024-02-10" if i < 100 else "2024-03-20", "social")
    spend = [
        {"day": f"2024-03-{day:02}", "channel": "social", "campaign": "c", "kind": "ads",
         "spend": SPEND / 30, "attributed_sales": 300}
        for day in range(1, 31)
    ]  # fmt: skip
    spend.append({**spend[0], "day": "2024-02-01", "spend": 1})
    return a_store(folder, "2024-03", orders=orders, sessions=visits, ad_spend=spend)
