import hashlib
import json
import sys
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.store.sample import Truth, generate
from helpers.store.sample.__main__ import main
from helpers.store.schema import TABLES
from helpers.store.settings import load_settings

ARROW = {"string": "string", "int64": "int64", "float64": "double", "boolean": "bool",
         "date": "date32[day]",
         "timestamp": "timestamp[us]", "decimal(18,2)": "decimal128(18, 2)",
         "decimal(18,4)": "decimal128(18, 4)"}  # fmt: skip
MODULE = sys.modules["helpers.store.sample.generate"]


def fingerprints(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def small(folder: Path, **arguments: object) -> Truth:
    given: dict[str, object] = {"seed": 3, "customers": 400, "months": 15, **arguments}
    return generate(folder, **given)  # type: ignore[arg-type]


def test_the_same_seed_and_size_give_the_same_bytes_whatever_the_number_of_threads(tmp_path):
    threads = pa.cpu_count()
    seen = []
    try:
        for count in (1, 2, 4):
            pa.set_cpu_count(count)
            small(tmp_path / str(count))
            seen.append(fingerprints(tmp_path / str(count)))
    finally:
        pa.set_cpu_count(threads)
    assert seen[0] == seen[1] == seen[2]


def test_another_seed_gives_another_shop(tmp_path):
    small(tmp_path / "a")
    small(tmp_path / "b", seed=4)
    assert (
        fingerprints(tmp_path / "a")["orders.parquet"]
        != (fingerprints(tmp_path / "b")["orders.parquet"])
    )


def test_every_canonical_table_is_written_with_its_columns_and_types(full):
    for name, table in TABLES.items():
        schema = pq.read_schema(full.folder / f"{name}.parquet")
        declared = {column.name: ARROW[column.type] for column in table.columns}
        assert {field.name: str(field.type) for field in schema} == declared
        assert pq.read_metadata(full.folder / f"{name}.parquet").num_rows > 0


def test_the_settings_beside_the_tables_can_be_read(full):
    settings = load_settings(full.folder)
    assert settings.name == {"en": "Sample shop", "zh": "示例店铺"}
    assert (settings.currency, settings.time_zone) == ("CNY", "Asia/Shanghai")


def test_the_truth_on_disk_is_the_truth_returned(full):
    assert json.loads((full.folder / "truth.json").read_text("utf-8")) == full.truth.sections


def test_the_shop_lies_between_its_first_and_last_day(tmp_path):
    truth = small(tmp_path / "shop", months=7, ends_on=date(2023, 3, 31))
    assert truth.sections["shop"]["starts_on"] == "2022-09-01"
    days = pq.read_table(tmp_path / "shop" / "traffic_daily.parquet")["day"].to_pylist()
    assert (min(days), max(days)) == (date(2022, 9, 1), date(2023, 3, 31))


def test_scale_multiplies_the_customers(tmp_path):
    small(tmp_path / "shop", scale=3)
    rows = pq.read_table(tmp_path / "shop" / "orders.parquet")
    buyers = rows.filter(pa.compute.is_valid(rows["paid_at"]))["customer_id"].unique()
    assert len(buyers) == pytest.approx(1200, abs=4 * 1200**0.5)


def test_customers_are_written_block_by_block(tmp_path, monkeypatch):
    monkeypatch.setattr(MODULE, "CUSTOMERS_IN_BLOCK", 100)
    small(tmp_path / "shop")
    orders = pq.ParquetFile(tmp_path / "shop" / "orders.parquet")
    buyers = [
        set(orders.read_row_group(group, ["customer_id"])["customer_id"].to_pylist())
        for group in range(orders.num_row_groups)
    ]
    assert orders.num_row_groups == pytest.approx(4, abs=1)
    assert max(len(group) for group in buyers) < 160
    assert sum(len(group) for group in buyers) == len(set.union(*buyers))


def test_no_id_stands_in_two_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(MODULE, "CUSTOMERS_IN_BLOCK", 800)
    small(tmp_path / "shop", customers=4000)
    for table, key in (
        ("customers", "customer_id"),
        ("orders", "order_id"),
        ("payments", "payment_id"),
        ("returns", "return_id"),
        ("shipments", "shipment_id"),
        ("surveys", "answer_id"),
        ("messages", "message_id"),
        ("engagements", "engagement_id"),
        ("invitations", "invitation_id"),
        ("members", "customer_id"),
        ("experiment_units", "customer_id"),
    ):
        ids = pq.read_table(tmp_path / "shop" / f"{table}.parquet")[key]
        assert len(ids.unique()) == len(ids), table


def test_a_shop_that_fails_leaves_the_one_before_as_it_was(tmp_path, monkeypatch):
    small(tmp_path / "shop")
    before = fingerprints(tmp_path / "shop")

    def broken(*_: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(MODULE, "simulate_supply", broken)
    with pytest.raises(RuntimeError, match="disk is full"):
        small(tmp_path / "shop", seed=9)
    assert fingerprints(tmp_path / "shop") == before
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def test_a_shop_is_replaced_as_a_whole(tmp_path):
    small(tmp_path / "shop")
    (tmp_path / "shop" / "promotions.parquet").write_bytes(b"left from before")
    small(tmp_path / "shop")
    assert not (tmp_path / "shop" / "promotions.parquet").exists()


def test_a_folder_with_other_files_is_not_replaced(tmp_path):
    (tmp_path / "mine.csv").write_text("order_id\n1\n")
    with pytest.raises(FileExistsError, match=r"no truth\.json"):
        small(tmp_path)
    assert (tmp_path / "mine.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"customers": 0}, "customers == 0"), ({"months": 0}, "months == 0"), ({"scale": -1}, "> 0")],
)
def test_a_shop_without_size_is_refused(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        small(tmp_path / "shop", **arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        {"customers": 3, "months": 1},
        {"customers": 40, "months": 2, "ends_on": date(2022, 2, 14)},
        {"customers": 40, "months": 30, "ends_on": date(2031, 6, 30)},
    ],
)
def test_odd_sizes_and_spans_work(tmp_path, arguments):
    small(tmp_path / "shop", **arguments)
    assert (tmp_path / "shop" / "truth.json").exists()


def test_the_command_line_writes_a_shop(tmp_path, capsys):
    output = tmp_path / "shop"
    size = ["--customers", "200", "--months", "14", "--scale", "0.5"]
    main(["--seed", "5", *size, "--output", str(output)])
    assert "seed 5" in capsys.readouterr().out
    small(tmp_path / "same", seed=5, customers=100, months=14)
    assert fingerprints(output) == fingerprints(tmp_path / "same")


def test_the_command_line_says_what_is_wrong(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--months", "0", "--output", str(tmp_path / "shop")])
    assert "months == 0, must be >= 1" in capsys.readouterr().err
