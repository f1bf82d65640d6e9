"""Steps of visits counted by hand, and leaks that are there and that are not."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.measures import landing, landing_actions
from helpers.models.intervals import wilson
from helpers.plan.periods import Period, month_of
from helpers.store.errors import MissingTable
from tests.stores import a_store, an_order
from tests.visits import a_visit

MARCH = month_of(date(2024, 3, 1))
# Visits by how far they came: bounced, stayed, in the cart, at the checkout, ordered.
FAR = {
    ("search", "phone"): (40, 40, 20, 20, 80),
    ("social", "phone"): (60, 30, 10, 45, 15),
    ("search", "desktop"): (20, 20, 10, 10, 40),
}


def visits_of_quarter(day="2024-03-05"):
    found = [a_visit("first", "2024-01-01", "search", is_bounce=True)]
    for (channel, device), counts in FAR.items():
        for far, count in enumerate(counts):
            for i in range(count):
                who = f"{channel}{device}{far}{i}"
                found.append(a_visit(
                    who, f"{day} 10:00", channel, f"o{who}" if far == 4 else None, device=device,
                    is_bounce=far == 0, added_to_cart=far >= 2, began_checkout=far >= 3,
                    landing_page="home" if i % 2 else "product",
                ))  # fmt: skip
    odd = a_visit("odd", "2024-03-05", "search", "odd", is_bounce=True, added_to_cart=None,
                  began_checkout=False, device="tv")  # fmt: skip
    return [*found, odd]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    orders = [an_order(f"x{i}", f"x{i}", "2024-03-02", 100, channel="social") for i in range(20)]
    orders += [an_order(f"y{i}", f"y{i}", "2024-03-02", 50, channel="search") for i in range(20)]
    orders.append(an_order("old", "old", "2023-01-01", 50, channel="search"))
    traffic = [
        {"day": "2024-03-05", "channel": "social", "visitors": 1500, "sessions": 1600},
        {"day": "2024-03-05", "channel": "search", "visitors": 2000, "sessions": 3020},
    ]
    return a_store(
        tmp_path_factory.mktemp("landing"), "2024-03", orders=orders, sessions=visits_of_quarter(),
        traffic_daily=traffic,
    )  # fmt: skip


def test_bounces_and_completed_checkouts_are_counted(store):
    bounce = landing.bounce_rate(store, MARCH).iloc[0]
    assert (bounce["numerator"], bounce["denominator"]) == (120 + 1, 460 + 2)
    done = landing.checkout_completion(store, MARCH).iloc[0]
    assert (done["numerator"], done["denominator"]) == (135 + 1, 210 + 1)


def test_visits_of_different_people_have_wilsons_interval(store):
    done = landing.checkout_completion(store, MARCH).iloc[0]
    low, high = wilson(136, 211)
    # People's variance has n - 1 below.
    assert (done["low"], done["high"]) == pytest.approx((float(low), float(high)), abs=5e-4)


def test_visits_of_one_person_count_as_one_piece_of_evidence():
    visits = pd.DataFrame(
        {"step": "order", "entered": 400.0, "reached": 200.0, "squares": 20 * 100.0,
         "products": 20 * 100.0, "entered_squares": 40 * 100.0, "people": 40.0}, index=[0]
    )  # fmt: skip
    found = landing.with_rates(visits).iloc[0]
    # 40 people of 10 visits each who all order or all don't: half of 40, not of 400.
    low, high = wilson(20, 40)
    assert (found["low"], found["high"]) == pytest.approx((float(low), float(high)), abs=0.003)


def test_a_visit_that_came_far_came_as_far_as_all_steps_before(store):
    found = landing.cells(store, landing.window_of(store, MARCH))
    odd = found[found["device"] == "tv"]
    assert set(odd["step"]) == {*landing.STEPS, "all"}
    assert (odd["reached"] == 1).all()


def test_each_channel_is_shown_with_what_its_visits_do(store):
    row = landing.landing_by_channel(store, MARCH).set_index("channel").loc["social"]
    assert row["visits"] == 160
    assert row["bounce"] == pytest.approx(60 / 160)
    assert row["cart"] == pytest.approx(70 / 160)
    assert row["checkout"] == pytest.approx(60 / 160)
    assert row["order"] == pytest.approx(15 / 160)
    assert (row["seconds"], row["pages"]) == (60, 3)
    assert row["bounce_last_year"] != row["bounce_last_year"]


def test_devices_and_pages_are_shown_most_visits_first(store):
    assert list(landing.landing_by_device(store, MARCH)["device"]) == ["phone", "desktop"]
    pages = landing.landing_by_page(store, MARCH)
    assert set(pages["landing_page"]) == {"home", "product"}
    assert pages["visits"].sum() == 462


def test_steps_of_a_device_are_those_of_a_closed_funnel(store):
    found = landing.device_steps(store, MARCH).set_index(["device", "step"])
    counts = found.loc["phone", ["entered", "reached"]].astype(int)
    assert [tuple(row) for row in counts.to_numpy()] == [(361, 260), (260, 190), (190, 160),
                                                         (160, 95)]  # fmt: skip


def test_orders_of_few_people_are_not_shown(tmp_path):
    visits = [a_visit("first", "2024-01-01", "search")]
    visits += [a_visit(f"a{i}", "2024-03-05", "search", f"o{i}") for i in range(30)]
    visits += [a_visit(f"b{i}", "2024-03-05", "mail", f"p{i}" if i < 4 else None)
               for i in range(20)]  # fmt: skip
    store = a_store(tmp_path, "2024-03", orders=[an_order("o", "p", "2024-03-02", 1)],
                    sessions=visits)  # fmt: skip
    found = landing.landing_by_channel(store, MARCH).set_index("channel")["order"]
    assert found.isna().all()


def test_a_checkout_that_loses_more_on_one_device_of_one_channel_is_found(store):
    row = landing_actions.leaks(store, MARCH).iloc[0]
    about = (row["kind"], row["channel"], row["device"], row["step"])
    assert about == ("cell", "social", "phone", "order")
    assert row["rate"] == pytest.approx(15 / 60)
    assert row["comparable"] == pytest.approx(80 / 100)
    # 160 visits known of 1,600: ten times 60 x (0.8 - 0.25) orders of 100 each.
    assert row["orders"] == pytest.approx(10 * 60 * 0.55)
    assert row["worth"] == pytest.approx(10 * 60 * 0.55 * 100)
    assert (row["basis"], row["scaled"]) == ("paid_sales", True)
    assert row["worth_low"] < row["worth"] < row["worth_high"]


def test_a_device_is_not_blamed_for_the_channel_that_leaks_on_it(store):
    found = landing_actions.leaks(store, MARCH)
    phone = found[(found["kind"] == "device") & (found["device"] == "phone")]
    paying = phone[phone["step"] == "order"].iloc[0]
    assert paying["rate"] == pytest.approx(0.8)
    assert not paying["is_leak"]


def test_what_to_mend_is_what_leaks(store):
    found = landing_actions.landing_actions(store, MARCH)
    assert found["action"].iloc[0] == "cell_order"
    assert (found["worth_low"] > 0).all()


def test_without_traffic_the_visits_known_count_for_themselves(tmp_path):
    store = a_store(tmp_path, "2024-03", sessions=visits_of_quarter(),
                    orders=[an_order(f"x{i}", f"x{i}", "2024-03-02", 100, channel="social")
                            for i in range(20)])  # fmt: skip
    row = landing_actions.leaks(store, MARCH).iloc[0]
    # 31 days of the 91 that the visits stand for.
    assert row["orders"] == pytest.approx(60 * 0.55 * 31 / 91)
    assert not row["scaled"]


def test_visits_of_a_shorter_time_can_not_tell(tmp_path):
    visits = [a_visit(f"p{i}", "2024-02-20", "search", f"o{i}") for i in range(20)]
    store = a_store(tmp_path, "2024-03", orders=[an_order("o", "p", "2024-03-02", 1)],
                    sessions=visits)  # fmt: skip
    with pytest.raises(MissingTable):
        landing.landing_by_channel(store, MARCH)


def a_quarter(random, share):
    """Cells of 4 channels, 2 devices and 2 pages in which only chance differs."""
    rows = []
    for channel in "abcd":
        for device, size in (("phone", 900), ("desktop", 250)):
            for page in ("home", "product"):
                entered = size
                for step, chance in zip(landing.STEPS, share, strict=True):
                    reached = random.binomial(entered, chance)
                    rows.append((channel, device, page, step, entered, reached, reached, reached,
                                 entered, entered))  # fmt: skip
                    entered = reached
    return pd.DataFrame(rows, columns=[*landing.CELL, "step", *landing.SUMS])


def test_chance_alone_seldom_makes_a_leak(store, monkeypatch):
    random = np.random.default_rng(3)
    money = pd.DataFrame({"scale": 1.0, "value": 1.0}, index=list("abcd"))
    money.attrs = {"basis": "paid_sales", "scaled": False}
    monkeypatch.setattr(landing_actions, "_money", lambda *_: money)
    monkeypatch.setattr(landing_actions, "window_of", lambda *_, years_back=0: years_back)
    found = []
    for _ in range(6):
        both = [a_quarter(random, (0.55, 0.3, 0.4, 0.7)) for _ in range(2)]
        monkeypatch.setattr(landing_actions, "cells", lambda _, back, both=both: both[back])
        found.append(landing_actions._leaks(store, Period(MARCH.start, MARCH.end)))
    # One in forty pictures would show one that is none: leaks are one side of an interval.
    assert sum(frame["is_leak"].any() for frame in found) <= 1
    assert all(len(frame) > 20 for frame in found)
