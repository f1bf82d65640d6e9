"""The sieve: whatever is delivered, every row and every cent is accounted for."""

import tempfile
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.store import engine
from helpers.store.columns import MONEY, Column, Table
from helpers.store.ingest import TableAccount, recognise
from helpers.store.quarantine import Incoming, set_aside_more, sift, write
from helpers.store.settings import StoreSettings

TABLE = Table(
    "order_lines",
    "line",
    ("order_id", "line_id"),
    (
        Column("order_id", "string", "", required=True, nullable=False),
        Column("line_id", "string", "", required=True, nullable=False),
        Column("kind", "string", "", values=("a", "b"), default="a"),
        Column("amount", MONEY, "", required=True, nullable=False, minimum=0),
    ),
)
IDS = st.sampled_from(["A1", "A2", "A3", "A4", "", " A1", "a1"])
AMOUNTS = st.sampled_from(
    ["10.00", "0", "19.99", "0.01", "-5.00", "3.333", "", "x", "1e3", "12345678901.10", "+7.5"]
)
QUANTITIES = st.sampled_from(["1", "2", "-1", "1.5", "", "3.0", "two"])
TIMES = st.sampled_from(["2026-03-01", "2026-03-01 10:00:00", "01/03/2026", "", "2026-02-30"])
LINES = st.lists(
    st.one_of(
        st.tuples(IDS, st.sampled_from("123"), QUANTITIES, AMOUNTS).map(
            lambda row: f"{row[0]},{row[1]},p,{row[2]},{row[3]}"
        ),
        st.sampled_from(["A1,1,p,1", "A1,1,p,1,2,3", 'A1,"1,p,1,2', "A2,2,p,1,\0", ",,,,"]),
    ),
    min_size=1,
    max_size=12,
)
ORDERS = st.lists(st.tuples(IDS, TIMES).map(lambda row: f"{row[0]},{row[1]},{row[1]}"),
                  min_size=1, max_size=6)  # fmt: skip


@pytest.fixture(scope="module")
def connection():
    temporary = engine.fresh_temporary()
    connection = engine.connect(temporary)
    yield connection
    connection.close()
    engine.remove(temporary)


def incoming(*rows: str) -> Incoming:
    values = ", ".join(f"({row}, 'f.csv', {number})" for number, row in enumerate(rows, 2))
    names = "order_id, line_id, kind, amount, __file, __line"
    relation = f"SELECT * FROM (VALUES {values}) AS t({names})"
    return Incoming(("f.csv",), relation, dict.fromkeys(TABLE.column_names, "VARCHAR"))


def aside(connection, sifted) -> list[tuple[int, str]]:
    return connection.execute(
        f"SELECT __line, reason FROM {sifted.set_aside} ORDER BY 1"
    ).fetchall()


def test_good_rows_pass_with_their_defaults(connection) -> None:
    sifted = sift(connection, TABLE, incoming("'A', '1', '', '2.50'"), time_zone="UTC")
    assert connection.execute(f"SELECT kind, amount FROM ({sifted.accepted})").fetchall() == [
        ("a", Decimal("2.50"))
    ]
    assert sifted.account.money_out == Decimal("2.50")


def test_the_first_rule_broken_is_the_reason(connection) -> None:
    sifted = sift(connection, TABLE, incoming("'', '1', 'z', '-1'"), time_zone="UTC")
    assert aside(connection, sifted) == [(2, "order_id is empty")]


def test_of_rows_alike_the_first_is_kept_and_of_rows_that_differ_none(connection) -> None:
    rows = ("'A', '1', 'a', '1'", "'B', '1', 'a', '1'", "'A', '1', 'a', '1.00'",
            "'B', '1', 'b', '1'", "'C', '1', 'a', '1'")  # fmt: skip
    sifted = sift(connection, TABLE, incoming(*rows), time_zone="UTC")
    differ = "key order_id, line_id stands on rows that differ"
    assert aside(connection, sifted) == [
        (3, differ), (4, "repeats an earlier row in full"), (5, differ)
    ]  # fmt: skip


def test_a_bad_row_does_not_spoil_a_good_one_with_its_key(connection) -> None:
    rows = ("'A', '1', 'a', '-1'", "'A', '1', 'a', '1'")
    sifted = sift(connection, TABLE, incoming(*rows), time_zone="UTC")
    assert aside(connection, sifted) == [(2, "amount is below 0")]
    assert sifted.account.accepted == 1


