"""CDNOW: purchases at a music shop in 1997 and 1998 by the customers won in early 1997.

Source: Fader, P. and Hardie, B. (2001), Forecasting Repeat Sales at CDNOW; data at
https://www.brucehardie.com/datasets/. The master file has 23,570 customers, the sample every
tenth of them; the publisher's text files have no header, so a line of numbers is their mark.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.store.columns import MONEY, Column, Table
from helpers.store.ingest.delivered import headers_of, open_delivery
from helpers.store.ingest.source import (
    BridgeStep,
    Ingested,
    Note,
    SourceDefaults,
    TableAccount,
)
from helpers.store.ingest.text_files import stage_lines
from helpers.store.quarantine import Sifted, sift, write, write_declared
from helpers.store.schema import TABLES
from helpers.store.settings import FILE_NAME

if TYPE_CHECKING:
    import duckdb

    from helpers.store.settings import StoreSettings

RAW = Table(
    "cdnow",
    "one purchase",
    (),
    (
        Column("customer_id", "string", "number in the master file", required=True,
               nullable=False),
        Column("sample_id", "string", "number in the sample"),
        Column("date", "string", "YYYYMMDD", required=True, nullable=False),
        Column("number_of_cds", "int64", "CDs", required=True, nullable=False, minimum=0),
        Column("dollar_value", MONEY, "dollars", required=True, nullable=False, minimum=0),
    ),
)  # fmt: skip
ALIASES = {"master_id": "customer_id"}
MASTER_LINE = re.compile(r"\s*\d{5}\s+\d{8}\s+\d+\s+\d+\.\d+\s*")
SAMPLE_LINE = re.compile(r"\s*\d{5}\s+\d{4}\s+\d{8}\s+\d+\s+\d+\.\d+\s*")
ORDERS = """
    SELECT order_id, customer_id, day AS created_at, day AS paid_at FROM cdnow_orders
    ORDER BY customer_id, number"""
ORDER_LINES = """
    SELECT order_id, '1' AS line_id, 'CD' AS product_id, number_of_cds AS quantity,
        dollar_value AS buyer_paid, dollar_value AS merchant_receivable FROM cdnow_orders
    ORDER BY customer_id, number"""
WRITTEN = {
    "orders": (ORDERS, ("order_id", "customer_id", "created_at", "paid_at")),
    "order_lines": (ORDER_LINES, ("order_id", "line_id", "product_id", "quantity", "buyer_paid",
                                  "merchant_receivable")),
    "customers": ("SELECT DISTINCT customer_id FROM cdnow_orders ORDER BY 1", ("customer_id",)),
    "products": ("SELECT 'CD' AS product_id, 'CD' AS name, '唱片' AS name_zh",
                 ("product_id", "name", "name_zh")),
}  # fmt: skip


class Cdnow:
    """The source `cdnow`: a file, or a folder, which means the master file in it."""

    name = "cdnow"
    defaults = SourceDefaults("USD", "America/New_York", {"en": "CDNOW", "zh": "CDNOW 唱片店"})
    headers = ", ".join(RAW.required_columns)
    about = (
        "Purchases at the music shop CDNOW, January 1997 to June 1998, by the 23,570 customers "
        "won in early 1997 (master file), or by every tenth of them (sample): Parquet, CSV, or "
        "the publisher's text files as they are. A folder means the master file in it. From "
        "Bruce Hardie, <https://www.brucehardie.com/datasets/>."
    )

    def recognises(self, data: str | Path) -> bool:
        """Whether there is a file with the columns of the purchases."""
        return bool(self.files(data))

    def files(self, data: str | Path) -> list[Path]:
        """The one file that is read."""
        path = Path(data)
        if not path.is_dir():
            return [path] if _columns(path) else []
        found = {file: _columns(file) for file in sorted(path.iterdir()) if file.is_file()}
        masters = [file for file, names in found.items() if names and "sample_id" not in names]
        return (masters or [file for file, names in found.items() if names])[:1]

    def state(self, data: str | Path) -> str:
        """Nothing but the file."""
        return ""

    def read(
        self,
        data: str | Path,
        target: Path,
        *,
        connection: duckdb.DuckDBPyConnection,
        settings: StoreSettings,
    ) -> Ingested:
        """Write orders, order lines, customers and the one product.

        Orders of one day by one customer stay orders of their own, and free ones count.
        """
        files = self.files(data)
        lines = _columns(files[0]) if files[0].suffix.lower() == ".txt" else None
        with open_delivery(
            connection, RAW, files, aliases=ALIASES, encoding=settings.encoding,
            stage=stage_lines(lines) if lines else None,
        ) as delivery:  # fmt: skip
            day = "try_strptime(date, '%Y%m%d')"
            no_day = (f"{day} IS NULL", "date is no day YYYYMMDD")
            sifted = sift(connection, RAW, delivery.incoming, time_zone="UTC", rules=[no_day])
            write(connection, sifted, target, rows=False, name="order_lines")
            connection.execute(
                "CREATE OR REPLACE TEMP TABLE cdnow_orders AS "
                f"SELECT *, {day} AS day, customer_id || '-' || number AS order_id FROM (SELECT *, "
                "row_number() OVER (PARTITION BY customer_id ORDER BY __line) AS number "
                f"FROM ({sifted.accepted}))"
            )
        accounts = _write(connection, target, sifted)
        return Ingested(accounts, _bridge(sifted.account), [*delivery.notes, *_notes(data, files)])


def _columns(file: Path) -> list[str]:
    """The raw columns of a file in their order; none where it is no CDNOW file."""
    if file.suffix.lower() == ".txt":
        with file.open("rb") as opened:
            line = opened.readline(200).decode("ascii", "replace")
        names = [column.name for column in RAW.columns]
        if SAMPLE_LINE.fullmatch(line):
            return names
        return [n for n in names if n != "sample_id"] if MASTER_LINE.fullmatch(line) else []
    if file.suffix.lower() not in (".parquet", ".csv"):
        return []
    names = [ALIASES.get(name, name) for name in headers_of(file)]
    return names if set(RAW.required_columns) <= set(names) else []


def _write(
    connection: duckdb.DuckDBPyConnection, target: Path, sifted: Sifted
) -> dict[str, TableAccount]:
    accounts = {}
    for name, (query, columns) in WRITTEN.items():
        write_declared(connection, TABLES[name], query, columns, target)
        absent = tuple(c for c in TABLES[name].column_names if c not in columns)
        rows = (connection.execute(f"SELECT count(*) FROM ({query})").fetchone() or (0,))[0]
        accounts[name] = TableAccount(
            name, sifted.incoming.files, rows, rows, absent_columns=absent
        )
    lines = accounts["order_lines"]
    accounts["order_lines"] = replace(
        sifted.account, table="order_lines", absent_columns=lines.absent_columns
    )
    return accounts


def _bridge(account: TableAccount) -> list[BridgeStep]:
    steps = [BridgeStep("raw_total", account.rows_in, account.money_in)]
    if account.quarantined:
        steps.append(BridgeStep("quarantined", account.quarantined, -account.money_quarantined))
    if account.rounding:
        steps.append(BridgeStep("rounding", 0, account.rounding))
    return [*steps, BridgeStep("net_sales", account.accepted, account.money_out)]


def _notes(data: str | Path, files: list[Path]) -> list[Note]:
    path = Path(data)
    if not path.is_dir():
        return []
    others = [file.name for file in sorted(path.iterdir()) if file.is_file() and file not in files]
    return [
        Note("file_ignored", f"{name}: not read; {files[0].name} holds all purchases",
             {"file": name, "read": files[0].name})
        for name in others if name != FILE_NAME
    ]  # fmt: skip
