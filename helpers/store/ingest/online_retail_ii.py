"""Online Retail II: two years of invoices of a British gift shop, in two overlapping sheets.

Source: Chen, D. (2012), Online Retail II, UCI Machine Learning Repository, data set 502,
https://doi.org/10.24432/C5CG6D, CC BY 4.0. The publisher's earlier extract of the second year
(data set 352) names three columns otherwise; both spellings are read.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

from helpers.store.columns import UNIT_PRICE, Column, Table
from helpers.store.ingest import cancellations
from helpers.store.ingest import online_retail_ii_lines as lines
from helpers.store.ingest.delivered import headers_of, open_delivery
from helpers.store.ingest.source import (
    BridgeStep,
    Ingested,
    Note,
    Part,
    SourceDefaults,
    TableAccount,
    literal,
    tidy,
)
from helpers.store.quarantine import Sifted, sift, write, write_declared
from helpers.store.schema import ITEM_CLASSES, TABLES

if TYPE_CHECKING:
    import duckdb

    from helpers.store.settings import StoreSettings

RAW = Table(
    "online_retail_II",
    "one line of one invoice",
    (),
    (
        Column("Invoice", "string", "C... cancels, A... adjusts", required=True, nullable=False),
        Column("StockCode", "string", "product or charge", required=True, nullable=False),
        Column("Description", "string", "name, or a clerk's remark", required=True),
        Column("Quantity", "int64", "pieces, negative when taken back", required=True,
               nullable=False),
        Column("InvoiceDate", "timestamp", "to the minute", required=True, nullable=False),
        Column("Price", UNIT_PRICE, "pounds a piece", required=True, nullable=False),
        Column("Customer ID", "string", "empty for shop-floor sales", required=True),
        Column("Country", "string", "of the customer", required=True),
        Column("sheet", "string", "sheet of the workbook"),
    ),
)  # fmt: skip
ALIASES = {"InvoiceNo": "Invoice", "UnitPrice": "Price", "CustomerID": "Customer ID"}
LINE_COLUMNS = ("order_id", "line_id", "product_id", "item_class", "quantity", "list_price",
                "buyer_paid", "merchant_receivable")  # fmt: skip
WRITTEN = {
    "orders": (lines.ORDERS, ("order_id", "customer_id", "created_at", "paid_at", "country")),
    "order_lines": (lines.ORDER_LINES, LINE_COLUMNS),
    "returns": (lines.RETURNS, ("return_id", "order_id", "line_id", "product_id", "customer_id",
                                "item_class", "applied_at", "settled_at", "quantity", "amount")),
    "customers": (lines.CUSTOMERS, ("customer_id", "region")),
    "products": (lines.PRODUCTS, ("product_id", "name")),
}  # fmt: skip
SUFFIXES = (".parquet", ".csv", ".xlsx")


class OnlineRetailII:
    """The source `online_retail_II`."""

    name = "online_retail_II"
    defaults = SourceDefaults(
        "GBP", "Europe/London", {"en": "Online Retail II", "zh": "Online Retail II 礼品店"}
    )
    headers = ", ".join(RAW.required_columns)
    about = (
        "Two years of invoices (December 2009 to December 2011) of a British gift shop: the "
        "publisher's workbook with its two sheets, or the same rows as Parquet or CSV. UCI Machine "
        "Learning Repository, data set 502, Online Retail II, <https://doi.org/10.24432/C5CG6D>, "
        "CC BY 4.0."
    )

    def files(self, data: str | Path) -> list[Path]:
        """The files with these headers: the file given, or all of the folder."""
        path = Path(data)
        found = sorted(path.iterdir()) if path.is_dir() else [path]
        return [file for file in found if file.suffix.lower() in SUFFIXES and _fits(file)]

    def recognises(self, data: str | Path) -> bool:
        """Whether a file has the columns of the invoices."""
        return bool(self.files(data))

    def state(self, data: str | Path) -> str:
        """Nothing but the files."""
        return ""

    def read(
        self,
        data: str | Path,
        target: Path,
        *,
        connection: duckdb.DuckDBPyConnection,
        settings: StoreSettings,
    ) -> Ingested:
        """Write orders, order lines, returns, customers and products."""
        zone = settings.time_zone or self.defaults.time_zone
        with open_delivery(
            connection, RAW, self.files(data), aliases=ALIASES, encoding=settings.encoding
        ) as delivery:
            sifted = sift(connection, RAW, delivery.incoming, time_zone=zone, rules=_rules())
            write(connection, sifted, target, rows=False, name="order_lines")
            sheets = _build(connection, sifted)
            lost = _money_set_aside(connection, sifted)
        account = _account(connection, sifted, lost)
        return Ingested(
            {"order_lines": account, **_write(connection, target, account.files)},
            _bridge(connection, account),
            [*delivery.notes, *sheets, *_notes(connection)],
        )


def _fits(file: Path) -> bool:
    names = {ALIASES.get(name, name) for name in headers_of(file)}
    return set(RAW.required_columns) <= names


def _rules() -> list[tuple[str, str]]:
    """What signs must be, which depends on the kind of invoice and no declaration says."""
    adjusts, cancels = ("\"Invoice\" LIKE 'A%'", "\"Invoice\" LIKE 'C%'")
    goods = f'regexp_full_match(upper(trim("StockCode")), {literal(lines.GOODS)})'
    return [
        ('"Quantity" = 0', "Quantity is 0"),
        (f'"Price" < 0 AND NOT {adjusts}', "Price is below 0 outside a bad-debt adjustment"),
        (f'"Quantity" < 0 AND "Price" <> 0 AND NOT {cancels} AND NOT {adjusts}',
         "Quantity is below 0 outside a cancellation"),
        (f'"Quantity" > 0 AND {cancels} AND {goods}', "Quantity is above 0 in a cancellation"),
    ]  # fmt: skip


def _build(connection: duckdb.DuckDBPyConnection, sifted: Sifted) -> list[Note]:
    """Make tables `raw`, `lines` and `parts` from the accepted rows; say if sheets are unknown."""

    def make(name: str, query: str) -> None:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")

    make("raw", lines.typed(sifted.accepted, sifted.incoming.files))
    falls = [row[0] for row in connection.execute(lines.FALLS).fetchall()]
    connection.execute(f"CREATE OR REPLACE TEMP VIEW sheeted AS {lines.sheeted(falls)}")
    make("twice", lines.TWICE)
    make("lines", lines.classed())
    cancellations.link(connection)
    told = len(falls) <= lines.MOST_SHEETS and _one(connection, "SELECT count(*) FROM twice")
    if told or not falls:
        return []
    text = (
        "rows stand in no order of time and no column names their sheet: rows that both "
        "sheets hold can't be told from repeats and count twice"
    )
    return [Note("sheets_unknown", text)]


def _money_set_aside(connection: duckdb.DuckDBPyConnection, sifted: Sifted) -> Decimal:
    """Money of the rows in quarantine, as far as quantity and price can be read."""
    if not sifted.account.quarantined:
        return Decimal(0)
    product = " * ".join(f'TRY_CAST("{name}" AS DECIMAL(18,4))' for name in ("Quantity", "Price"))
    found = connection.execute(
        f"SELECT CAST(coalesce(sum({product}), 0) AS DECIMAL(38,4)) "
        f"FROM ({sifted.incoming.relation}) SEMI JOIN {sifted.set_aside} USING (__file, __line)"
    ).fetchone()
    return found[0] if found else Decimal(0)


def _account(connection: duckdb.DuckDBPyConnection, sifted: Sifted, lost: Decimal) -> TableAccount:
    """Where every line of the export went; money is exact in, and in cents where it went."""
    parts = _parts(connection, "kind", "true")
    exact = _one(connection, "SELECT coalesce(sum(exact), 0) FROM lines")
    cents = _one(connection, "SELECT coalesce(sum(money), 0) FROM lines")
    nothing = Part(0)
    sold, twice = parts.pop("sale", nothing), parts.pop("delivered_twice", nothing)
    return replace(
        sifted.account,
        table="order_lines",
        accepted=sold.rows,
        delivered_twice=twice.rows,
        classed=parts,
        money_in=tidy(exact + lost),
        money_out=sold.money,
        money_quarantined=tidy(lost),
        money_delivered_twice=twice.money,
        rounding=tidy(cents - exact),
        absent_columns=tuple(set(TABLES["order_lines"].column_names) - {"shop_id", *LINE_COLUMNS}),
    )


def _parts(connection: duckdb.DuckDBPyConnection, by: str, where: str) -> dict[str, Part]:
    found = connection.execute(
        f"SELECT {by}, count(*), sum(money) FROM lines WHERE {where} GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return {name: Part(rows, money) for name, rows, money in found}


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    found = connection.execute(query).fetchone()
    return found[0] if found else None


def _write(
    connection: duckdb.DuckDBPyConnection, target: Path, files: tuple[str, ...]
) -> dict[str, TableAccount]:
    """Write all tables; accounts of those that are derived from the lines."""
    accounts = {}
    for name, (query, columns) in WRITTEN.items():
        write_declared(connection, TABLES[name], query, columns, target)
        if name == "order_lines":
            continue
        money = "sum(amount)" if name == "returns" else "0"
        rows, total = connection.execute(f"SELECT count(*), {money} FROM ({query})").fetchone() or (
            0, None,
        )  # fmt: skip
        accounts[name] = TableAccount(
            name, files, rows, rows, money_in=total or Decimal(0), money_out=total or Decimal(0),
            absent_columns=tuple(c for c in TABLES[name].column_names if c not in columns),
        )  # fmt: skip
    return accounts


def _bridge(connection: duckdb.DuckDBPyConnection, account: TableAccount) -> list[BridgeStep]:
    """From the sum of all lines to net sales of goods, after cancellations."""
    steps = [
        BridgeStep("raw_total", account.rows_in, account.money_in),
        BridgeStep(
            "rounding", _one(connection, "SELECT count(*) FROM lines WHERE exact <> money"),
            account.rounding,
        ),
    ]  # fmt: skip
    if account.quarantined:
        steps.append(BridgeStep("quarantined", account.quarantined, -account.money_quarantined))
    outside = ("delivered_twice", "bad_debt", "stock_booking")
    kinds = _parts(connection, "kind", f"kind IN {outside}")
    classes = _parts(connection, "item_class", f"kind NOT IN {outside}")
    goods = classes.pop("goods", Part(0))
    left_out = {**{kind: kinds.get(kind, Part(0)) for kind in outside}}
    left_out |= {name: classes.get(name, Part(0)) for name in ITEM_CLASSES if name != "goods"}
    steps += [BridgeStep(key, part.rows, -part.money) for key, part in left_out.items()]
    return [*steps, BridgeStep("net_sales", goods.rows, goods.money)]


def _notes(connection: duckdb.DuckDBPyConnection) -> list[Note]:
    """What a reader should know of the lines; a note without a row is left out."""
    found = [
        (note, connection.execute(query).fetchone() or (0, 0))
        for note, query in lines.REMARKS.items()
    ]
    return [_note(*note, *values) for note, values in found if values[0]]


def _note(key: str, text: str, *figures: Decimal | int | str) -> Note:
    names = [name for _, name, _, _ in Formatter().parse(text) if name]
    shown = [f"{one:.2f}" if isinstance(one, Decimal) else str(one) for one in figures]
    values = dict(zip(names, shown, strict=True))
    return Note(key, text.format(**values), values)
