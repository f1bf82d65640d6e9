"""The plan's figures, against the file that they were taken from."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from helpers.plan import benchmarks

PROJECT = Path(__file__).resolve().parents[2]
SOURCE = PROJECT.parent / "shared" / "plan" / "benchmarks.csv"
READINGS = {
    "": "",
    "relative change, or percentage points": "relative_or_points",
    "1.8 as a level, or 1.8 times what it was": "level_or_multiple",
    "speed up 20 % (time down 16.7 %), or time down 20 %": "speed_or_time",
}


@pytest.fixture(scope="module")
def source() -> list[dict[str, str]]:
    if not SOURCE.exists():
        pytest.skip(f"the plan's own file is not there: {SOURCE.name} in ../shared/plan")
    with SOURCE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def by_id(key: str) -> benchmarks.Benchmark:
    return next(b for b in benchmarks.load() if b.id == key)


def test_there_are_77_figures_each_with_its_own_id():
    ids = [b.id for b in benchmarks.load()]
    assert len(ids) == len(set(ids)) == 77


def test_every_figure_equals_the_plans_row_by_row(source):
    def number(text: str) -> float | None:
        return float(text) if text else None

    expected = [
        (row["id"], row["section"], row["metric"], row["kind"], number(row["before"]),
         number(row["after"]), number(row["change"]), row["unit"], READINGS[row["ambiguous"]])
        for row in source
    ]  # fmt: skip
    found = [
        (b.id, b.section, b.metric, b.kind, b.before, b.after, b.change, b.unit, b.reading)
        for b in benchmarks.load()
    ]
    assert found == expected


def test_no_text_of_the_plan_was_lost(source):
    expected = [(row["industry_zh"], row["lever_zh"], row["metric_zh"]) for row in source]
    found = [(b.industry["zh"], b.lever["zh"], b.metric_name) for b in benchmarks.load()]
    assert found == expected
    assert all(b.industry["en"] and b.lever["en"] for b in benchmarks.load())


def test_24_changes_of_rates_have_two_readings():
    found = Counter(b.reading for b in benchmarks.load())
    assert found == {
        "": 51, "relative_or_points": 24, "level_or_multiple": 1, "speed_or_time": 1
    }  # fmt: skip
    assert sum(b.is_ambiguous for b in benchmarks.load()) == 26


def test_28_percent_up_18_percent_is_33_percent_in_the_relative_reading():
    repurchase = by_id("acca_repurchase")
    assert repurchase.is_ambiguous
    assert repurchase.expected(0.28) == pytest.approx(0.3304)


def test_28_percent_up_18_points_is_46_percent_and_85_up_18_is_impossible():
    repurchase = by_id("acca_repurchase")
    assert repurchase.expected_in_points(0.28) == pytest.approx(0.46)
    assert repurchase.expected_in_points(0.85) is None
    assert by_id("referral_share").expected_in_points(0.1) is None


def test_figures_are_chosen_by_name_in_the_order_asked_for():
    found = benchmarks.chosen("member_care", "acca_cac")
    assert [one.id for one in found] == ["member_care", "acca_cac"]
    with pytest.raises(KeyError, match="no_such_figure"):
        benchmarks.chosen("no_such_figure")


def test_a_rate_that_would_pass_100_percent_is_impossible():
    assert by_id("supplier_scoring_otd").expected(0.85) is None
    assert by_id("supplier_scoring_otd").expected(0.8) == pytest.approx(1.0)


def test_points_are_added_and_not_multiplied():
    assert by_id("aftersales_nps").expected(20) == 35


def test_a_level_is_expected_whatever_the_shop_has():
    assert by_id("payment_success").expected(0.5) == 0.95
    assert by_id("target_cac").expected(300) == 80


@pytest.mark.parametrize(("column", "value"), [("kind", "guess"), ("reading", "either")])
def test_an_unknown_word_is_refused_with_its_line(tmp_path, column, value):
    rows = list(csv.DictReader((PROJECT / "data/plan/benchmarks.csv").open(encoding="utf-8")))
    rows[1][column] = value
    path = tmp_path / "benchmarks.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(ValueError, match=f"benchmarks.csv line 3: {column} '{value}'"):
        benchmarks.load(path)
