"""Folders in the canonical form, good and bad: nothing is read wrong in silence."""

from datetime import date, datetime
from decimal import Decimal

import duckdb
import pytest

from helpers.store import engine
from helpers.store.errors import BadInput
from helpers.store.ingest import recognise
from helpers.store.settings import StoreSettings
from tests.store.ingest.conftest import LINES, ORDERS

LINE = "A1,1,p1,2,20.00"


def lines(*rows: str) -> str:
    return "\n".join((LINES, *rows)) + "\n"


def orders(*rows: str) -> str:
    return "\n".join((ORDERS, *rows)) + "\n"


def refused(read, data) -> str:
    with pytest.raises(BadInput) as caught:
        read(data)
    return str(caught.value)


def test_a_small_folder_is_read_as_it_stands(read, folder) -> None:
    found = read(folder())
    assert found.rows("orders", "order_id, customer_id, created_at, paid_at, kind, is_fake") == [
        ("A1", "c1", datetime(2026, 3, 1, 10), datetime(2026, 3, 1, 10, 5), "sale", False),
        ("A2", "c2", datetime(2026, 3, 2, 11), None, "sale", False),
    ]
    assert found.rows("order_lines", "order_id, line_id, quantity, buyer_paid, item_class") == [
        ("A1", "1", 2, Decimal("20.00"), "goods"),
        ("A1", "2", 1, Decimal("5.50"), "goods"),
        ("A2", "1", 1, Decimal("10.00"), "goods"),
    ]
    account = found.ingested.tables["order_lines"]
    assert (account.rows_in, account.accepted, account.quarantined) == (3, 3, 0)
    assert (account.money_in, account.money_out) == (Decimal("35.50"), Decimal("35.50"))
    assert "list_price" in account.absent_columns


def test_the_bridge_goes_from_all_lines_to_net_sales(read, folder) -> None:
    found = read(
        folder(
            orders="order_id,created_at,paid_at,kind,is_fake\n"
            "sold,2026-03-01,2026-03-01,sale,false\nopen,2026-03-01,,sale,false\n"
            "faked,2026-03-01,2026-03-01,sale,true\nfree,2026-03-01,2026-03-01,gift,false\n",
            order_lines="order_id,line_id,product_id,quantity,buyer_paid,item_class,"
            "platform_subsidy\nsold,1,p,1,100,goods,7\nsold,2,post,1,8,postage,\n"
            "open,1,p,1,50,,\nfaked,1,p,1,30,,\nfree,1,p,1,1,,\n",
            returns="return_id,order_id,settled_at,amount\nr1,sold,2026-03-05,40\n"
            "r2,,2026-03-06,3\nr3,sold,,20\nr4,faked,2026-03-06,30\n",
        )
    )
    steps = {step.key: step.money for step in found.ingested.bridge}
    assert steps["raw_total"] == 189
    assert (steps["unpaid"], steps["fake"], steps["gift"], steps["not_goods"]) == (-50, -30, -1, -8)
    assert (steps["platform_subsidy"], steps["refunds"]) == (7, -43)
    assert steps["net_sales"] == 100 + 7 - 43
    assert sum(step.money for step in found.ingested.bridge[:-1]) == steps["net_sales"]


def test_a_missing_column_is_refused_with_the_required_ones_and_the_next_step(read, folder) -> None:
    message = refused(
        read, folder(orders="order_id,created_at,payed_at\nA1,2026-03-01,2026-03-01\n")
    )
    assert "orders.csv: column 'paid_at' is missing" in message
    assert "required columns are order_id, created_at, paid_at" in message
    assert "'payed_at' looks like it: rename it" in message


def test_a_missing_required_table_is_refused(read, folder) -> None:
    data = folder()
    (data / "order_lines.csv").rename(data / "order_line.csv")
    message = refused(read, data)
    assert "table order_lines is missing" in message
    assert "order_line.csv looks like it: rename it" in message


def test_gbk_read_as_utf8_is_refused_with_the_byte_and_the_setting(read, folder) -> None:
    text = orders("A1,张三,2026-03-01,2026-03-01")
    message = refused(read, folder(orders=text.encode("gb18030")))
    assert f"orders.csv: byte {text.index('张')} is no utf-8" in message
    assert 'encoding = "gb18030"' in message
    assert "store.toml" in message


def test_a_declared_encoding_is_read(read, folder) -> None:
    data = folder(
        orders=orders("A1,张三,2026-03-01,2026-03-01").encode("gb18030"),
        order_lines=lines(LINE),
        **{"store.toml": 'encoding = "gb18030"'},
    )
    assert read(data).rows("orders", "customer_id") == [("张三",)]


