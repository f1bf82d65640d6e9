"""A published report of Complete Journey against plain pandas on the publisher's receipts."""

from __future__ import annotations

import json
from decimal import Decimal

import pandas as pd
import pytest

pytestmark = pytest.mark.slow
CHAPTERS = ("10_traffic", "20_lifecycle", "30_product", "40_supply_chain", "90_evaluation")


@pytest.fixture(scope="module")
def lines(shared_data) -> pd.DataFrame:
    """All lines with the local day and whether they are goods: a second, simpler reading."""
    folder = shared_data / "complete_journey"
    products = pd.read_parquet(folder / "products.parquet", columns=["product_id", "product_type"])
    rows = pd.read_parquet(folder / "transactions.parquet").merge(products, "left", "product_id")
    local = rows["transaction_timestamp"].dt.tz_localize("UTC").dt.tz_convert("US/Eastern")
    cards = rows["product_type"].str.contains("GIFT CARD", na=False)
    sold = (rows["quantity"] > 0) | (rows["sales_value"].round(2) > 0)
    return rows.assign(day=local.dt.tz_localize(None).dt.normalize(), goods=sold & ~cards)


@pytest.fixture(scope="module")
def purchases(lines) -> pd.DataFrame:
    """Baskets with a piece of goods."""
    pieces = lines[lines["goods"] & (lines["quantity"] > 0)]
    return pieces.drop_duplicates("basket_id")


def test_the_run_publishes_every_chapter_in_both_languages(complete_journey):
    assert complete_journey.code == 0, complete_journey.said
    for chapter in CHAPTERS:
        assert (complete_journey.folder / f"{chapter}.html").is_file()
        assert (complete_journey.folder / "zh" / f"{chapter}.html").is_file()
    assert "Traceback" not in complete_journey.said


def test_the_bridge_begins_with_the_publishers_total_and_adds_up(complete_journey):
    quality = json.loads((complete_journey.folder / "quality.json").read_text(encoding="utf-8"))
    money = [Decimal(str(step["money"])) for step in quality["bridge"]]
    assert money[0] == Decimal("4596039.58")
    assert sum(money[:-1]) == money[-1]
    assert not [one for one in quality["verdicts"] if one["status"] != "pass"]


def test_orders_and_customers_agree_with_plain_pandas(complete_journey, purchases):
    facts = complete_journey.facts
    month = purchases[purchases["day"] >= "2017-12-01"]
    assert facts["orders"]["value"] == len(month)
    days = purchases.groupby("household_id")["day"].nunique()
    assert facts["repurchase_rate"]["numerator"] == (days >= 2).sum()
    assert facts["repurchase_rate"]["denominator"] == len(days)


def test_a_handful_of_new_customers_is_not_published(complete_journey, purchases):
    first = purchases.groupby("household_id")["day"].min()
    assert 0 < (first >= "2017-12-01").sum() < 10
    fact = complete_journey.facts["new_customers"]
    assert (fact["value"], fact["missing"]["why"]) == (None, "small")


def test_what_buyers_paid_is_what_the_shop_received_less_the_coupons(complete_journey, lines):
    month = lines[lines["day"] >= "2017-12-01"]
    baskets = month.groupby("basket_id")[["sales_value", "coupon_disc"]].sum()
    paid = (baskets["sales_value"] - baskets["coupon_disc"]).clip(lower=0).sum()
    cards = month.loc[~month["goods"], "sales_value"].sum()
    # Only how much of a coupon falls on a gift card in the same basket is left open.
    assert complete_journey.facts["paid_sales"]["value"] == pytest.approx(paid - cards, abs=25)
