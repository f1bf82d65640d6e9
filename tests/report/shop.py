"""A small made-up shop for the tests of reports and pages: no engine, no files."""

from __future__ import annotations

import math
from datetime import date
from types import SimpleNamespace

import nbformat
import pandas as pd

from helpers.measures.frames import one_row, proportion
from helpers.plan.periods import month_of
from helpers.report import Report
from helpers.store.errors import MissingTable

NOVEMBER = month_of(date(2025, 11, 1))


class FakeStore:
    def __init__(self, **changes):
        self.name, self.currency, self.time_zone = "demo", "CNY", "Asia/Shanghai"
        self.source, self.period = "canonical", NOVEMBER
        self.as_of = self.last_day = date(2025, 11, 30)
        self.first_day = date(2023, 1, 1)
        self.targets = {}
        self.prepared = SimpleNamespace(fingerprint="f00d", title={"en": "Lotus", "zh": "荷塘"})
        self.quality = {
            "verdicts": [
                {"table": "orders", "check": "fresh", "status": "pass"},
                {"table": "ad_spend", "check": "gaps", "status": "warn"},
            ],
            "tables": {"orders": {"quarantined": 3}, "order_lines": {"quarantined": 0}},
            "bridge": [{"key": "raw", "rows": 5, "money": "10.00"}],
            "notes": [],
            "failed": [],
            "rows": {"orders": 120_345, "order_lines": 240_100},
        }
        self.__dict__.update(changes)

    def require(self, table, *columns):
        raise MissingTable(table, columns)

    def title(self, language):
        return self.prepared.title[language]

    def mart(self, name):
        return name

    def tables_behind(self, names):
        behind = {"customer_orders": ("orders", "order_lines")}
        return [table for name in names for table in behind.get(name, (name,))]

    def table(self, name):
        return name


def compute(store, metric, period):
    """Smooth made-up figures: month by month a little worse, a wave on top."""
    months = (period.start.year - 2025) * 12 + period.start.month - 11
    wave = math.sin(months / 2)
    if metric == "repurchase_rate":
        return proportion(round(2_840 - 12 * months + 30 * wave), 10_000)
    if metric == "conversion_rate":
        return one_row(0.0262 + 0.0004 * wave, low=0.0249, high=0.0275, n=30)
    if metric == "cac_blended":
        value = 120 + 1.3 * months + 2 * wave
        return one_row(value, low=value - 6, high=value + 6, n=30, numerator=4e5, denominator=3e3)
    if metric == "net_sales":
        value = 45.7e6 * (1 + 0.01 * months + 0.1 * wave)
        return one_row(value, observed=value * 0.97, provisional=months == 0)
    if metric == "orders":
        return one_row(120_345 + 900 * months + 3_000 * wave)
    if metric == "net_margin":
        return one_row(0.048 + 0.002 * wave, low=0.041, high=0.055, n=30)
    if metric == "cac_paid":
        rows = [one_row(95.0 + i, low=90.0, high=100.0, n=30) for i in range(2)]
        return pd.concat(rows, ignore_index=True).assign(channel=["live", "search_ads"])
    raise MissingTable("surveys", ("score",), "absent")


def months(count=24, end="2025-11-01"):
    return pd.date_range(end=end, periods=count, freq="MS")


def monthly(store, period):
    """Repurchase by month. Source: plan 1.3."""
    store.mart("customer_orders")
    days = months()
    value = [0.31 - 0.0012 * i + 0.004 * math.sin(i / 2) for i in range(len(days))]
    return pd.DataFrame(
        {
            "month": days,
            "rate": value,
            "low": [v - 0.006 for v in value],
            "high": [v + 0.006 for v in value],
            "before": [v + 0.012 for v in value],
            "provisional": [False] * (len(days) - 2) + [True] * 2,
        }
    )


def channels(store, period):
    return pd.DataFrame(
        {
            "channel": ["feed_ads", "search_ads", "live", "seeding"],
            "cost": [182.4, 131.0, 96.3, 71.9],
            "low": [160.0, 120.0, 80.0, 60.0],
            "high": [205.0, 141.0, 118.0, 88.0],
            "n": [1200, 2200, 480, 7],
            "focus": [True, False, False, False],
        }
    )


def no_spend(store, period):
    raise MissingTable("ad_spend", ("spend",), "absent")


def cohorts(store, period):
    rows = []
    for i, month in enumerate(months(12)):
        for age in range(1, 13):
            known = i + age <= 12
            share = 0.22 / (age**0.6) + 0.004 * (i % 3) if known else math.nan
            rows.append((month, str(age), share, 900 + 37 * i))
    return pd.DataFrame(rows, columns=["cohort", "age", "share", "buyers"])