def test_a_byte_order_mark_is_no_part_of_the_first_name(read, folder) -> None:
    found = read(folder(orders="\ufeff" + orders("A1,c,2026-03-01,2026-03-01"),
                        order_lines=lines(LINE)))  # fmt: skip
    assert found.rows("orders", "order_id") == [("A1",)]


@pytest.mark.parametrize("content", ["", "\n", "\ufeff", ORDERS + "\n"])
def test_an_empty_required_file_is_refused(read, folder, content) -> None:
    assert "orders.csv: " in (message := refused(read, folder(orders=content)))
    assert "is empty" in message or "has no row" in message


def test_an_empty_optional_file_is_noted(read, folder) -> None:
    found = read(folder(surveys=""))
    assert [note.key for note in found.ingested.notes] == ["file_empty"]
    assert "surveys" not in found.ingested.tables
    assert not (found.target / "surveys.parquet").exists()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<!DOCTYPE html><html><body>log in</body></html>", "web page"),
        (b"PK\x03\x04rest", "workbook or zip"),
        (b"\x1f\x8b\x08rest", "gzip"),
        ("order_id,created_at".encode("utf-16"), "UTF-16"),
        (b"order_id;created_at;paid_at\n1;2026-03-01;2026-03-01\n", "semicolons"),
        (b"order_id\tcreated_at\tpaid_at\n", "tabs"),
        (b'order_id,"created_at,paid_at\n1,2,3\n', "quote that is not closed"),
        (b"order_id,created_at,paid_at,paid_at\n1,2026-03-01,,\n", "'paid_at' stands twice"),
    ],
)
def test_a_file_that_is_no_table_of_text_is_refused(read, folder, content, what) -> None:
    message = refused(read, folder(orders=content))
    assert "orders.csv" in message
    assert what in message


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("A1,1,p1,2", "has another number of fields than the header"),
        ("A1,1,p1,2,20.00,more", "has another number of fields than the header"),
        ('A1,1,"p1,2,20.00', "has a quote that is not closed"),
        ("A1,1,p\0,2,20.00", "holds a NUL byte"),
        ("A1,1,p1,-1,20.00", "quantity is below 0"),
        ("A1,1,p1,1,-20.00", "buyer_paid is below 0"),
        ("A1,1,p1,1.5,20.00", "quantity is no whole number"),
        ("A1,1,p1,1e3,20.00", "quantity is no whole number"),
        ("A1,1,p1,,20.00", "quantity is empty"),
        ("A1,1,p1,1,", "buyer_paid is empty"),
        ("A1,,p1,1,20.00", "line_id is empty"),
        ("A1,1,p1,1,20.005", "buyer_paid has more than 2 decimals"),
        ("A1,1,p1,1,￥20", "buyer_paid is no amount such as 1234.50"),
        ('A1,1,p1,1,"1,234.00"', "buyer_paid is no amount such as 1234.50"),
        ('A1,1,p1,1,"12,50"', "buyer_paid is no amount such as 1234.50"),
        ("A1,1,p1,1,1E5", "buyer_paid is no amount such as 1234.50"),
        ("A1,1,p1,1,=1+1", "buyer_paid is no amount such as 1234.50"),
        ("A1,1,p1,1,NaN", "buyer_paid is no amount such as 1234.50"),
        ("A1,1,p1,20.00,x", "buyer_paid is no amount such as 1234.50"),
        ("A9,1,p1,1,20.00", "order_id stands in no accepted row of orders"),
    ],
)
def test_a_bad_line_goes_to_quarantine_with_its_number_and_its_neighbours_stay(
    read, folder, row, reason
) -> None:
    found = read(folder(order_lines=lines("A1,8,p,1,1.00", row, "A1,9,p,1,2.00")))
    assert found.quarantine("order_lines") == [("order_lines.csv", 3, reason)]
    assert [line for (line,) in found.rows("order_lines", "line_id")] == ["8", "9"]
    account = found.ingested.tables["order_lines"]
    assert (account.rows_in, account.accepted, account.quarantined) == (3, 2, 1)
    assert account.reasons == {reason: 1}
    assert account.money_unexplained == 0


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("03/04/2026", "created_at is no time YYYY-MM-DD HH:MM:SS"),
        ("2026-02-30", "created_at is no time YYYY-MM-DD HH:MM:SS"),
        ("2026-3-4", "created_at is no time YYYY-MM-DD HH:MM:SS"),
        ("20260304", "created_at is no time YYYY-MM-DD HH:MM:SS"),
        ("46085", "created_at is no time YYYY-MM-DD HH:MM:SS"),
        ("2026-03-04 25:00", "created_at is no time YYYY-MM-DD HH:MM:SS"),
        ("2026-03-04T10:00:00Z", "created_at is no time YYYY-MM-DD HH:MM:SS"),
        ("2026-03-04 10:00:00+08:00", "created_at is no time YYYY-MM-DD HH:MM:SS"),
        ("0026-03-04", "created_at lies outside 1990-01-01 to 2199-12-31"),
        ("9999-12-31", "created_at lies outside 1990-01-01 to 2199-12-31"),
        ("", "created_at is empty"),
    ],
)
def test_a_date_in_another_form_is_never_guessed(read, folder, value, reason) -> None:
    found = read(folder(orders=orders(f"A1,c,{value},", "A2,c,2026-03-01,"),
                        order_lines=lines("A2,1,p,1,1.00")))  # fmt: skip
    assert found.quarantine("orders") == [("orders.csv", 2, reason)]


