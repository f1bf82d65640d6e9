"""The front page's words on the data: the verdict first, then only what needs care."""

import re

import pytest

from helpers.report import quality, text
from helpers.report.voice import Voice
from helpers.store import checks
from helpers.store.faults import FAULTS
from helpers.store.schema import TABLES

PASSED = {"table": "orders", "check": "gaps", "status": "pass", "found": "0 d", "rule": "0 d"}
WARNED = {
    "table": "orders", "check": "orders_without_customer", "status": "warn",
    "found": "7.75 % (3107 / 40076)", "rule": "<= 5.00 %",
    "values": {"rows": 3107, "of": 40076, "share": 3107 / 40076, "limit": 0.05},
}  # fmt: skip
FAILED = {
    "table": "ad_spend", "check": "quarantined_rows", "status": "fail", "found": "60.00 % (6 / 10)",
    "rule": "<= 0.10 %", "values": {"rows": 6, "of": 10, "share": 0.6, "limit": 0.001},
}  # fmt: skip
SET_ASIDE = {
    "table": "order_lines", "reason": "buyer_paid is no amount such as 1234.50",
    "key": "no_amount", "values": {"column": "buyer_paid"}, "rows": 2, "file": "lines.csv",
    "line": 93,
}  # fmt: skip
TABLES_READ = {"order_lines": {"rows_in": 1200, "quarantined": 2, "delivered_twice": 22523}}
BRIDGE = [
    {"key": "raw_total", "rows": 1200, "money": "1234.50"},
    {"key": "quarantined", "rows": 2, "money": "-4.5"},
    {"key": "gift", "rows": 3, "money": "0.00"},
    {"key": "net_sales", "rows": 1198, "money": "1230.00"},
]


def shown(language, **parts):
    html = quality.quality_html(parts, Voice("30_product", language, "CNY"))
    return html, re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_data_without_a_fault_are_told_in_one_sentence():
    html, words = shown("en", verdicts=[PASSED])
    assert words.strip() == "The numbers can be trusted: all checks of the data passed."
    assert shown("zh", verdicts=[PASSED])[1].strip() == "数据检查全部通过，数字可以放心使用。"
    assert "<table" not in html


def test_a_warning_says_what_was_found_and_what_it_means():
    html, words = shown("en", verdicts=[PASSED, WARNED])
    assert "with care at 1 point." in words.replace("\N{NO-BREAK SPACE}", " ")
    assert "3,107 of 40,076 paid orders" in words
    assert "up to 5" in words
    assert "Repurchase, lifetime value and new customers" in words
    fact = 'data-fact="quality.check.orders.orders_without_customer" data-field="rows">3,107<'
    assert fact in html
    words = shown("zh", verdicts=[WARNED])[1]
    assert "已付款订单" in words
    assert "name no customer" not in words


def test_a_table_that_failed_is_named_first():
    words = shown("en", verdicts=[WARNED, FAILED])[1]
    told = "1 table failed the checks and is not used: ad spend. The other numbers stand."
    assert words.replace("\N{NO-BREAK SPACE}", " ").strip().startswith(told)
    assert words.index("Mend the export and run again") < words.index("take care")


def test_a_table_that_is_not_used_is_told_once():
    gaps = {**PASSED, "table": "ad_spend", "status": "warn", "values": {"days": 6}}
    words = shown("en", verdicts=[gaps, FAILED])[1]
    assert "not used" in words
    assert "take care" not in words


def test_rows_set_aside_are_told_by_reason_with_what_to_mend_and_where():
    told = {"quarantine": [SET_ASIDE], "tables": TABLES_READ, "verdicts": []}
    html, words = shown("en", **told)
    assert "2 rows of 1,200 set aside" in words.replace("\N{NO-BREAK SPACE}", " ")
    assert "buyer_paid is not an amount." in words
    assert "no currency sign" in words
    assert "lines.csv, line 93" in re.sub(r"line\s+", "line ", words)
    assert 'data-fact="quality.quarantine.0" data-field="rows">2<' in html
    assert "货币符号" in shown("zh", **told)[1]


def test_a_warning_that_the_reasons_tell_better_is_not_told_twice():
    keys = {**WARNED, "check": "keys", "values": {"rows": 1}}
    words = shown("en", verdicts=[keys], quarantine=[SET_ASIDE], tables=TABLES_READ)[1]
    assert "same key" not in words


def test_a_reason_or_check_without_words_is_told_as_the_source_says_it():
    odd = {**SET_ASIDE, "key": "other", "reason": "the moon was full"}
    strange = {**WARNED, "check": "moon", "found": "full"}
    words = shown("zh", quarantine=[odd], tables=TABLES_READ, verdicts=[strange])[1]
    assert "the moon was full" in words
    assert " full " in words


def test_the_bridge_is_folded_and_every_figure_names_its_fact():
    html, words = shown("en", verdicts=[], bridge=BRIDGE)
    assert html.index("<details") < html.index("1,234.50") < html.index("</details>")
    found = re.findall(r'data-fact="quality.bridge.(\w+)" data-field="(\w+)">([^<]+)<', html)
    assert found == [
        ("raw_total", "rows", "1,200"), ("raw_total", "money", "1,234.50"),
        ("quarantined", "rows", "2"), ("quarantined", "money", "−4.50"),
        ("net_sales", "rows", "1,198"), ("net_sales", "money", "1,230.00"),
    ]  # fmt: skip
    assert "Gifts" not in words


def test_rows_that_come_twice_are_said_to_count_once():
    words = shown("zh", verdicts=[], tables=TABLES_READ)[1]
    assert "22,523" in words
    assert "只计一次" in words


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_check_every_kind_of_fault_and_every_table_has_its_words(language):
    common = text.load(language, "common")
    assert set(common["faults"]) == set(FAULTS)
    assert set(common["values"]["table"]) == set(TABLES)
    assert {"quarantined_rows", *checks.ASIDE_FOR} == set(quality.TOLD_BY_REASON)
    assert set(quality.TOLD_BY_REASON) <= set(common["checks"])