def bridge(store, period):
    steps = ["gross", "discounts", "refunds", "goods", "freight", "contribution"]
    values = [61.2e6, -9.1e6, -6.4e6, -24.9e6, -5.1e6, 15.7e6]
    return pd.DataFrame({"step": steps, "money": values})


def mix(store, period):
    rows = [
        (month, channel, 1e5 * (1 + i + (j * i) / 12))
        for j, month in enumerate(months(18))
        for i, channel in enumerate(["seeding", "live", "search_ads", "feed_ads"])
    ]
    return pd.DataFrame(rows, columns=["month", "channel", "spend"])


def fit(store, period):
    weeks = list(range(1, 79))
    predicted = [4000 * (1 - math.exp(-w / 60)) for w in weeks]
    actual = [p * (1 + 0.03 * math.sin(w / 8)) for w, p in zip(weeks, predicted, strict=True)]
    return pd.DataFrame({"week": weeks, "actual": actual, "predicted": predicted})


def many(store, period):
    cities = ["Shanghai", "Beijing", "Hangzhou", "Shenzhen", "Chengdu", "Wuhan", "Xi'an"]
    rows = [
        (month, city, 1000 * (10 - i) * (1 + 0.2 * math.sin(j / 2 + i / 9)))
        for i, city in enumerate(cities)
        for j, month in enumerate(months(18))
    ]
    return pd.DataFrame(rows, columns=["month", "city", "orders"])


def segments(store, period):
    return pd.DataFrame(
        {
            "segment": ["champions", "loyal", "at_risk", "lost"],
            "customers": [4_210, 12_870, 9_033, 7],
            "net_sales": [12_345_678.9, 9_876_543.2, 4_567_890.1, 1_234.5],
            "rate": [0.71, 0.42, 0.18, math.nan],
            "low": [0.69, 0.41, 0.17, math.nan],
            "high": [0.73, 0.43, 0.19, math.nan],
            "change": [0.012, -0.004, -0.031, math.nan],
            "last": pd.to_datetime(["2025-11-28", "2025-11-20", "2025-08-02", "2024-12-31"]),
            "status": ["met", "not_enough_evidence", "missed", "unknown"],
            "worth": [0.0, 120_000.0, 1_450_000.0, 900.0],
        }
    )


def report(**changes):
    """A report on the made-up shop; needs the fixture `demo_texts`."""
    parameters = {"opened": FakeStore(**changes), "compute": compute}
    return Report("20_demo", **parameters)


def monthly_trend(made):
    return made.trend(
        "monthly",
        made.measure(monthly),
        x="month",
        y="rate",
        unit="ratio",
        low="low",
        high="high",
        last_year="before",
        metric="repurchase_rate",
        values={"drop": 2.4, "first": date(2023, 12, 1)},
    )


def chapter_blocks(made):
    """Every kind of block once, as a chapter would show them."""
    frames = {
        name: made.measure(function)
        for name, function in {
            "channels": channels, "cohorts": cohorts, "bridge": bridge,
            "mix": mix, "fit": fit, "many": many, "segments": segments, "none": no_spend,
        }.items()
    }  # fmt: skip
    found = made.finding("repurchase_rate")
    at_risk = frames["segments"].where(segment="at_risk")
    worth = at_risk.get("net_sales")
    band = {"low": "low", "high": "high"}
    return {
        "verdict": made.verdict("verdict", found, segment="at_risk", worth=worth),
        "cards": made.cards(
            "repurchase_rate", "conversion_rate", "cac_blended", "net_sales", "orders",
            "net_margin", "nps",
        ),
        "monthly": monthly_trend(made),
        "channels": made.bars(
            "channels", frames["channels"], label="channel", value="cost", unit="money", **band,
            n="n", focus="focus", target=80, values={"channel": "feed_ads", "cost": 182.4},
        ),
        "cohorts": made.heatmap(
            "cohorts", frames["cohorts"], rows="cohort", columns="age", value="share", n="buyers",
            unit="ratio", values={"share": 0.075},
        ),
        "bridge": made.waterfall(
            "bridge", frames["bridge"], label="step", value="money", unit="money",
            values={"cost": 24.9e6},
        ),
        "mix": made.stacked(
            "mix", frames["mix"], x="month", series="channel", value="spend",
            values={"channel": "feed_ads", "share": 0.44},
        ),
        "fit": made.curve(
            "fit", frames["fit"], x="week", actual="actual", predicted="predicted", unit="count",
            since=39, values={"error": 0.021},
        ),
        "many": made.trend(
            "many", frames["many"], x="month", y="orders", series="city", unit="count"
        ),
        "segments": made.table(
            "segments", frames["segments"],
            {"segment": "value", "customers": "customers", "net_sales": "money", "rate": "ratio",
             "change": "+pp", "last": "date", "status": "status"},
            intervals={"rate": ("low", "high")}, top=3, values={"worth": worth},
            total={"customers": 26_120, "net_sales": 26_791_346.7},
        ),
        "contact": made.actions(
            "contact", frames["segments"].where(segment=["at_risk", "lost"]),
            count="customers", worth="worth",
        ),
        "needs": made.trend("channels", frames["none"], x="month", y="cost", unit="money"),
    }  # fmt: skip