def test_a_time_in_a_gap_of_summer_time_is_not_shifted(read, folder) -> None:
    found = read(folder(orders=orders("A1,c,2026-03-29 02:30:00,2026-03-29 02:30:00"),
                        order_lines=lines(LINE),
                        **{"store.toml": 'time_zone = "Europe/Berlin"'}))  # fmt: skip
    assert found.rows("orders", "paid_at") == [(datetime(2026, 3, 29, 2, 30),)]


def test_codes_that_look_like_numbers_stay_as_they_are(read, folder) -> None:
    rows = ("A1,1,1E5,1,1.00", "A1,2,007,1,1.00", "A1,3,=cmd,1,1.00", 'A1,4,"a ""b"", c",1,1.00')
    found = read(folder(order_lines=lines(*rows)))
    names = [name for (name,) in found.rows("order_lines", "product_id")]
    assert names == ["1E5", "007", "=cmd", 'a "b", c']


def test_columns_are_read_by_name_in_any_order(read, folder) -> None:
    found = read(folder(order_lines="buyer_paid,quantity,product_id,line_id,order_id\n"
                                    "20.00,2,p1,1,A1\n"))  # fmt: skip
    assert found.rows("order_lines", "order_id, quantity, buyer_paid") == [
        ("A1", 2, Decimal("20.00"))
    ]


def test_an_unknown_column_is_noted_and_not_read(read, folder) -> None:
    found = read(folder(order_lines="order_id,line_id,product_id,quantity,buyer_paid,colour,"
                                    "list_prize\nA1,1,p,1,1.00,red,2\n"))  # fmt: skip
    notes = [note.text for note in found.ingested.notes]
    assert notes == [
        "order_lines.csv: column 'colour' is not known and was not read",
        "order_lines.csv: column 'list_prize' is not known and was not read; "
        "if it is 'list_price', rename it",
    ]


def test_a_footer_is_set_aside_and_not_summed(read, folder) -> None:
    found = read(folder(order_lines=lines(LINE, "Total,,,,20.00")))
    assert found.quarantine("order_lines") == [("order_lines.csv", 3, "line_id is empty")]
    account = found.ingested.tables["order_lines"]
    assert (account.money_in, account.money_out, account.money_quarantined) == (40, 20, 20)


def test_a_file_cut_off_in_its_last_line_loses_that_line_alone(read, folder) -> None:
    found = read(folder(order_lines=lines(LINE, "A1,2,p2,1,3.00")[: -len(",1,3.00\n")]))
    assert found.quarantine("order_lines") == [
        ("order_lines.csv", 3, "has another number of fields than the header")
    ]


def test_blank_lines_and_windows_line_ends_are_no_rows(read, folder) -> None:
    found = read(folder(order_lines=lines(LINE, "", "A1,2,p,1,1.00", "").replace("\n", "\r\n")))
    assert found.ingested.tables["order_lines"].rows_in == 2


def test_orders_with_one_id_that_differ_are_all_set_aside_with_their_lines(read, folder) -> None:
    found = read(
        folder(
            orders=orders("A1,c1,2026-03-01,", "A1,c2,2026-03-02,", "A2,c,2026-03-01,2026-03-01"),
            returns="return_id,order_id,settled_at,amount\nr1,A1,2026-03-09,1\n"
            "r2,A2,2026-03-09,1\nr3,B0,2026-03-09,1\n",
        )
    )
    reason = "key shop_id, order_id stands on rows that differ"
    assert found.quarantine("orders") == [("orders.csv", 2, reason), ("orders.csv", 3, reason)]
    assert found.rows("orders", "order_id") == [("A2",)]
    aside = "order_id names a row of orders that is in quarantine"
    assert found.quarantine("order_lines") == [
        ("order_lines.csv", 2, aside), ("order_lines.csv", 3, aside)
    ]  # fmt: skip
    assert found.quarantine("returns") == [("returns.csv", 2, aside)]
    assert found.rows("returns", "return_id") == [("r2",), ("r3",)]