def test_more_rows_can_be_set_aside_by_a_rule_of_the_source(connection) -> None:
    rows = ("'A', '1', 'a', '1'", "'B', '1', 'a', '7'")
    sifted = sift(connection, TABLE, incoming(*rows), time_zone="UTC")
    sifted = set_aside_more(connection, sifted, "amount > 5", "too dear")
    assert aside(connection, sifted) == [(3, "too dear")]
    account = sifted.account
    assert (account.money_in, account.money_out, account.money_quarantined) == (8, 1, 7)


def test_the_quarantine_keeps_the_row_as_it_was_delivered(connection, tmp_path) -> None:
    sifted = sift(connection, TABLE, incoming("'A', '1', 'a', '1,5'"), time_zone="UTC")
    write(connection, sifted, tmp_path)
    found = duckdb.sql(f"SELECT * FROM '{tmp_path}/quarantine/order_lines.parquet'").fetchall()
    assert found == [
        ("f.csv", 2, "amount is no amount such as 1234.50",
         '{"order_id":"A","line_id":"1","kind":"a","amount":"1,5"}')
    ]  # fmt: skip


def ingest(connection, folder: Path) -> tuple[dict[str, TableAccount], Path]:
    target = folder / "tables"
    target.mkdir()
    found = recognise(folder).read(folder, target, connection=connection, settings=StoreSettings())
    assert sum(step.money for step in found.bridge[:-1]) == found.bridge[-1].money
    return found.tables, target


def readable(text: str) -> Decimal:
    """The money of a well-formed line; 0 where it has none."""
    fields = text.split(",")
    if '"' in text or "\0" in text or len(fields) != 5 or "e" in fields[4]:
        return Decimal(0)
    try:
        return Decimal(fields[4] or 0)
    except ArithmeticError:
        return Decimal(0)


@settings(max_examples=30)
@given(orders=ORDERS, lines=LINES)
def test_rows_and_money_in_are_rows_and_money_accepted_and_set_aside(
    connection, orders, lines
) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "orders.csv").write_text("\n".join(["order_id,created_at,paid_at", *orders]))
        header = "order_id,line_id,product_id,quantity,buyer_paid"
        (folder / "order_lines.csv").write_text("\n".join([header, *lines]))
        accounts, target = ingest(connection, folder)
        for name, delivered in (("orders", orders), ("order_lines", lines)):
            account = accounts[name]
            rows, money = duckdb.sql(
                f"SELECT count(*), {'sum(buyer_paid)' if name == 'order_lines' else '0'} "
                f"FROM '{target / name}.parquet'"
            ).fetchone()
            path = target / "quarantine" / f"{name}.parquet"
            aside = duckdb.sql(f"SELECT line FROM '{path}'").fetchall() if path.exists() else []
            assert account.rows_in == len(delivered) == rows + len(aside)
            assert (account.accepted, account.quarantined) == (rows, len(aside))
            assert len(set(aside)) == len(aside)
            assert account.money_out == (money or 0)
            assert account.money_unexplained == 0
            assert account.rounding == 0
        assert accounts["order_lines"].money_in == sum(map(readable, lines))


@settings(max_examples=10)
@given(orders=ORDERS, lines=LINES, seed=st.randoms(use_true_random=False))
def test_the_order_of_lines_changes_nothing_but_which_repeat_is_kept(
    connection, orders, lines, seed
) -> None:
    found = []
    for shuffled in (False, True):
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            rows = [list(orders), list(lines)]
            if shuffled:
                for part in rows:
                    seed.shuffle(part)
            (folder / "orders.csv").write_text("\n".join(["order_id,created_at,paid_at", *rows[0]]))
            header = "order_id,line_id,product_id,quantity,buyer_paid"
            (folder / "order_lines.csv").write_text("\n".join([header, *rows[1]]))
            accounts, target = ingest(connection, folder)
            kept = duckdb.sql(f"SELECT * FROM '{target}/order_lines.parquet'").fetchall()
            found.append((sorted(map(str, kept)), accounts["order_lines"].reasons))
    assert found[0] == found[1]
