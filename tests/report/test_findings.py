"""A status is given only where the interval leaves no doubt."""

import json
from dataclasses import replace

import pytest

from helpers.plan import metrics
from helpers.plan.targets import Target
from helpers.report import scoring
from helpers.report.findings import Finding, Missing, from_row
from tests.report.shop import NOVEMBER, FakeStore, compute, report

AT_LEAST = Target("repurchase_rate", "min", 0.35, 0.28, "", None, "plan 1.3")
AT_MOST = Target("cac_blended", "max", 80, 120, "CNY", None, "plan 1.3")


def rate(value, low=None, high=None, target=AT_LEAST):
    return Finding(
        "repurchase_rate", "ratio", NOVEMBER, value=value, low=low, high=high, target_row=target
    )


@pytest.mark.parametrize(
    ("finding", "status"),
    [
        (rate(0.36, 0.351, 0.37), "met"),
        (rate(0.36, 0.349, 0.37), "not_enough_evidence"),
        (rate(0.34, 0.33, 0.351), "not_enough_evidence"),
        (rate(0.34, 0.33, 0.349), "missed"),
        (rate(0.35), "met"),
        (rate(0.3499), "missed"),
        (rate(79, 70, 79.9, AT_MOST), "met"),
        (rate(79, 70, 81, AT_MOST), "not_enough_evidence"),
        (rate(95, 81, 99, AT_MOST), "missed"),
        (rate(0.36, target=None), "no_target"),
        (rate(None), "unknown"),
    ],
)
def test_a_status_needs_an_interval_that_does_not_span_the_target(finding, status):
    assert finding.status == status


def test_a_gap_is_positive_while_there_is_something_left_to_do():
    assert rate(0.28).gap == pytest.approx(0.07)
    assert rate(120, target=AT_MOST).gap == 40
    assert rate(70, target=AT_MOST).gap == -10
    assert rate(70, target=AT_MOST).shortfall == 10


def test_a_fact_has_the_fields_of_the_runs_contract():
    fact = rate(0.28, 0.27, 0.29).as_fact("20_lifecycle")
    for name in ("metric", "scope", "period", "value", "low", "high", "n", "unit", "target",
                 "status", "previous", "last_year", "definition_version"):  # fmt: skip
        assert name in fact
    assert fact["scope"] == {}
    assert json.loads(json.dumps(fact, allow_nan=False)) == fact


def test_a_scope_stands_in_the_id():
    assert replace(rate(1), scope={"channel": "live"}).id == "repurchase_rate@channel=live"


def test_missing_numbers_are_none_and_not_nan():
    entry = metrics.metric("repurchase_rate")
    row = {"value": 0.3, "low": float("nan"), "high": float("nan"), "n": float("nan")}
    found = from_row(entry, NOVEMBER, row, target=AT_LEAST)
    assert (found.low, found.high, found.n, found.status) == (None, None, None, "missed")


def test_what_a_store_lacks_is_carried():
    (found,) = scoring.Scoring(FakeStore(), NOVEMBER, compute).findings("nps")
    assert found.missing == Missing("surveys", ("score",), "absent")
    assert found.status == "unknown"


def test_the_period_before_and_the_year_before_come_with_the_value():
    found = report().finding("orders")
    before = compute(None, "orders", NOVEMBER.previous())["value"].iloc[0]
    year_before = compute(None, "orders", NOVEMBER.last_year())["value"].iloc[0]
    assert (found.previous, found.last_year) == (before, year_before)


def test_a_period_that_began_before_the_data_is_not_compared_with():
    store = FakeStore(first_day=NOVEMBER.previous().start.replace(day=2))
    (found,) = scoring.Scoring(store, NOVEMBER, compute).findings("orders")
    assert (found.previous, found.last_year) == (None, None)


def test_the_history_is_thirteen_periods_and_ends_with_this_one():
    points = report().history("orders")
    assert len(points) == 13
    assert points[0]["period"] == "2024-11"
    assert points[-1] == {"period": "2025-11", "value": report().finding("orders").value}


def test_each_metric_and_period_is_computed_once():
    calls = []

    def counted(store, metric, period):
        calls.append((metric, period))
        return compute(store, metric, period)

    scored = scoring.Scoring(FakeStore(), NOVEMBER, counted)
    (found,) = scored.findings("orders")
    scored.history(found)
    scored.findings("orders")
    assert len(calls) == len(set(calls)) == 13


def test_scopes_become_findings_of_their_own_without_the_whole_stores_target():
    found = report().findings("cac_paid")
    assert [dict(one.scope) for one in found] == [{"channel": "live"}, {"channel": "search_ads"}]
    assert {one.status for one in found} == {"no_target"}
    assert report().finding("cac_paid", channel="live").value == 95


def test_a_target_in_another_currency_never_binds():
    pounds = report(currency="GBP").finding("cac_blended")
    assert (pounds.target, pounds.status) == (None, "no_target")
    assert report().finding("cac_blended").status == "missed"


def test_values_of_a_period_that_is_not_over_are_provisional():
    found = report(as_of=NOVEMBER.end.replace(day=20)).finding("orders")
    assert found.provisional


ROWS = {
    "a rate of nine customers": (
        "repurchase_rate",
        {"value": 1 / 3, "low": 0.1, "high": 0.6, "n": 9, "numerator": 3, "denominator": 9},
    ),
    "nine new customers": ("new_customers", {"value": 9, "n": 9}),
}


@pytest.mark.parametrize("case", ROWS)
def test_a_figure_on_fewer_than_ten_customers_is_withheld_whole(case):
    metric, row = ROWS[case]
    found = from_row(metrics.metric(metric), NOVEMBER, row)
    assert found.missing == Missing("orders", why="small")
    assert found.status == "unknown"
    fact = found.as_fact("20_lifecycle")
    assert not {name for name in ("value", "low", "high", "n", "numerator", "denominator")
                if fact[name] is not None}  # fmt: skip


def test_a_count_of_one_to_nine_customers_is_blank_and_its_rate_stays():
    row = {"value": 0.03, "low": 0.01, "high": 0.09, "n": 100, "numerator": 3, "denominator": 100}
    found = from_row(metrics.metric("repurchase_rate"), NOVEMBER, row)
    assert (found.value, found.numerator, found.denominator) == (0.03, None, 100)


def test_a_count_that_leaves_out_one_to_nine_customers_is_blank_too():
    row = {"value": 0.97, "low": 0.9, "high": 0.99, "n": 100, "numerator": 97, "denominator": 100}
    found = from_row(metrics.metric("repurchase_rate"), NOVEMBER, row)
    assert (found.value, found.numerator, found.denominator) == (0.97, None, 100)


def test_counts_of_no_customers_and_of_days_stay():
    none = from_row(metrics.metric("new_customers"), NOVEMBER, {"value": 0, "n": 0})
    assert none.value == 0
    row = {"value": 0.5, "n": 4, "numerator": 2, "denominator": 4}
    assert from_row(metrics.metric("payment_success_rate"), NOVEMBER, row).denominator == 4
