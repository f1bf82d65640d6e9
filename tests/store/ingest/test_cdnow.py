"""CDNOW: against the counts its publishers give, and small files written by hand."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

CSV = "customer_id,date,number_of_cds,dollar_value\n"


def cdnow(shared_data: Path) -> Path:
    folder = shared_data / "cdnow"
    if not folder.exists():
        pytest.skip("real data: cdnow is not beside the project")
    return folder


def test_the_folder_means_the_master_file(read, shared_data) -> None:
    found = read(cdnow(shared_data))
    account = found.ingested.tables["order_lines"]
    assert (account.rows_in, account.accepted, account.files) == (
        69_659, 69_659, ("CDNOW_master.parquet",)
    )  # fmt: skip
    assert found.rows("customers", "count(*)") == [(23_570,)]
    ignored = {note.values["file"] for note in found.ingested.notes}
    assert "CDNOW_sample.parquet" in ignored


def test_a_file_does_as_well_and_agrees_with_pandas(read, shared_data) -> None:
    path = cdnow(shared_data) / "CDNOW_sample.parquet"
    raw = pd.read_parquet(path)
    found = read(path)
    assert found.rows("orders", "count(*), count(DISTINCT order_id), count(DISTINCT customer_id), "
                                "min(paid_at), max(paid_at)") == [
        (6919, 6919, 2357, datetime(1997, 1, 1), datetime(1998, 6, 30))
    ]  # fmt: skip
    assert found.rows("order_lines", "sum(buyer_paid), sum(quantity)") == [
        (Decimal(str(round(raw.dollar_value.sum(), 2))), raw.number_of_cds.sum())
    ]
    assert found.rows("order_lines", "count(*) FILTER (buyer_paid = 0)") == [
        (int((raw.dollar_value == 0).sum()),)
    ]


def test_orders_of_one_day_stay_apart_and_free_ones_count(read, tmp_path) -> None:
    path = tmp_path / "cdnow.csv"
    path.write_text(CSV + "00002,19970112,1,12.00\n00002,19970112,5,0\n")
    found = read(path)
    assert found.rows("orders", "order_id, customer_id, paid_at") == [
        ("00002-1", "00002", datetime(1997, 1, 12)),
        ("00002-2", "00002", datetime(1997, 1, 12)),
    ]
    assert found.rows("order_lines", "product_id, quantity, buyer_paid") == [
        ("CD", 1, Decimal("12.00")), ("CD", 5, Decimal("0.00"))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("CDNOW_master.txt", " 00004 19970101  2   29.33\n"),
        ("CDNOW_sample.txt", " 00004 0001 19970101  2   29.33\n"),
    ],
)
def test_the_publishers_text_is_read_as_it_is(read, tmp_path, name, line) -> None:
    (tmp_path / name).write_text(line + line.replace("29.33", "0.00"))
    found = read(tmp_path)
    assert found.rows("orders", "customer_id, paid_at") == [("00004", datetime(1997, 1, 1))] * 2
    assert found.ingested.bridge[-1].money == Decimal("29.33")


def test_a_day_that_is_none_goes_to_quarantine(read, tmp_path) -> None:
    path = tmp_path / "cdnow.csv"
    path.write_text(CSV + "1,19970230,1,12.00\n2,1997-02-03,1,5\n3,19970203,-1,5\n4,19970203,1,7\n")
    found = read(path)
    assert found.quarantine("order_lines") == [
        ("cdnow.csv", 2, "date is no day YYYYMMDD"),
        ("cdnow.csv", 3, "date is no day YYYYMMDD"),
        ("cdnow.csv", 4, "number_of_cds is below 0"),
    ]
    steps = {step.key: step.money for step in found.ingested.bridge}
    assert steps == {"raw_total": 29, "quarantined": -22, "net_sales": 7}