def test_a_row_repeated_in_full_counts_once(read, folder) -> None:
    found = read(folder(order_lines=lines(LINE, "A1,2,p,1,1.00", LINE, LINE)))
    assert found.quarantine("order_lines") == [
        ("order_lines.csv", 4, "repeats an earlier row in full"),
        ("order_lines.csv", 5, "repeats an earlier row in full"),
    ]
    assert found.ingested.tables["order_lines"].money_out == 21


def test_ids_of_two_shops_do_not_meet(read, folder) -> None:
    found = read(
        folder(
            orders="shop_id,order_id,created_at,paid_at\nx,A1,2026-03-01,\ny,A1,2026-03-02,\n",
            order_lines="shop_id,order_id,line_id,product_id,quantity,buyer_paid\n"
            "x,A1,1,p,1,1\ny,A1,1,p,1,2\nz,A1,1,p,1,4\n",
        )
    )
    assert len(found.rows("orders")) == 2
    assert found.quarantine("order_lines") == [
        ("order_lines.csv", 4, "order_id stands in no accepted row of orders")
    ]


def test_a_refund_above_what_was_paid_is_set_aside(read, folder) -> None:
    found = read(folder(returns="return_id,order_id,settled_at,amount\n"
                                "r1,A1,2026-03-09,25.50\nr2,A1,2026-03-09,25.51\n"))  # fmt: skip
    assert found.quarantine("returns") == [
        ("returns.csv", 3, "amount is above what was paid for its order")
    ]


def test_a_value_that_is_not_allowed_is_set_aside(read, folder) -> None:
    found = read(
        folder(orders="order_id,created_at,paid_at,kind,is_fake\nA1,2026-03-01,,sold,\n"
               "A2,2026-03-01,,sale,perhaps\nA3,2026-03-01,,,TRUE\n",
               order_lines=lines("A3,1,p,1,1"))
    )  # fmt: skip
    assert [reason for _, _, reason in found.quarantine("orders")] == [
        "kind is none of sale, exchange, sample, gift",
        "is_fake is neither true nor false",
    ]
    assert found.rows("orders", "kind, is_fake") == [("sale", True)]


def test_parquet_and_text_of_the_same_rows_become_the_same_table(read, folder, tmp_path) -> None:
    data = folder()
    typed = tmp_path / "typed"
    (typed / "order_lines").mkdir(parents=True)
    duckdb.sql(
        f"COPY (SELECT order_id, customer_id, created_at::TIMESTAMP AS created_at, "
        f"paid_at::TIMESTAMP AS paid_at FROM read_csv('{data / 'orders.csv'}', all_varchar=true)) "
        f"TO '{typed / 'orders.parquet'}'"
    )
    for number in (1, 2):
        duckdb.sql(
            "COPY (SELECT order_id, line_id, product_id, quantity::INTEGER AS quantity, "
            f"buyer_paid::DOUBLE AS buyer_paid FROM read_csv('{data / 'order_lines.csv'}', "
            f"all_varchar=true) WHERE (line_id = '1') = ({number} = 1)) "
            f"TO '{typed / 'order_lines' / f'{number}.parquet'}'"
        )
    text, parquet = read(data), read(typed)
    for table in ("orders", "order_lines"):
        assert sorted(map(str, parquet.rows(table))) == sorted(map(str, text.rows(table)))