MARKDOWN = {
    "intro": (
        "# Customers\n\nWho comes back. *Net of refunds.*",
        "# 顾客\n\n谁会回来。*已扣退款。*",
    ),
    "monthly": ("## Do buyers come back?\n\nA share of buyers.", "## 买家会回来吗？\n\n买家占比。"),
    "channels": ("## What does a new customer cost?", "## 一位新客要花多少钱？"),
    "cohorts": ("## Cohorts", "## 同期群"),
    "bridge": ("## From sales to contribution", "## 从销售额到贡献"),
    "fit": ("## How good is the model?", "## 模型可靠吗？"),
    "segments": ("## Whom to win back", "## 该挽回谁"),
}


def executed_notebook(made, found, path):
    """The notebook that a run would leave: Markdown pairs, code cells with one block each."""
    import nbformat.v4 as v4

    cells = []
    for key in ("intro", *found):
        for language, source in zip(("en", "zh"), MARKDOWN.get(key, ()), strict=False):
            cells.append(v4.new_markdown_cell(source, metadata={"language": language}))
        if key in found:
            cells.append(_code(found[key], len(cells) + 1))
    cells.append(_code(made.record(), len(cells) + 1))
    nbformat.write(v4.new_notebook(cells=cells), path)
    return path


def _code(shown, count):
    import nbformat.v4 as v4

    data = shown._repr_mimebundle_()
    output = v4.new_output("execute_result", data=data, execution_count=count)
    return v4.new_code_cell("report.show()", outputs=[output], execution_count=count)


def context(record, **changes):
    """What the run hands to the pages."""
    store = FakeStore()
    pages = [
        {"chapter": "20_demo", "file": "20_demo.html", "status": "executed",
         "executed_at": "2025-12-01T08:00:00+00:00", "stale_since": None},
        {"chapter": "40_supply_chain", "file": "40_supply_chain.html", "status": "failed",
         "executed_at": None, "stale_since": None},
    ]  # fmt: skip
    return {
        "store": "demo",
        "title": {"en": "Lotus Home", "zh": "荷塘家居"},
        "period": {"label": "2025-11", "start": "2025-11-01", "end": "2025-11-30"},
        "languages": ["en", "zh"],
        "language": "en",
        "pages": pages,
        "left_out": ["10_traffic"],
        "chapter": "20_demo",
        "stale_since": None,
        "records": {"20_demo": record},
        "prepared": {
            "as_of": "2025-11-30", "source": "canonical", "currency": "CNY",
            "time_zone": "Asia/Shanghai",
        },
        "quality": QUALITY | {"rows": store.quality["rows"]},
        "run": "20251201T080000Z-1a2b",
        "commit": "0123456789abcdef",
        "published_at": "2025-12-01T08:05:00+00:00",
        "prefix": "",
    } | changes  # fmt: skip


QUALITY = {
    "verdicts": [
        {"table": "orders", "check": "freshness", "status": "pass", "found": "0 d",
         "rule": "<= 3 d", "columns": []},
        {"table": "ad_spend", "check": "gaps", "status": "warn", "found": "2 d",
         "rule": "0 d; > 20 %: fail", "columns": ["day"]},
    ],
    "tables": {"orders": {"quarantined": 3}, "order_lines": {"quarantined": 0}},
    "bridge": [
        {"key": "raw_total", "rows": 1_067_371, "money": "19287232.57"},
        {"key": "delivered_twice", "rows": 22_523, "money": "-401234.10"},
        {"key": "postage", "rows": 0, "money": "0.00"},
        {"key": "net_sales", "rows": 1_044_848, "money": "18885998.47"},
    ],
    "notes": [
        {"key": "no_customer", "text": "9", "values": {"rows": "235151", "money": "2543210.11"}}
    ],
    "failed": [],
}  # fmt: skip
