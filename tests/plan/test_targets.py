"""Targets: which bind for a store, and when they are met."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.plan import metrics, targets

MONEY = {"cac_blended"}


def test_the_plans_three_goals_stand_as_the_plan_has_them():
    found = targets.load("CNY")
    goals = {
        key: (found[key].direction, found[key].value, found[key].start)
        for key in ("cac_blended", "repurchase_rate", "conversion_rate")
    }
    assert goals == {
        "cac_blended": ("max", 80, 120),
        "repurchase_rate": ("min", 0.35, 0.28),
        "conversion_rate": ("min", 0.04, 0.025),
    }


def test_the_plans_other_levels_stand_as_the_plan_has_them():
    found = targets.load("CNY")
    levels = {key: (target.direction, target.value) for key, target in found.items()}
    assert levels["net_margin"] == ("min", 0.05)
    assert levels["organic_share"] == ("min", 0.28)
    assert levels["live_sales_share"] == ("min", 0.25)
    assert levels["payment_success_rate"] == ("min", 0.95)
    assert levels["return_on_spend"] == ("min", 1.8)


@given(st.sampled_from(["GBP", "USD", "EUR", "JPY", "cny", ""]))
def test_a_target_in_another_currency_never_binds(currency):
    found = targets.load(currency)
    assert not MONEY & set(found)
    assert {target.currency for target in found.values()} <= {""}
    assert set(found) == set(targets.load("CNY")) - MONEY


def test_a_shops_own_target_binds_in_the_shops_currency():
    found = targets.load("GBP", {"cac_blended": 12.5})["cac_blended"]
    assert (found.value, found.start, found.due, found.source) == (12.5, None, None, "store.toml")


def test_a_shops_own_target_replaces_the_plans_and_leaves_the_rest():
    found = targets.load("CNY", {"conversion_rate": 0.03})
    assert found["conversion_rate"].value == 0.03
    assert found["conversion_rate"].direction == "min"
    assert found["cac_blended"].value == 80


def test_a_target_that_the_plan_does_not_know_is_refused_by_name():
    with pytest.raises(ValueError, match="happiness"):
        targets.load("CNY", {"happiness": 1})


@given(st.floats(-1e6, 1e6), st.sampled_from(["min", "max"]), st.floats(-1e6, 1e6))
def test_a_target_is_met_exactly_where_no_gap_is_left(value, direction, goal):
    target = targets.Target("m", direction, goal, None, "", None, "")
    assert target.met(value) == (target.gap(value) <= 0)


def test_gaps_have_the_unit_of_the_metric():
    found = targets.load("CNY")
    assert found["cac_blended"].gap(120) == 40
    assert found["conversion_rate"].gap(0.025) == pytest.approx(0.015)


def test_every_target_belongs_to_a_metric_and_every_named_target_exists():
    named = {key: metric.target for key, metric in metrics.load().items() if metric.target}
    assert set(named) == set(named.values()) == set(targets.load("CNY"))


def test_a_target_points_where_its_metric_gets_better():
    better = {"min": "up", "max": "down"}
    for key, target in targets.load("CNY").items():
        assert metrics.metric(key).better == better[target.direction]


def test_money_targets_carry_a_currency_and_others_none():
    for key, target in targets.load("CNY").items():
        assert (metrics.metric(key).unit == "money") == bool(target.currency)


def test_a_direction_that_is_none_is_refused_with_its_line(tmp_path):
    path = tmp_path / "targets.csv"
    head = "id,metric,direction,value,start,unit,currency,due,source\n"
    path.write_text(head + "a,a,about,1,,ratio,,,plan\n")
    with pytest.raises(ValueError, match=r"targets.csv line 2: direction 'about'"):
        targets.load("CNY", path=path)
    path.write_text("id,metric\n")
    with pytest.raises(ValueError, match=r"targets.csv: columns"):
        targets.load("CNY", path=path)
