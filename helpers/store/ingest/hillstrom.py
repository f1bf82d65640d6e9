"""MineThatData e-mail test: 64,000 customers of a US shop in three arms, and what came of it.

Source: Hillstrom, K. (2008), The MineThatData E-Mail Analytics and Data Mining Challenge,
20 March 2008, https://blog.minethatdata.com/2008/03/minethatdata-e-mail-analytics-and-data.html.
Customers who bought within twelve months were drawn at random for a mail of men's goods, one of
women's goods or none; visits and orders of the following two weeks were counted.

The file names neither days nor customers. The test is placed at nominal days: assigned on
15 February 2008, counted until 29 February, fourteen days later, so that the last complete month
holds it all; a customer's number is that of the row.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.store.columns import MONEY, Column, Table, text
from helpers.store.errors import BadInput
from helpers.store.ingest.delivered import headers_of, open_delivery
from helpers.store.ingest.source import (
    BridgeStep,
    Ingested,
    Note,
    Part,
    SourceDefaults,
    TableAccount,
    literal,
)
from helpers.store.quarantine import Sifted, sift, write, write_declared
from helpers.store.schema import TABLES

if TYPE_CHECKING:
    import duckdb

    from helpers.store.settings import StoreSettings

EXPERIMENT = "hillstrom"
CONTROL = "No E-Mail"
ASSIGNED, COUNTED_UNTIL, WINDOW_DAYS = "2008-02-15", "2008-02-29", 14
NUMBERS = ("recency", "history", "mens", "womens", "newbie")
LABELS = ("history_segment", "zip_code", "channel")
OUTCOMES = ("visit", "conversion", "spend")
SUFFIXES = (".parquet", ".csv")


def _truth(name: str, meaning: str) -> Column:
    return Column(name, "int64", f"{meaning}: 1, else 0", required=True, nullable=False, minimum=0)


RAW = Table(
    "hillstrom",
    "one customer in the test",
    (),
    (
        Column("recency", "int64", "months since the last purchase", "months", required=True,
               nullable=False, minimum=0),
        text("history_segment", "band of history", required=True, nullable=False),
        Column("history", "float64", "dollars spent in the past year", "money", required=True,
               nullable=False, minimum=0),
        _truth("mens", "bought men's goods in the past year"),
        _truth("womens", "bought women's goods in the past year"),
        text("zip_code", "Urban, Suburban or Rural", required=True, nullable=False),
        _truth("newbie", "new in the past twelve months"),
        text("channel", "channels of the past year", required=True, nullable=False),
        text("segment", "the mail, or none", required=True, nullable=False),
        _truth("visit", "visited in the two weeks"),
        _truth("conversion", "bought in the two weeks"),
        Column("spend", MONEY, "dollars spent in the two weeks", required=True, nullable=False,
               minimum=0),
    ),
    required=True,
)  # fmt: skip
RULES = [
    *((f"{name} > 1", f"{name} is neither 0 nor 1")
      for name in ("mens", "womens", "newbie", "visit", "conversion")),
    ("spend > 0 AND conversion = 0", "spend is above 0 without a conversion"),
]  # fmt: skip

_ID = f"{literal(EXPERIMENT)} AS experiment_id"
_FEATURES = " UNION ALL ".join(
    [f"SELECT customer_id, {literal(name)} AS feature, CAST({name} AS DOUBLE) AS value, "
     "CAST(NULL AS VARCHAR) AS label FROM customers" for name in NUMBERS]
    + [f"SELECT customer_id, {literal(name)}, NULL, {name} FROM customers" for name in LABELS]
)  # fmt: skip
_OUTCOMES = " UNION ALL ".join(
    f"SELECT customer_id, {literal(name)} AS outcome, CAST({name} AS DOUBLE) AS value "
    f"FROM customers WHERE {name} > 0"
    for name in OUTCOMES
)
WRITTEN = {
    "orders": (
        f"SELECT customer_id AS order_id, customer_id, DATE '{COUNTED_UNTIL}' AS created_at, "
        f"DATE '{COUNTED_UNTIL}' AS paid_at FROM customers WHERE spend > 0 ORDER BY place",
        ("order_id", "customer_id", "created_at", "paid_at"),
    ),
    "order_lines": (
        "SELECT customer_id AS order_id, '1' AS line_id, 'order' AS product_id, 1 AS quantity, "
        "spend AS buyer_paid, spend AS merchant_receivable FROM customers WHERE spend > 0 "
        "ORDER BY place",
        ("order_id", "line_id", "product_id", "quantity", "buyer_paid", "merchant_receivable"),
    ),
    "customers": ("SELECT customer_id FROM customers ORDER BY place", ("customer_id",)),
    "products": (
        "SELECT 'order' AS product_id, 'Whole order' AS name, '整单' AS name_zh",
        ("product_id", "name", "name_zh"),
    ),
    "experiments": (
        f"SELECT {_ID}, 'MineThatData e-mail test' AS name, 'MineThatData 邮件测试' AS name_zh, "
        f"{literal(CONTROL)} AS control, DATE '{ASSIGNED}' AS starts_at, "
        f"{WINDOW_DAYS} AS window_days",
        ("experiment_id", "name", "name_zh", "control", "starts_at", "window_days"),
    ),
    "experiment_units": (
        f"SELECT {_ID}, customer_id, segment AS variant, DATE '{ASSIGNED}' AS assigned_at "
        "FROM customers ORDER BY place",
        ("experiment_id", "customer_id", "variant", "assigned_at"),
    ),
    "experiment_features": (
        f"SELECT {_ID}, * FROM ({_FEATURES}) ORDER BY feature, CAST(customer_id AS BIGINT)",
        ("experiment_id", "customer_id", "feature", "value", "label"),
    ),
    "experiment_outcomes": (
        f"SELECT {_ID}, *, DATE '{COUNTED_UNTIL}' AS observed_at FROM ({_OUTCOMES}) "
        "ORDER BY outcome, CAST(customer_id AS BIGINT)",
        ("experiment_id", "customer_id", "outcome", "value", "observed_at"),
    ),
}


class Hillstrom:
    """The source `hillstrom`: the one file of the challenge, or a folder with it."""

    name = "hillstrom"
    defaults = SourceDefaults(
        "USD", "America/New_York", {"en": "Hillstrom e-mail test", "zh": "Hillstrom 邮件测试"}
    )
    headers = ", ".join(RAW.required_columns)
    about = (
        "An e-mail test of 2008 with 64,000 customers in three arms (men's mail, women's mail, "
        "none): the publisher's CSV, or the same rows as Parquet. From Kevin Hillstrom, "
        "[The MineThatData E-Mail Analytics and Data Mining Challenge]"
        "(https://blog.minethatdata.com/2008/03/minethatdata-e-mail-analytics-and-data.html). "
        "The file names no days and no customers: the test is placed at nominal days, assigned on "
        f"{ASSIGNED} and counted until {COUNTED_UNTIL}, and customers are numbered by row. What a "
        "customer spent becomes one order of one product on the last day; features and outcomes "
        "become those of the test. What a mail cost is not known."
    )

    def recognises(self, data: str | Path) -> bool:
        """Whether a file has the columns of the test."""
        return bool(self.files(data))

    def files(self, data: str | Path) -> list[Path]:
        """The files with these columns: the file given, or those of the folder."""
        path = Path(data)
        found = sorted(path.iterdir()) if path.is_dir() else [path]
        return [file for file in found if file.suffix.lower() in SUFFIXES and _fits(file)]

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
        """Write the test, its customers, features and outcomes, and an order for each buyer.

        Raises:
            BadInput: The file is there twice, can't be used, or has no row of the control.
        """
        files = self.files(data)
        if len(files) > 1:
            both = " and ".join(file.name for file in files)
            raise BadInput(f"{data}: the test is there twice ({both}); keep one of them")
        with open_delivery(connection, RAW, files, encoding=settings.encoding) as delivery:
            sifted = sift(connection, RAW, delivery.incoming, time_zone="UTC", rules=RULES)
            write(connection, sifted, target, rows=False, name="experiment_units")
            header = 0 if files[0].suffix.lower() == ".parquet" else 1
            connection.execute(
                "CREATE OR REPLACE TEMP TABLE customers AS SELECT *, __line AS place, "
                f"CAST(__line - {header} AS VARCHAR) AS customer_id FROM ({sifted.accepted})"
            )
        _need_control(connection, files[0])
        accounts = _write(connection, target, sifted)
        return Ingested(accounts, _bridge(accounts["order_lines"]), [*delivery.notes, _nominal()])


def _fits(file: Path) -> bool:
    """Whether a file has the columns that make it this test; a missing other one gets its word."""
    marks = {"history_segment", "segment", *OUTCOMES}
    return len(marks & set(headers_of(file))) >= len(marks) - 1


def _need_control(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    found = connection.execute("SELECT DISTINCT segment FROM customers ORDER BY 1").fetchall()
    names = [name for (name,) in found]
    if CONTROL not in names or len(names) < 2:
        raise BadInput(
            f"{file.name}: column 'segment' names {', '.join(names) or 'nothing'}; a test needs "
            f"{CONTROL!r} and at least one mail: take the publisher's file as it is"
        )


def _write(
    connection: duckdb.DuckDBPyConnection, target: Path, sifted: Sifted
) -> dict[str, TableAccount]:
    """Write all tables; the money of the file stands in the order lines."""
    accounts = {}
    for name, (query, columns) in WRITTEN.items():
        write_declared(connection, TABLES[name], query, columns, target)
        rows = (connection.execute(f"SELECT count(*) FROM ({query})").fetchone() or (0,))[0]
        absent = tuple(c for c in TABLES[name].column_names if c not in ("shop_id", *columns))
        accounts[name] = TableAccount(
            name, sifted.incoming.files, rows, rows, absent_columns=absent
        )
    whole = sifted.account
    units, sold = accounts["experiment_units"], accounts["order_lines"]
    accounts["experiment_units"] = replace(
        units, rows_in=whole.rows_in, quarantined=whole.quarantined, reasons=whole.reasons
    )
    accounts["order_lines"] = replace(
        whole, table="order_lines", accepted=sold.accepted, absent_columns=sold.absent_columns,
        classed={"no_order": Part(whole.accepted - sold.accepted)},
    )  # fmt: skip
    return accounts


def _bridge(account: TableAccount) -> list[BridgeStep]:
    """From the sum of `spend` to net sales."""
    steps = [BridgeStep("raw_total", account.rows_in, account.money_in)]
    if account.rounding:
        steps.append(BridgeStep("rounding", 0, account.rounding))
    if account.quarantined:
        steps.append(BridgeStep("quarantined", account.quarantined, -account.money_quarantined))
    return [*steps, BridgeStep("net_sales", account.accepted, account.money_out)]


def _nominal() -> Note:
    text = (
        f"the file names no days: the test stands at nominal days, assigned on {ASSIGNED} and "
        f"counted until {COUNTED_UNTIL}, on which all its orders stand; customers are row numbers"
    )
    return Note("nominal_days", text, {"assigned": ASSIGNED, "until": COUNTED_UNTIL})
