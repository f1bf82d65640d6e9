"""Online Retail II: against plain pandas on the raw file, and against exports written by hand."""

from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import xlsxwriter

from helpers.store import engine
from helpers.store.ingest import recognise
from helpers.store.settings import StoreSettings
from tests.store.ingest.conftest import Read

NO_GOODS = {
    "POST", "DOT", "C2", "C3", "M", "PADS", "D", "BANK CHARGES", "AMAZONFEE", "CRUK", "B", "S",
    "ADJUST", "ADJUST2", "TEST001", "TEST002", "GIFT",
}  # fmt: skip
HEADER = ("Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price",
          "Customer ID", "Country")  # fmt: skip
FIRST = [
    ("1", "10001", "OLD", 2, datetime(2010, 11, 1, 9), 3.0, 7, "France"),
    ("2", "10001", "MUG", 3, datetime(2010, 12, 1, 9), 2.5, 7, "France"),
    ("2", "10001", "MUG", 3, datetime(2010, 12, 1, 9), 2.5, 7, "France"),
    ("8", "POST", "POSTAGE", 1, datetime(2010, 12, 9, 9), 4.0, 7, "France"),
]
SECOND = [
    *FIRST[1:],
    ("3", "10001a", "PLATE", 1, datetime(2010, 12, 20, 9), 9.95, None, "Spain"),
    ("3", "10001A ", "PLATE", 1, datetime(2010, 12, 20, 9), 9.95, None, "Spain"),
    ("C4", "10001", "MUG", -4, datetime(2011, 1, 3, 9), 2.5, 7, "France"),
    ("5", "10001", "damaged", -9, datetime(2011, 1, 4, 9), 0.0, None, "France"),
    ("A6", "B", "Adjust bad debt", 1, datetime(2011, 1, 5, 9), -50.0, None, "France"),
    ("C7", "AMAZONFEE", "AMAZON FEE", -1, datetime(2011, 1, 6, 9), 11.0, None, "France"),
]


@pytest.fixture(scope="module")
def raw(shared_data: Path) -> pd.DataFrame:
    """The published rows, those of the first sheet's last nine days left out."""
    path = shared_data / "online_retail_II" / "online_retail_II_stacked.parquet"
    if not path.exists():
        pytest.skip("real data: online_retail_II is not beside the project")
    frame = pd.read_parquet(path)
    twice = (frame.sheet == "Year 2009-2010") & (frame.InvoiceDate >= "2010-12-01")
    frame = frame[~twice].copy()
    frame["code"] = frame.StockCode.str.strip().str.upper()
    frame["cents"] = (frame.Quantity * frame.Price * 100).round().astype("int64")
    frame["is_goods"] = ~frame.code.isin(NO_GOODS) & ~frame.code.str.startswith("GIFT_")
    return frame


