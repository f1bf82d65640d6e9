"""Seven rules on journeys counted by hand: shares, sales, costs and verdicts."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from helpers.measures import attribution
from helpers.models.attribution import MODELS, Path, attribute
from helpers.plan.periods import month_of
from helpers.store.errors import MissingTable
from tests.journey_shop import NEW, ORDERS, SPEND, journey_shop
from tests.stores import a_store, an_order
from tests.visits import a_visit

MARCH = month_of(date(2024, 3, 1))
# 61 social > direct, 32 direct, 24 search > social > search, 12 social.
CONVERSIONS = {
    "last": {"direct": 93, "search": 24, "social": 12},
    "first": {"direct": 32, "search": 24, "social": 73},
    "linear": {"direct": 32 + 61 / 2, "search": 16, "social": 61 / 2 + 8 + 12},
    # Two days before the order weigh 2^(-2/7); search 7 and 0 days before, social 4.
    "time_decay": {
        "direct": 32 + 61 / (1 + 2 ** (-2 / 7)),
        "search": 24 * 1.5 / (1.5 + 2 ** (-4 / 7)),
    },
    "position": {"direct": 32 + 61 / 2, "search": 24 * 0.8, "social": 61 / 2 + 4.8 + 12},
    "shapley": {"direct": 32 + 61 / 2, "search": 12, "social": 61 / 2 + 12 + 12},
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return journey_shop(tmp_path_factory.mktemp("attribution"))


@pytest.fixture(scope="module")
def shares(store):
    return attribution.by_model(store, MARCH).set_index(["model", "channel"])


@pytest.mark.parametrize("model", list(CONVERSIONS))
def test_a_rule_gives_what_is_counted_by_hand(shares, model):
    for channel, wanted in CONVERSIONS[model].items():
        assert shares.loc[(model, channel), "conversions"] == pytest.approx(wanted, abs=1e-4)
        assert shares.loc[(model, channel), "share"] == pytest.approx(wanted / ORDERS)


def test_markov_counts_people_who_did_not_order(shares):
    paths = (
        Path(("social", "direct"), 61), Path(("direct",), 32, 1), Path(("social",), 12, 101),
        Path(("search", "social", "search"), 24),
    )  # fmt: skip
    for channel, wanted in attribute(paths, "markov").items():
        assert shares.loc[("markov", channel), "conversions"] == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_all_channels_of_a_rule_add_up_to_the_orders_exactly(shares, model):
    part = shares.loc[model]
    if part["conversions"].notna().all():
        assert part["conversions"].sum() == ORDERS


def test_shares_lie_inside_their_intervals(shares):
    shown = shares.dropna(subset=["share"])
    assert (shown["low"] <= shown["share"]).all()
    assert (shown["share"] <= shown["high"]).all()
    # 32 of 129 by first click: sd sqrt(0.25 x 0.75 / 129) = 0.038, so about 0.15 wide.
    row = shown.loc[("first", "direct")]
    assert row["high"] - row["low"] == pytest.approx(0.149, abs=0.03)


def test_sales_follow_orders_of_equal_value(shares):
    row = shares.loc[("last", "direct")]
    assert row["sales_share"] == pytest.approx(row["share"])


def test_new_customers_leave_second_orders_out(shares):
    assert shares.loc[("last", "direct"), "new_share"] == pytest.approx(92 / NEW)
    assert shares.loc[("first", "social"), "new_share"] == pytest.approx(72 / NEW)


def test_claims_and_the_platforms_channel_stand_beside_the_rules(store):
    row = attribution.disagreement(store, MARCH).set_index("channel").loc["social"]
    assert row["lowest"] == pytest.approx(12 / ORDERS)
    assert row["highest"] == pytest.approx(73 / ORDERS)
    assert (row["less_by"], row["more_by"]) == ("last", "first")
    assert row["platform_share"] == pytest.approx(12 / ORDERS)
    # 300 a day for 30 days and the one of February, of sales of 100 an order.
    assert row["claimed_share"] == pytest.approx(300 * 31 / (100 * ORDERS))
    assert row["claim_excess"] == pytest.approx(row["claimed_share"] - row["highest"])


def test_social_begins_what_direct_ends(store):
    row = attribution.roles(store, MARCH).iloc[0]
    assert (row["starter"], row["closer"], row["reading"]) == ("social", "direct", "hands_over")
    assert row["gap"] == pytest.approx(61 / ORDERS)
    assert 0 < row["gap_low"] < row["gap"] < row["gap_high"]


def test_cost_is_the_spend_by_the_customers_of_each_rule(store):
    row = attribution.cost_by_model(store, MARCH).set_index("channel").loc["social"]
    assert row["last"] == pytest.approx(SPEND / 12)
    assert row["first"] == pytest.approx(SPEND / 72)
    assert row["linear"] == pytest.approx(SPEND / (60 / 2 + 8 + 12))
    assert row["platform"] == pytest.approx(SPEND / 12)
    assert (row["lowest"], row["highest"]) == (row["first"], row["last"])


def a_line(monkeypatch, low: float, value: float, high: float) -> None:
    """What a customer of social ads brings, given by hand."""
    row = {"channel": "social", "spend": SPEND, "new_customers": 12.0, "cac": SPEND / 12,
           "break_even": value, "break_even_low": low, "break_even_high": high,
           "ceiling": 80.0}  # fmt: skip
    monkeypatch.setattr(attribution, "cost_against_value", lambda *_: pd.DataFrame([row]))


# Costs are 600 by last click, 100 by first click and 144 by linear.
@pytest.mark.parametrize(
    ("value", "verdict", "action"),
    [
        (200, "depends", "keep"),
        (5000, "earns", None),
        (20, "loses", "lower"),
        (600, "some_earn", None),
    ],
)
def test_the_verdict_says_whether_it_hangs_on_the_rule(store, monkeypatch, value, verdict, action):
    a_line(monkeypatch, value * 0.95, value, value * 1.05)
    row = attribution.cost_by_model(store, MARCH).iloc[0]
    assert (row["rule_verdict"], row["line_is"]) == (verdict, "value")
    assert list(attribution.attribution_actions(store, MARCH)["action"]) == [action] * bool(action)


def test_what_is_at_stake_runs_over_all_rules(store, monkeypatch):
    a_line(monkeypatch, 190, 200, 210)
    row = attribution.attribution_actions(store, MARCH).iloc[0]
    assert row["worth_low"] == pytest.approx(12 * 200 - SPEND)
    assert row["worth_high"] == pytest.approx(72 * 200 - SPEND)
    assert row["worth"] == pytest.approx((60 / 2 + 12 + 12) * 200 - SPEND)


def test_what_is_lost_is_told_as_money_lost(store, monkeypatch):
    a_line(monkeypatch, 19, 20, 21)
    row = attribution.attribution_actions(store, MARCH).iloc[0]
    assert row["worth_low"] == pytest.approx(SPEND - 72 * 20)
    assert row["worth_high"] == pytest.approx(SPEND - 12 * 20)


def test_channels_of_few_people_are_one(tmp_path):
    names = ["direct"] * 55 + ["a"] * 6 + ["b"] * 7
    visits = [a_visit("first", "2024-01-01", "direct")]
    visits += [a_visit(f"p{i}", "2024-03-02", name, f"o{i}") for i, name in enumerate(names)]
    orders = [an_order(f"o{i}", f"p{i}", "2024-03-02", 10) for i in range(len(names))]
    store = a_store(tmp_path, "2024-03", orders=orders, sessions=visits)
    found = attribution.by_model(store, MARCH)
    assert set(found["channel"]) == {"direct", "other"}
    assert set(found.loc[found["channel"] == "other", "conversions"]) == {13.0}
    with pytest.raises(MissingTable):
        attribution.cost_by_model(store, MARCH)


def test_shares_that_rest_on_few_orders_are_empty_and_can_not_be_worked_out(tmp_path):
    visits = [a_visit("first", "2024-01-01", "direct")]
    for i in range(62):
        visits += [a_visit(f"p{i}", "2024-03-01", "blog")] * (i < 12)
        visits.append(a_visit(f"p{i}", "2024-03-02", "direct", f"o{i}"))
    orders = [an_order(f"o{i}", f"p{i}", "2024-03-02", 10) for i in range(62)]
    store = a_store(tmp_path, "2024-03", orders=orders, sessions=visits)
    found = attribution.by_model(store, MARCH).set_index(["model", "channel"])["share"]
    # Linear gives the blog half of 12 orders; the rest of 62 would tell it.
    assert found["linear"].isna().all()
    assert found["first", "blog"] == pytest.approx(12 / 62)
    assert found["last", "direct"] == 1
