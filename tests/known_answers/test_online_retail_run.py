"""A published report of Online Retail II against plain pandas on the publisher's rows."""

from __future__ import annotations

import pandas as pd
import pytest

pytestmark = pytest.mark.slow
CHAPTERS = ("10_traffic", "20_lifecycle", "30_product", "40_supply_chain", "90_evaluation")


@pytest.fixture(scope="module")
def goods_sold(shared_data) -> pd.DataFrame:
    """Goods sold until November 2011: a second, simpler reading of the same file.

    An invoice that both sheets hold counts once; codes of goods begin with five digits, or with
    DCGS or SP1002; invoices of cancellations begin with C, of adjustments with A.
    """
    path = shared_data / "online_retail_II" / "online_retail_II_stacked.parquet"
    rows = pd.read_parquet(path)
    first, second = (part for _, part in rows.groupby("sheet"))
    rows = pd.concat([first, second[~second["Invoice"].isin(first["Invoice"])]])
    assert len(rows) == 1_067_370 - 22_523
    code = rows["StockCode"].str.upper().str.strip()
    is_goods = code.str.match(r"\d{5}|DCGS|SP1002") & ~rows["Invoice"].str.startswith(("C", "A"))
    day = pd.to_datetime(rows["InvoiceDate"]).dt.normalize()
    sold = rows.assign(day=day, money=(rows["Quantity"] * rows["Price"]).round(2))
    sold = sold[is_goods & (rows["Quantity"] > 0) & (day < "2011-12-01")]
    return sold[sold.groupby("Invoice")["Price"].transform("max") > 0]


def test_the_run_publishes_every_chapter_in_both_languages(online_retail):
    assert online_retail.code == 0, online_retail.said
    for chapter in CHAPTERS:
        assert (online_retail.folder / f"{chapter}.html").is_file()
        assert (online_retail.folder / "zh" / f"{chapter}.html").is_file()
    assert "Traceback" not in online_retail.said


def test_sales_and_orders_agree_with_plain_pandas(online_retail, goods_sold):
    month = goods_sold[goods_sold["day"] >= "2011-11-01"]
    facts = online_retail.facts
    assert facts["paid_sales"]["value"] == pytest.approx(month["money"].sum(), abs=0.005)
    assert facts["orders"]["value"] == month["Invoice"].nunique()


def test_customers_agree_with_plain_pandas(online_retail, goods_sold):
    known = goods_sold.dropna(subset=["Customer ID"])
    year = known[known["day"] >= "2010-12-01"].groupby("Customer ID")["day"].nunique()
    facts = online_retail.facts
    repurchase = facts["repurchase_rate"]
    assert repurchase["numerator"] == (year >= 2).sum()
    assert repurchase["denominator"] == facts["active_customers"]["value"] == len(year)
    first = known.groupby("Customer ID")["day"].min()
    assert facts["new_customers"]["value"] == (first >= "2011-11-01").sum()


def test_a_target_in_another_currency_does_not_bind(online_retail):
    facts = online_retail.facts
    assert facts["repurchase_rate"]["status"] == "met"
    assert facts["cac_blended"]["target"] is None


@pytest.mark.parametrize("metric", ["cac_blended", "conversion_rate", "on_time_in_full"])
def test_what_the_export_can_not_say_is_said_to_be_missing(online_retail, metric):
    assert online_retail.facts[metric]["value"] is None
    page = {"on_time_in_full": "40_supply_chain"}.get(metric, "10_traffic")
    assert "which this store" in (online_retail.folder / f"{page}.html").read_text(encoding="utf-8")


def test_no_customer_number_is_published(online_retail, shared_data):
    path = shared_data / "online_retail_II" / "online_retail_II_stacked.parquet"
    ids = pd.read_parquet(path, columns=["Customer ID"])["Customer ID"].dropna()
    personal = {str(int(number)) for number in ids.unique()}
    for file in online_retail.folder.rglob("*-win_back.csv"):
        words = set(file.read_text(encoding="utf-8-sig").replace("\n", ",").split(","))
        assert not words & personal
