"""The metric contract: complete in both languages, and every measure is there."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from helpers.measures import registry
from helpers.plan import metrics

FIXED = {
    "paid_sales", "net_sales", "gross_margin", "net_margin", "orders", "new_customers",
    "conversion_rate", "conversion_rate_sessions", "cac_blended", "cac_paid", "repurchase_rate",
    "repurchase_rate_cohort", "returning_customer_rate", "ltv_12m", "on_time_in_full",
    "inventory_days", "payment_success_rate", "organic_share", "nps",
}  # fmt: skip
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
CHAPTERS = {path.stem[3:] for path in NOTEBOOKS.glob("*.ipynb")}
ENTRY = {
    "id": "m", "unit": "ratio", "better": "up", "chapter": "traffic", "section": "1.3",
    "measure": "traffic.m", "version": 1, "name": {"en": "M", "zh": "指标"},
    "window": {"en": "period", "zh": "报告期"}, "time": {"en": "day", "zh": "日"},
    "numerator": {"en": "a", "zh": "甲"},
}  # fmt: skip


def test_the_ids_that_readers_of_facts_rely_on_are_there():
    assert set(metrics.load()) >= FIXED


@pytest.mark.parametrize("key", metrics.load())
def test_the_registry_finds_the_measure_of(key):
    measure = registry.resolve(metrics.metric(key).measure)
    assert list(inspect.signature(measure).parameters)[:2] == ["store", "period"]


def test_a_measure_that_does_not_exist_is_refused_by_name():
    with pytest.raises(LookupError, match=r"'traffic.nothing' does not exist"):
        registry.resolve("traffic.nothing")
    with pytest.raises(LookupError, match=r"'nowhere.nothing' does not exist"):
        registry.resolve("nowhere.nothing")


@pytest.mark.parametrize("key", metrics.load())
def test_every_text_stands_in_both_languages_for(key):
    entry = metrics.metric(key)
    for name in ("name", "numerator", "window", "time"):
        assert all(getattr(entry, name)[language] for language in ("en", "zh"))
    assert entry.chapter in CHAPTERS
    assert entry.version >= 1
    if entry.unit == "ratio":
        assert entry.denominator


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_two_metrics_have_one_name(language):
    names = [entry.name[language] for entry in metrics.load().values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"unit": "percent"}, "unit 'percent'"),
        ({"better": "more"}, "better 'more'"),
        ({"name": {"en": "M"}}, "name must have"),
    ],
)
def test_an_entry_that_breaks_a_rule_is_refused_by_name(change, said):
    with pytest.raises(ValueError, match=said):
        metrics.Metric(**{**ENTRY, **change})


def test_an_unknown_metric_is_refused_with_those_that_exist():
    with pytest.raises(KeyError, match="cac_blended"):
        metrics.metric("cac")
