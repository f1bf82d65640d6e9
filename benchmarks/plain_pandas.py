"""The main measures in plain pandas, as an analyst would write them, to hold the suite against.

Reads the same exports, whole columns into memory, and computes purchase days, repurchase, cohort
retention, RFM segments, net sales by month and sums by product. It shares no code with the suite,
so its figures are a second witness. No margins, no models, no intervals, no pages.

    python -m benchmarks.plain_pandas FOLDER 2024-12
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

ORDERS = ["order_id", "customer_id", "paid_at", "kind", "is_fake"]
LINES = ["order_id", "product_id", "item_class", "quantity", "buyer_paid", "platform_subsidy",
         "merchant_receivable"]  # fmt: skip
RETURNS = ["order_id", "product_id", "stage", "settled_at", "amount", "item_class"]
YEAR = pd.Timedelta(days=365)
DAY = pd.Timedelta(days=1)


def read(folder: Path, table: str, columns: list[str]) -> pd.DataFrame:
    """Columns of a table; money as floats."""
    frame = pd.read_parquet(folder / f"{table}.parquet", columns=columns)
    for name in ("buyer_paid", "platform_subsidy", "merchant_receivable", "amount"):
        if name in frame:
            frame[name] = frame[name].astype(float)
    return frame


def sold_lines(folder: Path, end: pd.Timestamp) -> pd.DataFrame:
    """Goods lines of sales paid before `end`."""
    orders = read(folder, "orders", ORDERS)
    orders = orders[(orders["kind"] == "sale") & ~orders["is_fake"] & (orders["paid_at"] < end)]
    orders = orders.assign(day=orders["paid_at"].dt.normalize())
    lines = read(folder, "order_lines", LINES)
    lines = lines[lines["item_class"] == "goods"]
    owed = lines["buyer_paid"] + lines["platform_subsidy"].fillna(0)
    lines["receivable"] = lines["merchant_receivable"].fillna(owed)
    return lines.merge(orders[["order_id", "customer_id", "day"]], on="order_id")


def paid_refunds(folder: Path, lines: pd.DataFrame, end: pd.Timestamp) -> pd.DataFrame:
    """Refunds of goods paid out before `end`, with the day on which their order was paid."""
    refunds = read(folder, "returns", RETURNS)
    refunds = refunds[(refunds["item_class"] == "goods") & (refunds["settled_at"] < end)]
    paid_on = lines.drop_duplicates("order_id").set_index("order_id")["day"]
    refunds["day"] = refunds["order_id"].map(paid_on)
    return refunds.dropna(subset="day")


def purchases(lines: pd.DataFrame, refunds: pd.DataFrame) -> pd.DataFrame:
    """One row per customer and day with an order that was not undone before shipment."""
    orders = lines.groupby("order_id").agg(
        customer_id=("customer_id", "first"),
        day=("day", "first"),
        paid=("buyer_paid", "sum"),
        receivable=("receivable", "sum"),
    )
    early = refunds[refunds["stage"] == "before_shipment"]
    undone = early.groupby("order_id")["amount"].sum().reindex(orders.index, fill_value=0)
    back = refunds.groupby("order_id")["amount"].sum().reindex(orders.index, fill_value=0)
    orders["net_sales"] = orders["receivable"] - back
    kept = (orders["paid"] <= 0) | (undone < orders["paid"] - 0.005)
    days = orders[kept].groupby(["customer_id", "day"], as_index=False)[["paid", "net_sales"]].sum()
    days = days.sort_values(["customer_id", "day"])
    days["number"] = days.groupby("customer_id").cumcount() + 1
    days["next_day"] = days.groupby("customer_id")["day"].shift(-1)
    return days


def repurchase(days: pd.DataFrame, end: pd.Timestamp) -> float:
    """Buyers of the 365 days to `end` with two or more days / buyers."""
    inside = days[days["day"] >= end - YEAR]
    return float((inside.groupby("customer_id").size() >= 2).mean())


def repurchase_cohort(days: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> float:
    """Share who come back within 365 days, of those whose 365 days end from `start` to `end`."""
    first = days[(days["number"] == 1) & days["day"].between(start - YEAR, end - DAY - YEAR)]
    return float(((first["next_day"] - first["day"]) <= YEAR).mean())


def retention(days: pd.DataFrame, end: pd.Timestamp) -> pd.DataFrame:
    """Customers by month of first purchase and months since, of the last 13 cohorts."""
    month = days["day"].dt.to_period("M")
    first = month.where(days["number"] == 1).groupby(days["customer_id"]).transform("first")
    since = (month - first).map(lambda gap: gap.n)
    recent = first > (end - DAY).to_period("M") - 13
    counted = days[recent].groupby([first[recent], since[recent]])["customer_id"].nunique()
    return counted.unstack(fill_value=0)


def segments(days: pd.DataFrame) -> pd.Series:
    """Customers by quintile of recency, band of frequency and quintile of money."""
    people = days.groupby("customer_id").agg(
        last=("day", "max"), count=("day", "size"), money=("net_sales", "sum")
    )
    recency = (people["last"].rank(method="max", pct=True) * 5).clip(1, 5).round(9)
    money = (people["money"].rank(method="max", pct=True) * 5).clip(1, 5).round(9)
    band = pd.cut(people["count"], [0, 1, 2, 4, float("inf")], labels=False)
    return people.groupby([recency // 1, band, money // 1]).size()


def main(folder: Path, period: str) -> dict[str, float]:
    """Compute all measures; returns those that a run publishes too."""
    month = pd.Period(period, "M")
    start, end = month.start_time, month.end_time.normalize() + DAY
    lines = sold_lines(folder, end)
    refunds = paid_refunds(folder, lines, end)
    days = purchases(lines, refunds)
    sold = lines.groupby(lines["day"].dt.to_period("M"))[["buyer_paid", "receivable"]].sum()
    back = refunds.groupby(refunds["day"].dt.to_period("M"))["amount"].sum()
    net_sales = sold["receivable"] - back.reindex(sold.index, fill_value=0)
    products = lines.groupby("product_id")[["quantity", "buyer_paid", "receivable"]].sum()
    refunded = refunds.groupby("product_id")["amount"].sum()
    products["net_sales"] = products["receivable"] - refunded.reindex(products.index, fill_value=0)
    cohorts, rfm = retention(days, end), segments(days)
    return {
        "paid_sales": float(sold["buyer_paid"][month]),
        "net_sales": float(net_sales[month]),
        "repurchase_rate": repurchase(days, end),
        "repurchase_rate_cohort": repurchase_cohort(days, start, end),
        "sizes": len(cohorts) + len(rfm) + len(products),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2])))
