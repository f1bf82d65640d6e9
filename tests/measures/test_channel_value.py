"""Cost, value and payback of channels side by side, and the verdict on each."""

from __future__ import annotations

import pytest

from helpers.measures import channel_value, payback, traffic_actions, value_groups


@pytest.fixture(scope="module")
def frame(value_shop):
    store = value_shop[0]
    return channel_value.channel_value(store, store.period).set_index("channel")


def test_each_figure_is_that_of_its_own_measure(value_shop, frame):
    store = value_shop[0]
    ratios = value_groups.ltv_to_cac_by_channel(store, store.period).set_index("channel")
    months = payback.payback_by_channel(store, store.period).set_index("channel")["month"]
    brought = traffic_actions.value_by_channel(store, store.period, before_acquisition=True)
    brought = brought.set_index("channel")["value"]
    assert list(frame.index) == list(ratios.index)
    for name, row in frame.iterrows():
        assert row["ratio"] == ratios.loc[name, "ratio"]
        assert row["payback"] == pytest.approx(months.get(name, float("nan")), nan_ok=True)
        assert row["brought"] == pytest.approx(brought.get(name, float("nan")), nan_ok=True)


def test_two_years_are_worth_more_than_one_and_less_than_twice(frame):
    assert (frame["value_24"] > frame["value_12"]).all()
    assert (frame["value_24"] < 2 * frame["value_12"]).all()
    assert (frame["value_24_low"] < frame["value_24"]).all()
    assert (frame["value_24"] < frame["value_24_high"]).all()


def test_channels_with_an_agency_alone_are_not_paid(frame):
    assert frame.loc["onsite_ads", "is_paid"]
    assert not frame.loc["organic_search", "is_paid"]


@pytest.mark.parametrize(
    ("ratio", "longer", "verdict"),
    [
        ((1.1, 1.4), (120, 140), "pays"),
        ((0.9, 1.1), (120, 140), "open"),
        ((0.7, 0.9), (120, 140), "later"),
        ((0.7, 0.9), (100, 120), "late"),
        ((0.5, 0.7), (70, 85), "loses"),
    ],
)
def test_the_verdict_follows_the_ends_of_the_intervals(ratio, longer, verdict):
    """The cost is 90 to 110."""
    row = {"ratio_low": ratio[0], "ratio_high": ratio[1], "value_24_low": longer[0],
           "value_24_high": longer[1], "cac_low": 90, "cac_high": 110}  # fmt: skip
    assert channel_value._verdict(row) == verdict


def test_the_whole_shop_is_judged_on_its_blended_cost(value_shop, frame):
    store = value_shop[0]
    row = channel_value.channel_value_whole(store, store.period).iloc[0]
    whole = value_groups.ltv_to_cac(store, store.period).iloc[0]
    assert (row["ratio"], row["cac"]) == (whole["value"], whole["denominator"])
    losing = frame[frame["ratio_high"] < 1]
    assert row["losing"] == len(losing)
    assert row["lost"] == pytest.approx(-losing["left"].sum())