@pytest.fixture(scope="module")
def shop(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Read:
    """The whole data set, ingested once."""
    folder = shared_data / "online_retail_II"
    if not folder.exists():
        pytest.skip("real data: online_retail_II is not beside the project")
    target = tmp_path_factory.mktemp("online_retail_ii")
    temporary = engine.fresh_temporary()
    connection = engine.connect(temporary)
    ingested = recognise(folder).read(
        folder, target, connection=connection, settings=StoreSettings()
    )
    connection.close()
    engine.remove(temporary)
    return Read(ingested, target)


def test_every_row_and_cent_of_the_published_total_is_accounted_for(shop: Read) -> None:
    account = shop.ingested.tables["order_lines"]
    assert (account.rows_in, account.money_in) == (1_067_370, Decimal("19287232.568"))
    assert account.delivered_twice == 22_523
    assert (account.rows_unexplained, account.money_unexplained) == (0, 0)
    assert account.money_in + account.rounding == Decimal("19287232.55")
    assert account.quarantined == 0


def test_the_bridge_ends_at_net_sales_of_an_independent_sum(shop: Read, raw) -> None:
    *steps, last = shop.ingested.bridge
    assert steps[0].money == Decimal("19287232.568")
    assert sum(step.money for step in steps) == last.money
    assert int(last.money * 100) == raw.cents[raw.is_goods].sum()
    by_key = {step.key: step for step in steps}
    assert by_key["delivered_twice"].rows == 22_523
    assert by_key["bad_debt"].money == Decimal("147614.08")
    fees = raw[raw.code.isin(["BANK CHARGES", "AMAZONFEE", "CRUK"])]
    assert (by_key["fee"].rows, int(by_key["fee"].money * 100)) == (len(fees), -fees.cents.sum())


def test_tables_and_bridge_agree_on_net_sales(shop: Read) -> None:
    ((sold,),) = shop.rows("order_lines", "sum(buyer_paid) FILTER (item_class = 'goods')")
    ((back,),) = shop.rows("returns", "sum(amount) FILTER (item_class = 'goods')")
    assert sold - back == shop.ingested.bridge[-1].money


def test_repeats_inside_a_sheet_stay_and_are_reported(shop: Read) -> None:
    notes = {note.key: note.values for note in shop.ingested.notes}
    assert notes["repeats_kept"] == {"rows": "12133", "money": "55450.05"}
    assert notes["codes_merged"]["spellings"] == "5305"


@pytest.mark.parametrize(("ordered", "twice"), [(True, 22_523), (False, 0)])
def test_sheets_that_no_column_names_are_told_by_the_fall_of_the_dates(
    shared_data: Path, tmp_path: Path, read, ordered, twice
) -> None:
    raw = shared_data / "online_retail_II" / "online_retail_II_stacked.parquet"
    if not raw.exists():
        pytest.skip("real data: online_retail_II is not beside the project")
    order = "file_row_number" if ordered else "Invoice, StockCode, file_row_number"
    duckdb.sql(
        f"COPY (SELECT * EXCLUDE (sheet, file_row_number) FROM read_parquet('{raw}', "
        "file_row_number = true) WHERE InvoiceDate BETWEEN '2010-11-25' AND '2010-12-12' "
        f"ORDER BY {order}) TO '{tmp_path}/shop.parquet'"
    )
    found = read(tmp_path / "shop.parquet")
    assert found.ingested.tables["order_lines"].delivered_twice == twice
    notes = {note.key for note in found.ingested.notes}
    assert ("sheets_unknown" in notes) is not ordered


def test_a_month_agrees_with_plain_pandas(shop: Read, raw) -> None:
    in_month = raw.InvoiceDate.str.startswith("2011-11")
    goods = raw[in_month & raw.is_goods & raw.Invoice.str.fullmatch(r"\d+") & (raw.Price > 0)]
    path = shop.target / "order_lines.parquet"
    found = duckdb.sql(
        "SELECT count(*), sum(buyer_paid), count(DISTINCT order_id), count(DISTINCT customer_id), "
        f"sum(quantity) FROM '{path}' JOIN '{shop.target / 'orders.parquet'}' USING (order_id) "
        "WHERE item_class = 'goods' AND buyer_paid > 0 AND strftime(paid_at, '%Y-%m') = '2011-11'"
    ).fetchone()
    assert found == (
        len(goods), Decimal(int(goods.cents.sum())) / 100, goods.Invoice.nunique(),
        goods["Customer ID"].nunique(), goods.Quantity.sum(),
    )  # fmt: skip


def test_orders_are_invoices_with_a_priced_line_and_customers_are_named_ones(
    shop: Read, raw
) -> None:
    sold = raw[raw.Invoice.str.fullmatch(r"\d+") & (raw.Price > 0) & (raw.Quantity > 0)]
    assert shop.rows("orders", "count(*), count(DISTINCT order_id), count(customer_id)") == [
        (
            sold.Invoice.nunique(),
            sold.Invoice.nunique(),
            sold.Invoice[sold["Customer ID"].notna()].nunique(),
        )
    ]
    assert shop.rows("customers", "count(*), count(DISTINCT customer_id)") == [(5942, 5942)]


def test_every_cancelled_piece_comes_back_once(shop: Read, raw) -> None:
    cancelled = raw[raw.Invoice.str.startswith("C") & (raw.Quantity < 0)]
    ((pieces, money),) = shop.rows("returns", "sum(quantity), sum(amount)")
    assert pieces == -cancelled.Quantity.sum()
    assert int(money * 100) == -cancelled.cents.sum()


def test_no_line_takes_back_more_than_it_sold_and_only_from_its_own_buyer(shop: Read) -> None:
    files = {t: f"'{shop.target / f'{t}.parquet'}'" for t in ("orders", "order_lines", "returns")}
    broken = duckdb.sql(
        f"""WITH back AS (
            SELECT order_id, line_id, sum(quantity) AS quantity, min(settled_at) AS first_at,
                min(product_id) AS product_id, min(customer_id) AS customer_id,
                max(customer_id) AS other, max(product_id) AS other_product, sum(amount) AS amount
            FROM {files["returns"]} WHERE order_id IS NOT NULL GROUP BY ALL)
        SELECT count(*), count(*) FILTER (
            line.order_id IS NULL OR back.quantity > line.quantity OR back.first_at < o.paid_at
            OR back.product_id <> line.product_id OR back.other_product <> line.product_id
            OR back.customer_id <> o.customer_id OR back.other <> o.customer_id
            OR back.amount > line.buyer_paid)
        FROM back LEFT JOIN {files["order_lines"]} line USING (order_id, line_id)
        LEFT JOIN {files["orders"]} o USING (order_id)"""
    ).fetchone()
    assert broken is not None
    assert broken[0] > 10_000
    assert broken[1] == 0


def test_what_could_be_linked_is_linked(shop: Read, raw) -> None:
    """Pieces that a customer cancelled of a product and price, never above what was sold before."""
    key_columns = ["Customer ID", "code", "Price"]
    named = raw[raw["Customer ID"].notna() & (raw.Price > 0)]
    taken_back = named[named.Quantity < 0][key_columns].drop_duplicates()
    named = named.merge(taken_back, on=key_columns).sort_values(
        ["InvoiceDate", "Quantity"], ascending=[True, False], kind="stable"
    )
    left: Counter = Counter()
    linked = 0
    rows = zip(named["Customer ID"], named.code, named.Price, named.Quantity, strict=True)
    for *key, quantity in rows:
        taken = quantity if quantity > 0 else -min(-quantity, left[tuple(key)])
        left[tuple(key)] += taken
        linked -= min(taken, 0)
    ((found,),) = shop.rows("returns", "sum(quantity) FILTER (order_id IS NOT NULL)")
    assert found == linked


def _as_text(row: tuple) -> list[str]:
    return ["" if cell is None else str(cell) for cell in row]


def _csv(*rows: tuple, header: tuple[str, ...] = HEADER) -> str:
    return "\n".join(",".join(_as_text(row)) for row in (header, *rows)) + "\n"


def _workbook(path: Path) -> Path:
    book = xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm"})
    for name, rows in (("Year 2009-2010", FIRST), ("Year 2010-2011", SECOND)):
        sheet = book.add_worksheet(name)
        for number, row in enumerate((HEADER, *rows)):
            sheet.write_row(number, 0, row)
    book.close()
    return path


def _parquet(path: Path) -> Path:
    frame = pd.concat(
        [
            pd.DataFrame(FIRST, columns=list(HEADER)).assign(sheet="Year 2009-2010"),
            pd.DataFrame(SECOND, columns=list(HEADER)).assign(sheet="Year 2010-2011"),
        ]
    )
    frame.to_parquet(path)
    return path


@pytest.fixture(params=["parquet", "csv", "two files", "earlier names", "xlsx"])
def export(request, tmp_path: Path) -> Path:
    """The same ten lines in every form in which they come."""
    if request.param == "parquet":
        return _parquet(tmp_path / "shop.parquet")
    if request.param == "xlsx":
        return _workbook(tmp_path / "online_retail_II.xlsx")
    if request.param == "csv":
        (tmp_path / "shop.csv").write_text(_csv(*FIRST, *SECOND))
        return tmp_path / "shop.csv"
    names = {"Invoice": "InvoiceNo", "Price": "UnitPrice", "Customer ID": "CustomerID"}
    header = HEADER
    if request.param == "earlier names":
        header = tuple(names.get(name, name) for name in HEADER)
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "1.csv").write_text(_csv(*FIRST, header=header))
    (folder / "2.csv").write_text(_csv(*SECOND, header=header))
    return folder


