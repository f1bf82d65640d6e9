"""Complete Journey: a year of a US grocer's receipts by 2,469 households, and its mailings.

Source: 84.51° (2017), The Complete Journey, published by Boehmke, B. and Mortimer, S. as the R
package completejourney, https://CRAN.R-project.org/package=completejourney, CC0. What its money
means: dunnhumby, The Complete Journey, User Guide, section transaction_data.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

from helpers.store.errors import BadInput
from helpers.store.ingest import complete_journey_lines as lines
from helpers.store.ingest.complete_journey_files import BECOMES, FILES, TRANSACTIONS, Reader
from helpers.store.ingest.delivered import headers_of
from helpers.store.ingest.source import (
    BridgeStep,
    Ingested,
    Note,
    SourceDefaults,
    TableAccount,
)
from helpers.store.quarantine import write_declared
from helpers.store.schema import TABLES

if TYPE_CHECKING:
    import duckdb

    from helpers.store.settings import StoreSettings

SUFFIXES = (".parquet", ".csv")
MARKS = ("household_id", "basket_id")
DERIVED = {
    "orders": (lines.ORDERS, ("order_id", "customer_id", "created_at", "paid_at")),
    "customers": (lines.CUSTOMERS, ("customer_id",)),
}
"""Tables that are worked out from the lines: query and its columns."""
WRITTEN = {
    "order_lines": (lines.ORDER_LINES, (
        "order_id", "line_id", "product_id", "item_class", "quantity", "list_price",
        "merchant_discount", "shop_coupon", "platform_subsidy", "buyer_paid",
        "merchant_receivable",
    )),
    "products": (lines.PRODUCTS, ("product_id", "name", "category")),
    "campaigns": (lines.CAMPAIGNS, (
        "campaign_id", "name", "name_zh", "type", "starts_on", "ends_on",
    )),
    "messages": (lines.MESSAGES, (
        "message_id", "customer_id", "campaign_id", "medium", "sent_at",
    )),
    "engagements": (lines.ENGAGEMENTS, (
        "engagement_id", "customer_id", "kind", "occurred_at", "campaign_id",
    )),
}  # fmt: skip
"""Tables that a file becomes, row by row."""


class CompleteJourney:
    """The source `complete_journey`: the folder of the data set, or the receipts alone."""

    name = "complete_journey"
    defaults = SourceDefaults(
        "USD", "America/New_York", {"en": "Complete Journey", "zh": "Complete Journey 连锁超市"}
    )
    headers = f"file transactions with {', '.join(TRANSACTIONS.required_columns)}"
    about = (
        "Receipts of a US grocery chain in 2017 by 2,469 households, with products, campaigns, the "
        "households that each was mailed to, and coupons redeemed: a folder with `transactions`, "
        "`products`, `campaigns`, `campaign_descriptions` and `coupon_redemptions` as Parquet or "
        "CSV, of which only `transactions` is required. From the R package completejourney, "
        "<https://CRAN.R-project.org/package=completejourney>, CC0; its `get_transactions()` gives "
        "all receipts. Times are UTC and become the shop's. `sales_value` is what the shop "
        "receives; `coupon_disc`, which manufacturers pay of it, becomes `platform_subsidy`, and "
        "the rest is what the buyer paid. `retail_disc` (loyalty card) becomes "
        "`merchant_discount`, `coupon_match_disc` becomes `shop_coupon`; with `sales_value` they "
        "make the list price. Gift cards are vouchers, lines without piece and money no goods, and "
        "a filling of petrol is one piece. `coupons` and `demographics` are not read."
    )

    def recognises(self, data: str | Path) -> bool:
        """Whether there is a file of receipts by household and basket."""
        return bool(_found(Path(data)))

    def files(self, data: str | Path) -> list[Path]:
        """The files that are read."""
        return [file for files in _found(Path(data)).values() for file in files]

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
        """Write orders, lines and customers, and what the other files hold where they are there.

        Raises:
            BadInput: A file can't be used, or is there twice.
        """
        found = _found(Path(data))
        for files in found.values():
            if len(files) > 1:
                both = " and ".join(file.name for file in files)
                raise BadInput(f"{data}: the same rows are there twice ({both}); keep one of them")
        reader = Reader(connection, target, settings.encoding)
        for name, table in FILES.items():
            reader.read(table, found.get(name, []))
        lines.build(connection, settings.time_zone or self.defaults.time_zone)
        accounts = _write(connection, target, reader.accounts)
        notes = [*reader.notes, *_undated(found), *_remarks(connection), *_not_read(data, found)]
        return Ingested(accounts, _bridge(connection, accounts["order_lines"]), notes)


def _found(path: Path) -> dict[str, list[Path]]:
    """Files by what they are; a file given by itself is the receipts."""
    if not path.is_dir():
        return {"transactions": [path]} if _are_receipts(path) else {}
    choices = {
        name: [file for suffix in SUFFIXES if (file := path / f"{name}{suffix}").is_file()]
        for name in FILES
    }
    if not any(_are_receipts(file) for file in choices["transactions"]):
        return {}
    return {name: files for name, files in choices.items() if files}


def _are_receipts(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES and set(MARKS) <= set(headers_of(file))


def _write(
    connection: duckdb.DuckDBPyConnection, target: Path, read: dict[str, TableAccount]
) -> dict[str, TableAccount]:
    """Write the tables whose rows were delivered, and account for them."""
    accounts = {}
    for name, (query, columns) in DERIVED.items():
        write_declared(connection, TABLES[name], query, columns, target)
        rows = _row(connection, f"SELECT count(*) FROM ({query})")[0]
        accounts[name] = TableAccount(
            name, read["transactions"].files, rows, rows, absent_columns=_absent(name, columns)
        )
    for file, account in read.items():
        name = BECOMES[file]
        if name == "messages" and "campaign_descriptions" not in read:
            continue
        query, columns = WRITTEN[name]
        write_declared(connection, TABLES[name], query, columns, target)
        accounts[name] = replace(account, table=name, absent_columns=_absent(name, columns))
    return accounts


def _absent(table: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(c for c in TABLES[table].column_names if c not in ("shop_id", *columns))


def _row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    return connection.execute(query).fetchone() or ()


def _bridge(connection: duckdb.DuckDBPyConnection, account: TableAccount) -> list[BridgeStep]:
    """From the sum of `sales_value` to net sales of goods."""
    steps = [BridgeStep("raw_total", account.rows_in, account.money_in)]
    if account.rounding:
        steps.append(BridgeStep("rounding", 0, account.rounding))
    if account.quarantined:
        steps.append(BridgeStep("quarantined", account.quarantined, -account.money_quarantined))
    found = {
        name: (rows, money)
        for name, rows, money in connection.execute(
            "SELECT item_class, count(*), sum(received) FROM lines GROUP BY 1"
        ).fetchall()
    }
    for name in ("voucher", "discount", "adjustment"):
        rows, money = found.get(name, (0, Decimal(0)))
        steps.append(BridgeStep(name, rows, -money))
    rows, money = found.get("goods", (0, Decimal(0)))
    return [*steps, BridgeStep("net_sales", rows, money)]


def _remarks(connection: duckdb.DuckDBPyConnection) -> list[Note]:
    """What a reader should know of the lines; a note whose first figure is nothing is left out."""
    notes = []
    for (key, text), query in lines.REMARKS.items():
        figures = _row(connection, query)
        if not figures[0]:
            continue
        names = [name for _, name, _, _ in Formatter().parse(text) if name]
        shown = [f"{one:.2f}" if isinstance(one, Decimal) else str(one) for one in figures]
        values = dict(zip(names, shown, strict=True))
        notes.append(Note(key, text.format(**values), values))
    return notes


def _undated(found: dict[str, list[Path]]) -> list[Note]:
    """A note where mailings can't be dated."""
    if "campaigns" not in found or "campaign_descriptions" in found:
        return []
    name = found["campaigns"][0].name
    text = f"{name}: not used; campaign_descriptions, which dates its campaigns, is absent"
    return [Note("campaigns_undated", text, {"file": name})]


def _not_read(data: str | Path, found: dict[str, list[Path]]) -> list[Note]:
    """Notes on files of the folder that no table has a place for."""
    path = Path(data)
    if not path.is_dir():
        return []
    read = [file for files in found.values() for file in files]
    others = [f for f in sorted(path.iterdir()) if f.suffix in SUFFIXES and f not in read]
    return [
        Note("file_unknown", f"{file.name}: not read; no table has a place for it",
             {"file": file.name})
        for file in others
    ]  # fmt: skip
