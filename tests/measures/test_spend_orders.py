"""Which paid channels are to get less money, on their strongest evidence."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from helpers.measures import spend_orders
from helpers.measures.spend_weeks import WEEKS_PER_MONTH
from helpers.store.errors import MissingTable
from tests.traffic_shop import MARCH

CHANNELS = ["social_ads", "onsite_ads", "live"]


def a_response(channel: str, verdict: str, spend: float = 1000.0) -> dict:
    return {"channel": channel, "spend": spend, "verdict": verdict, "value": 0.5, "low": 0.4,
            "high": 0.6}  # fmt: skip


def a_test(channel: str, reading: str) -> dict:
    return {"channel": channel, "reading": reading, "method": "geo_holdout",
            "starts_on": pd.Timestamp("2024-01-01"), "ends_on": pd.Timestamp("2024-01-28"),
            "extra_spend": 500.0, "value": 0.2, "value_low": -0.1, "value_high": 0.5}  # fmt: skip


def a_limit(channel: str, action: str, worth: float) -> dict:
    return {"channel": channel, "action": action, "worth": worth, "worth_low": worth / 2,
            "worth_high": worth * 2, "cac": 90.0, "limit": 60.0}  # fmt: skip


@pytest.fixture
def a_shop(monkeypatch):
    """A shop of the evidence that is given; a unit of spend brings 0.005 customers of 100 each."""

    def give(*, model=(), tests=(), limits=(), told=True):
        for name, rows in (("response_by_channel", model), ("spend_tests", tests),
                           ("bid_limits", limits)):  # fmt: skip
            monkeypatch.setattr(spend_orders, name, answer(rows))
        best = SimpleNamespace(spend=np.array([400.0, 700.0, 1300.0])) if told else None
        found = SimpleNamespace(
            series=SimpleNamespace(channels=CHANNELS), fit=object(), now=np.full(3, 1000.0),
            tells=np.full(3, told), demand=1.0,
        )  # fmt: skip
        monkeypatch.setattr(
            spend_orders, "best_budget", lambda *_: (found, np.full(3, 100.0), best)
        )
        monkeypatch.setattr("helpers.models.response.brought", linear)
        return spend_orders.spend_orders(None, MARCH).set_index("channel")

    def answer(rows):
        def measure(*_):
            if rows is None:
                raise MissingTable("ad_spend", ("spend",))
            return pd.DataFrame(
                list(rows), columns=list(rows[0]) if rows else ["channel", "reading"]
            )

        return measure

    def linear(_, spend, __):
        return 0.005 * np.asarray(spend, float) * np.ones((8, 1))

    return give


def test_the_strongest_evidence_is_named_and_each_channel_stands_once(a_shop):
    frame = a_shop(
        model=[a_response("social_ads", "less"), a_response("onsite_ads", "less"),
               a_response("live", "unsure")],
        tests=[a_test("social_ads", "loses")],
        limits=[a_limit("social_ads", "cut", 900.0), a_limit("onsite_ads", "cap", 800.0),
                a_limit("live", "cap", 700.0)],
    )  # fmt: skip
    assert frame["action"].to_dict() == {
        "social_ads": "test", "onsite_ads": "model", "live": "cap"
    }  # fmt: skip
    assert frame["worth"].is_monotonic_decreasing
    assert frame.loc["social_ads", ["extra", "back", "back_low", "back_high"]].tolist() == (
        pytest.approx([500, 100, -50, 250])
    )


def test_what_a_test_or_the_model_clears_is_not_asked_for_on_attribution(a_shop):
    frame = a_shop(
        model=[a_response("social_ads", "less"), a_response("onsite_ads", "more")],
        tests=[a_test("social_ads", "pays")],
        limits=[a_limit("social_ads", "cut", 900.0), a_limit("onsite_ads", "cut", 800.0)],
    )
    assert frame.empty


def test_worth_is_the_spend_saved_less_what_it_would_have_brought(a_shop):
    row = a_shop(model=[a_response("social_ads", "less")]).loc["social_ads"]
    # From 1,000 to 400 a week: 600 saved, 3 customers of 100 lost.
    month = ("today", "then", "worth", "worth_low", "worth_high")
    weekly = [row[name] / WEEKS_PER_MONTH for name in month]
    assert weekly == pytest.approx([1000, 400, 300, 300, 300])


def test_where_only_a_test_can_tell_a_fifth_goes_first(a_shop):
    found = a_shop(model=[a_response("live", "cannot_tell")], tests=[a_test("live", "loses")],
                   told=False).loc["live"]  # fmt: skip
    month = ("today", "then", "worth", "worth_low", "worth_high")
    weekly = [found[name] / WEEKS_PER_MONTH for name in month]
    assert weekly == pytest.approx([1000, 800, 200 * 0.8, 200 * 0.5, 200 * 1.1])


def test_a_channel_without_spend_now_is_not_asked_for(a_shop):
    frame = a_shop(model=[a_response("live", "less", spend=0.0)])
    assert frame.empty


def test_without_any_evidence_the_shop_is_told_what_it_lacks(a_shop):
    with pytest.raises(MissingTable, match="ad_spend"):
        a_shop(model=None, tests=None, limits=None)
