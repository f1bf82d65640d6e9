"""The codes of a published list turn back into customers only with the store's own key."""

from __future__ import annotations

import csv
import stat

import pandas as pd
import pytest

from helpers.store.contacts import main, write_contacts
from helpers.store.errors import BadInput
from helpers.store.open import opened
from tests.stores import Rows

ORDERS: Rows = [
    {"order_id": "1", "customer_id": "ann@example.com", "paid_at": "2024-12-01 10:00:00"},
    {"order_id": "2", "customer_id": "bob@example.com", "paid_at": "2024-12-02 10:00:00"},
]


@pytest.fixture
def cache(tmp_path):
    """A cache in which the store `shop` was opened once, and a list of one of its customers."""
    folder = tmp_path / "shop"
    folder.mkdir()
    orders = pd.DataFrame(ORDERS)
    orders.assign(created_at=orders["paid_at"]).to_csv(folder / "orders.csv", index=False)
    lines = orders[["order_id"]].assign(line_id="1", product_id="P", quantity=1, buyer_paid=9)
    lines.to_csv(folder / "order_lines.csv", index=False)
    with opened(folder, period="2024-12", cache=tmp_path / "cache") as store:
        code = store.hash(pd.Series(["main/bob@example.com"]))[0]
    (tmp_path / "list.csv").write_text(f"Code,Value\n{code},12.5\n", encoding="utf-8-sig")
    return tmp_path / "cache"


def test_a_list_gets_the_customers_behind_its_codes(cache, tmp_path):
    (written,) = write_contacts("shop", [tmp_path / "list.csv"], cache)
    with written.open(encoding="utf-8-sig", newline="") as file:
        head, row = list(csv.reader(file))
    assert head == ["shop_id", "customer_id", "Code", "Value"]
    assert (row[:2], row[3]) == (["main", "bob@example.com"], "12.5")
    assert written.parent == cache / "shop" / "contacts"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_codes_of_another_key_are_refused(cache, tmp_path):
    (cache / "shop" / "key").write_bytes(b"another key")
    with pytest.raises(BadInput, match=r"list\.csv: none of its 1 rows holds a customer code"):
        write_contacts("shop", [tmp_path / "list.csv"], cache)


def test_a_store_that_is_not_in_the_cache_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("STORE_REPORT_CACHE", str(tmp_path))
    assert main(["nobody", "list.csv"]) == 2
    assert "nobody: no such store" in capsys.readouterr().err