def test_times_with_a_zone_are_converted_to_the_stores(read, folder, tmp_path) -> None:
    data = folder()
    (data / "orders.csv").unlink()
    duckdb.sql(
        "SET TimeZone = 'UTC'; COPY (SELECT 'A1' AS order_id, "
        "TIMESTAMPTZ '2026-02-28 17:00:00+00' AS created_at, NULL AS paid_at) "
        f"TO '{data / 'orders.parquet'}'"
    )
    assert read(data).rows("orders", "created_at") == [(datetime(2026, 3, 1, 1),)]


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("'A1' AS order_id, true AS created_at, NULL AS paid_at", "is of type BOOLEAN"),
        ("'A1' AS order_id, 20260301 AS created_at, NULL AS paid_at", "is of type INTEGER"),
    ],
)
def test_a_column_of_an_impossible_type_is_refused(read, folder, sql, what) -> None:
    data = folder()
    (data / "orders.csv").unlink()
    duckdb.sql(f"COPY (SELECT {sql}) TO '{data / 'orders.parquet'}'")
    assert what in refused(read, data)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("1.5::DOUBLE AS quantity, 1.0::DOUBLE AS buyer_paid", "quantity is no whole number"),
        ("1 AS quantity, 1.005::DOUBLE AS buyer_paid", "buyer_paid has more than 2 decimals"),
        ("1 AS quantity, 1.005::DECIMAL(9,3) AS buyer_paid", "buyer_paid has more than 2 decimals"),
        (
            "1 AS quantity, 'infinity'::DOUBLE AS buyer_paid",
            "buyer_paid is no amount such as 1234.50",
        ),
        ("1 AS quantity, 'nan'::DOUBLE AS buyer_paid", "buyer_paid is empty"),
        ("1e19::HUGEINT AS quantity, 1 AS buyer_paid", "quantity is no whole number"),
    ],
)
def test_no_digit_of_a_typed_number_is_lost(read, folder, sql, reason) -> None:
    data = folder()
    (data / "order_lines.csv").unlink()
    duckdb.sql(
        f"COPY (SELECT 'A1' AS order_id, '1' AS line_id, 'p' AS product_id, {sql}) "
        f"TO '{data / 'order_lines.parquet'}'"
    )
    assert read(data).quarantine("order_lines") == [("order_lines.parquet", 1, reason)]


def test_noise_of_binary_floats_is_no_third_decimal(read, folder) -> None:
    data = folder(order_lines=lines("A1,1,p,1,0.30000000000000004"))
    assert read(data).rows("order_lines", "buyer_paid") == [(Decimal("0.30"),)]


def test_a_damaged_parquet_file_is_refused(read, folder) -> None:
    data = folder()
    (data / "orders.csv").unlink()
    (data / "orders.parquet").write_bytes(b"PAR1 cut off")
    assert "orders.parquet: can't be read as Parquet" in refused(read, data)


def test_a_table_that_is_there_twice_is_refused(read, folder) -> None:
    data = folder(**{"orders.parquet": b""})
    assert "table orders is there twice (orders.parquet and orders.csv)" in refused(read, data)


def test_a_folder_with_other_columns_is_not_taken_for_this_source(folder) -> None:
    data = folder(orders="order_id,status\n1,done\n", order_lines="a,b\n1,2\n")
    with pytest.raises(BadInput, match="no known source"):
        recognise(data)


def test_days_are_days(read, folder) -> None:
    found = read(folder(costs="month,cost_line,amount\n2026-03-01,rent,10\n"
                              "2026-03-01 10:00,power,5\n"))  # fmt: skip
    assert found.rows("costs", "month, amount") == [(date(2026, 3, 1), Decimal("10.00"))]
    assert found.quarantine("costs") == [("costs.csv", 3, "month is no date YYYY-MM-DD")]


def test_threads_and_repetition_change_no_row_and_no_order(monkeypatch, tmp_path) -> None:
    data = tmp_path / "shop"
    data.mkdir()
    duckdb.sql(
        "COPY (SELECT i::VARCHAR AS order_id, created_at, created_at AS paid_at FROM (SELECT i, "
        "TIMESTAMP '2026-01-01' + to_seconds(i) AS created_at "
        f"FROM range(20000) t(i))) TO '{data}/orders.parquet' (ROW_GROUP_SIZE 2048)"
    )
    duckdb.sql(
        "COPY (SELECT (i % 20010)::VARCHAR AS order_id, (i // 20010)::VARCHAR AS line_id, "
        "'p' || i % 7 AS product_id, 1 AS quantity, i % 97 AS buyer_paid FROM range(40000) t(i)) "
        f"TO '{data}/order_lines.parquet' (ROW_GROUP_SIZE 2048)"
    )
    found = set()
    for number, threads in enumerate("144"):
        monkeypatch.setenv("STORE_REPORT_THREADS", threads)
        target = tmp_path / str(number)
        target.mkdir()
        connection = engine.connect(tmp_path)
        recognise(data).read(data, target, connection=connection, settings=StoreSettings())
        connection.close()
        files = [target / "order_lines.parquet", target / "quarantine" / "order_lines.parquet"]
        names = ("order_id, line_id, product_id, buyer_paid", "line, reason, row")
        found.add(
            tuple(
                duckdb.sql(
                    f"SELECT count(*), sum(hash({columns})::HUGEINT % 1000003 * file_row_number) "
                    f"FROM read_parquet('{file}', file_row_number = true)"
                ).fetchone()
                for file, columns in zip(files, names, strict=True)
            )
        )
    assert [rows for rows, _ in next(iter(found))] == [39_990, 10]
    assert len(found) == 1
