"""Exports with faults, through the whole run: a clear error or a quarantine report, the exit code
of the contract, and the last good pages stand.
"""

from __future__ import annotations

import json
import shutil

import pytest

ORDERS = "order_id,customer_id,created_at,paid_at,receiver\n" + "".join(
    f"A{n},C{n % 5},2011-11-{n:02} 10:00:00,2011-11-{n:02} 10:05:00,张三\n" for n in range(1, 31)
)
LINES = "order_id,line_id,product_id,quantity,buyer_paid\n" + "".join(
    f"A{n},{line},P{n % 3},2,{n}.50\n" for n in range(1, 31) for line in (1, 2, 3)
)


@pytest.fixture(scope="module")
def published(shop_for_module):
    """A shop with real exports that has been published once."""
    shop = shop_for_module
    shop.chapter("10_traffic", "x = 1")
    lay_out(shop)
    done = shop.run(REAL_DATA="1")
    assert done.returncode == 0, done.stderr
    return shop


def lay_out(shop, **changed: str | bytes) -> None:
    shutil.rmtree(shop.orders.parent)
    shop.orders.parent.mkdir()
    for name, content in {"orders": ORDERS, "order_lines": LINES, **changed}.items():
        content = content.encode() if isinstance(content, str) else content
        (shop.orders.parent / f"{name}.csv").write_bytes(content)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"orders": ORDERS.replace("paid_at", "paid")}, ["orders.csv", "paid_at"]),
        ({"orders": ORDERS.encode("gb18030")}, ["orders.csv", "utf-8", "encoding"]),
        ({"orders": ""}, ["orders.csv", "empty"]),
        ({"order_lines": ""}, ["order_lines.csv", "empty"]),
        ({"orders": ORDERS.splitlines()[0] + "\n"}, ["orders"]),
        ({"orders": b"\x89PNG\r\n\x1a\n\0\0"}, ["orders.csv"]),
    ],
    ids=["missing column", "GBK", "empty", "empty lines", "header alone", "wrong file"],
)
def test_what_can_not_be_used_is_said_and_changes_nothing(published, changed, said):
    before = published.bytes_published()
    lay_out(published, **changed)
    done = published.run(REAL_DATA="1")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for part in said:
        assert part.lower() in done.stderr.lower()
    assert published.bytes_published() == before


def test_rows_that_break_a_rule_are_set_aside_and_the_rest_is_published(published):
    lines = LINES + "A3,4,P1,1,-7.00\n" + "A4,4,P1,1,not money\n"
    lay_out(published, orders=ORDERS + ORDERS.splitlines()[5] + "\n", order_lines=lines)
    done = published.run(REAL_DATA="1")
    assert done.returncode == 0, done.stderr
    quality = json.loads((published.published / "quality.json").read_text())
    for name, rows, set_aside in (("orders", 30, 1), ("order_lines", 90, 2)):
        table = quality["tables"][name]
        assert table["rows_in"] == rows + set_aside
        assert table["quarantined"] + table["delivered_twice"] == set_aside, table
        assert table["accepted"] == rows
    told = {(one["table"], one["key"], one["file"]) for one in quality["quarantine"]}
    assert told == {
        ("orders", "repeats", "orders.csv"),
        ("order_lines", "below", "order_lines.csv"),
        ("order_lines", "no_amount", "order_lines.csv"),
    }
    lines = {one["key"]: one["line"] for one in quality["quarantine"]}
    # A header and 90 rows stand before the two faulty lines.
    assert (lines["below"], lines["no_amount"]) == (92, 93)