def test_every_form_of_the_export_gives_the_tables_of_a_hand_count(read, export: Path) -> None:
    found = read(export)
    account = found.ingested.tables["order_lines"]
    assert (account.rows_in, account.accepted, account.delivered_twice) == (13, 6, 3)
    assert {name: part.rows for name, part in account.classed.items()} == {
        "bad_debt": 1, "cancellation": 2, "stock_booking": 1
    }  # fmt: skip
    assert sorted(found.rows("order_lines", "order_id, line_id, product_id, item_class, quantity, "
                                            "buyer_paid")) == [
        ("1", "1", "10001", "goods", 2, Decimal("6.00")),
        ("2", "1", "10001", "goods", 3, Decimal("7.50")),
        ("2", "2", "10001", "goods", 3, Decimal("7.50")),
        ("3", "1", "10001A", "goods", 1, Decimal("9.95")),
        ("3", "2", "10001A", "goods", 1, Decimal("9.95")),
        ("8", "1", "POST", "postage", 1, Decimal("4.00")),
    ]  # fmt: skip
    assert sorted(found.rows("orders", "order_id, customer_id, paid_at, country")) == [
        ("1", "7", datetime(2010, 11, 1, 9), "France"),
        ("2", "7", datetime(2010, 12, 1, 9), "France"),
        ("3", None, datetime(2010, 12, 20, 9), "Spain"),
        ("8", "7", datetime(2010, 12, 9, 9), "France"),
    ]
    assert sorted(found.rows("returns", "return_id, order_id, line_id, item_class, quantity, "
                                        "amount")) == [
        ("C4-1", "2", "2", "goods", 3, Decimal("7.50")),
        ("C4-1-2", "2", "1", "goods", 1, Decimal("2.50")),
        ("C7-1", None, None, "fee", 1, Decimal("11.00")),
    ]  # fmt: skip
    assert found.rows("customers", "customer_id, region") == [("7", "France")]
    assert sorted(found.rows("products", "product_id, name")) == [
        ("10001", "MUG"), ("10001A", "PLATE")
    ]  # fmt: skip
    net = found.ingested.bridge[-1]
    assert net.money == Decimal("6.00") + 15 + Decimal("19.90") - 10


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("9", "10001", "x", 1, "2011-01-01 09:00", -2.0, "", "x"),
         "Price is below 0 outside a bad-debt adjustment"),
        (("9", "10001", "x", -1, "2011-01-01 09:00", 2.0, "", "x"),
         "Quantity is below 0 outside a cancellation"),
        (("C9", "10001", "x", 1, "2011-01-01 09:00", 2.0, "", "x"),
         "Quantity is above 0 in a cancellation"),
        (("9", "10001", "x", 0, "2011-01-01 09:00", 2.0, "", "x"), "Quantity is 0"),
        (("9", "10001", "x", "many", "2011-01-01 09:00", 2.0, "", "x"),
         "Quantity is no whole number"),
        (("9", "10001", "x", 1, "1/4/2011 9:00", 2.0, "", "x"),
         "InvoiceDate is no time YYYY-MM-DD HH:MM:SS"),
    ],
)  # fmt: skip
def test_a_line_that_can_not_be_is_set_aside_and_its_money_with_it(
    read, tmp_path, row, reason
) -> None:
    (tmp_path / "shop.csv").write_text(_csv(FIRST[0], row))
    found = read(tmp_path / "shop.csv")
    assert found.quarantine("order_lines") == [("shop.csv", 3, reason)]
    account = found.ingested.tables["order_lines"]
    assert (account.rows_in, account.accepted, account.rows_unexplained) == (2, 1, 0)
    assert account.money_unexplained == 0
    assert account.money_out == 6


def test_a_sheet_with_other_columns_is_refused(tmp_path, read) -> None:
    book = xlsxwriter.Workbook(tmp_path / "shop.xlsx")
    book.add_worksheet("a").write_row(0, 0, HEADER)
    book.add_worksheet("b").write_row(0, 0, ("Notes",))
    book.close()
    with pytest.raises(Exception, match="sheet 'b' has columns Notes"):
        read(tmp_path / "shop.xlsx")
