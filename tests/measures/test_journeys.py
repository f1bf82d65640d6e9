"""Journeys counted by hand, and against a second way of making them."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from helpers.measures import journeys
from helpers.plan.periods import month_of
from helpers.store.errors import MissingTable
from tests.journey_shop import ORDERS, journey_shop
from tests.stores import a_store, an_order
from tests.visits import a_visit

MARCH = month_of(date(2024, 3, 1))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return journey_shop(tmp_path_factory.mktemp("journeys"))


def counted(store) -> dict[tuple[tuple[str, ...], bool], int]:
    frame = journeys.journeys(store, MARCH)
    return frame.groupby(["channels", "ordered"]).size().to_dict()


def test_visits_of_a_person_until_an_order_are_one_journey(store):
    found = counted(store)
    assert found[("social", "direct"), True] == 60 + 1
    assert found[("direct",), True] == 30 + 1 + 1
    assert found[("search", "social", "search"), True] == 24
    assert found[("social",), True] == 12
    assert sum(n for (_, ordered), n in found.items() if ordered) == ORDERS


def test_a_journey_without_an_order_counts_thirty_days_after_its_last_visit(store):
    # 100 of February; those of 20 March may still lead to an order. The visit of 2 February before
    # an order of 5 March is a journey of its own, for more than 30 days lie between.
    assert counted(store)[("social",), False] == 100 + 1


def test_days_are_counted_to_the_order(store):
    frame = journeys.journeys(store, MARCH)
    taken = frame[frame["channels"] == ("social", "direct")]["days"]
    assert set(taken) == {(2, 0)}


def test_a_second_order_is_no_first_purchase(store):
    frame = journeys.journeys(store, MARCH)
    orders = frame[frame["ordered"]]
    assert (~orders["is_new"]).sum() == 1
    assert orders["paid_sales"].sum() == 100 * ORDERS


def test_one_row_says_how_orders_come_about(store):
    row = journeys.journey_summary(store, MARCH).iloc[0]
    assert row["orders"] == ORDERS == 129
    # 61 of two visits, 24 of three, the others of one.
    assert row["visits"] == pytest.approx((61 * 2 + 24 * 3 + 44) / 129)
    assert row["several"] == pytest.approx((61 + 24) / 129)
    assert row["orders_known"] == 1
    assert row["ended_in_order"] == pytest.approx(129 / (129 + 102))


def test_lengths_of_few_people_are_merged(store):
    frame = journeys.journey_lengths(store, MARCH).set_index("visits")
    assert frame["orders"].to_dict() == {1: 44, 2: 61, 3: 24}
    assert list(frame["length"]) == ["1", "2", "3+"]
    assert frame.loc[3, "channels"] == 2


def test_ways_of_ten_people_are_shown_most_orders_first(store):
    frame = journeys.top_paths(store, MARCH)
    shown = [tuple(row) for row in frame[["step_1", "step_2", "step_3", "orders"]].to_numpy()]
    assert shown[0] == ("social", "direct", "", 61)
    assert ("search", "social", "search", 24) in shown
    assert frame.loc[frame["step_1"].eq("social") & frame["turns"].eq(1), "ended_in_order"].item() \
        == pytest.approx(12 / (12 + 101))  # fmt: skip


def test_orders_are_handed_over_from_social_to_direct(store):
    frame = journeys.handovers(store, MARCH).set_index(["began", "ended"])
    assert frame.loc[("social", "direct"), "orders"] == 61
    assert frame.loc[("social", "direct"), "share_of_began"] == pytest.approx(61 / 73)


def test_the_share_over_several_channels_carries_its_counts(store):
    several = journeys.multi_channel_share(store, MARCH).iloc[0]
    assert (several["numerator"], several["denominator"]) == (85, 129)
    assert several["low"] < several["value"] < several["high"]


def test_visits_that_begin_too_late_can_not_tell(tmp_path):
    visits = [a_visit("p", "2024-02-20", "direct", "o")]
    orders = [an_order("o", "p", "2024-02-20", 100)]
    store = a_store(tmp_path, "2024-03", orders=orders, sessions=visits)
    with pytest.raises(MissingTable) as caught:
        journeys.journeys(store, MARCH)
    assert caught.value.why == "short"


def test_a_shop_without_visits_is_told_what_is_missing(tmp_path):
    store = a_store(tmp_path, "2024-03", orders=[an_order("o", "p", "2024-03-01", 100)])
    with pytest.raises(MissingTable) as caught:
        journeys.journeys(store, MARCH)
    assert caught.value.table == "sessions"


def test_journeys_agree_with_a_plain_loop_over_visits(tmp_path):
    random = np.random.default_rng(7)
    visits, orders = [], []
    for i in range(350):
        day = date(2024, 1, 1) + timedelta(days=int(random.integers(0, 91)))
        at = f"{day} {random.integers(0, 24):02}:{random.integers(0, 60):02}:{i % 60:02}"
        order = f"o{i}" if random.random() < 0.35 else None
        visits.append(a_visit(f"p{random.integers(0, 90)}", at, str(random.choice(list("abc"))),
                              order))  # fmt: skip
        if order and i % 7:
            orders.append(an_order(order, visits[-1]["visitor_id"], at, 50))
    store = a_store(tmp_path, "2024-03", orders=orders, sessions=visits)
    frame = journeys.journeys(store, MARCH)
    found = sorted(zip(frame["channels"], frame["days"], frame["ordered"], strict=True))
    assert found == sorted(plain_journeys(visits, {o["order_id"] for o in orders}))


def plain_journeys(visits, known):
    """Journeys that ended from 30 days after the first visit to 31 March."""
    found = []
    whole = pd.Timestamp(min(v["started_at"] for v in visits)).date() + timedelta(days=30)
    for person in {v["visitor_id"] for v in visits}:
        own = sorted((v for v in visits if v["visitor_id"] == person),
                     key=lambda v: (v["started_at"], v["session_id"]))  # fmt: skip
        current = []
        for visit in own:
            at = pd.Timestamp(visit["started_at"])
            if current and at - current[-1][0] > pd.Timedelta(days=30):
                found.append((current, False))
                current = []
            current.append((at, visit["channel"]))
            if visit["order_id"] in known:
                found.append((current, True))
                current = []
        if current:
            found.append((current, False))
    result = []
    for course, ordered in found:
        last = course[-1][0]
        ended = (last if ordered else last + pd.Timedelta(days=30)).date()
        if whole <= ended <= date(2024, 3, 31):
            kept = [(at, name) for at, name in course if last - at <= pd.Timedelta(days=30)]
            days = tuple((last.normalize() - at.normalize()).days for at, _ in kept)
            result.append((tuple(name for _, name in kept), days, ordered))
    return result
