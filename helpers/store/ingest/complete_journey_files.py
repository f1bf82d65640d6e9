"""The files of Complete Journey as they are delivered, read one after the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.store.columns import MONEY, UNIT_PRICE, Column, Table, day, identifier, text
from helpers.store.ingest.delivered import open_delivery
from helpers.store.ingest.source import Note, TableAccount, quoted
from helpers.store.quarantine import Incoming, Parent, Sifted, set_aside_more, sift, write

if TYPE_CHECKING:
    import duckdb

UTC = "UTC"
TRANSACTIONS = Table(
    "transactions",
    "one product in one basket",
    ("basket_id", "product_id"),
    (
        identifier("household_id", "who bought", personal=True),
        Column("store_id", "string", "in which of the chain's stores"),
        identifier("basket_id", "one visit to the till"),
        identifier("product_id", "what was bought, or a coupon"),
        Column("quantity", "int64", "pieces; petrol in thousandths of a gallon", required=True,
               nullable=False, minimum=0),
        Column("sales_value", MONEY, "what the retailer receives", required=True, nullable=False,
               minimum=0),
        # Declared as prices, so that the control total is sales_value alone.
        Column("retail_disc", UNIT_PRICE, "discount of the loyalty card", required=True,
               nullable=False, minimum=0),
        Column("coupon_disc", UNIT_PRICE, "coupon that its manufacturer pays", required=True,
               nullable=False, minimum=0),
        Column("coupon_match_disc", UNIT_PRICE, "the retailer's match of it", required=True,
               nullable=False, minimum=0),
        Column("week", "int64", "week of the year"),
        Column("transaction_timestamp", "timestamp", "when, in UTC", required=True,
               nullable=False),
    ),
    required=True,
)  # fmt: skip
PRODUCTS = Table(
    "products",
    "one product",
    ("product_id",),
    (
        identifier("product_id", "the product"),
        text("manufacturer_id", "who makes it"),
        text("department", "department"),
        text("brand", "National or Private"),
        text("product_category", "group of similar products", required=True),
        text("product_type", "finest group", required=True),
        text("package_size", "size of the package"),
    ),
)
DESCRIPTIONS = Table(
    "campaign_descriptions",
    "one campaign",
    ("campaign_id",),
    (
        identifier("campaign_id", "the campaign"),
        text("campaign_type", "Type A, B or C", required=True),
        day("start_date", "first day", required=True, nullable=False),
        day("end_date", "last day on which its coupons hold", required=True),
    ),
)
MAILINGS = Table(
    "campaigns",
    "one campaign mailed to one household",
    ("campaign_id", "household_id"),
    (
        identifier("campaign_id", "the campaign"),
        identifier("household_id", "to whom", personal=True),
    ),
    references={"household_id": "transactions", "campaign_id": "campaign_descriptions"},
)
REDEMPTIONS = Table(
    "coupon_redemptions",
    "one coupon redeemed by one household on one day",
    ("household_id", "campaign_id", "coupon_upc", "redemption_date"),
    (
        identifier("household_id", "who redeemed", personal=True),
        identifier("coupon_upc", "the coupon"),
        identifier("campaign_id", "the campaign that it came with"),
        day("redemption_date", "when", required=True, nullable=False),
    ),
    references={"household_id": "transactions", "campaign_id": "campaign_descriptions"},
)
BECOMES = {
    "transactions": "order_lines",
    "products": "products",
    "campaign_descriptions": "campaigns",
    "campaigns": "messages",
    "coupon_redemptions": "engagements",
}
"""The canonical table that the rows of each file become, in the order in which they are read."""
FILES = {table.name: table for table in (TRANSACTIONS, PRODUCTS, DESCRIPTIONS, MAILINGS,
                                         REDEMPTIONS)}  # fmt: skip
_REFERRED_TO = {"transactions": "household_id", "campaign_descriptions": "campaign_id"}
_SEVERAL_BUYERS = """basket_id IN (SELECT basket_id FROM ({rows}) GROUP BY 1
    HAVING min(household_id) <> max(household_id)
        OR min(transaction_timestamp) <> max(transaction_timestamp))"""


class Reader:
    """Reads one file after the other into temporary tables `raw_<file>`."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, target: Path, encoding: str | None
    ) -> None:
        """Nothing is read yet."""
        self.connection = connection
        self.target = target
        self.encoding = encoding
        self.accounts: dict[str, TableAccount] = {}
        self.notes: list[Note] = []
        self._parents: dict[str, Parent] = {}

    def read(self, table: Table, files: list[Path]) -> None:
        """Judge one file; its accepted rows stay in a temporary table, empty where it is absent.

        Raises:
            BadInput: The file can't be used.
        """
        if not files:
            columns = ", ".join(f"CAST(NULL AS VARCHAR) AS {quoted(n)}" for n in table.column_names)
            self._keep(table, f"SELECT {columns} WHERE false")
            return
        with open_delivery(self.connection, table, files, encoding=self.encoding) as delivery:
            sifted = sift(
                self.connection, table, _without_zone_mark(delivery.incoming), time_zone=UTC,
                parents=self._parents,
            )  # fmt: skip
            if table is TRANSACTIONS:
                sifted = set_aside_more(
                    self.connection, sifted, _SEVERAL_BUYERS.format(rows=sifted.accepted),
                    "basket_id stands on rows of several households or times",
                )  # fmt: skip
            write(self.connection, sifted, self.target, rows=False, name=BECOMES[table.name])
            self._keep(table, sifted.accepted)
            self._remember(sifted)
        self.accounts[table.name] = sifted.account
        self.notes += delivery.notes

    def _keep(self, table: Table, query: str) -> None:
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE raw_{table.name} AS {query}")

    def _remember(self, sifted: Sifted) -> None:
        """Keep the key that other files refer to, of rows accepted and of rows set aside."""
        name = sifted.table.name
        if (key := _REFERRED_TO.get(name)) is None:
            return
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE aside_{name} AS SELECT DISTINCT {key} "
            f"FROM ({sifted.judged}) SEMI JOIN {sifted.set_aside} USING (__file, __line)"
        )
        self._parents[name] = Parent(
            (key,), f"SELECT DISTINCT {key} FROM raw_{name}", f"SELECT {key} FROM aside_{name}"
        )


def _without_zone_mark(incoming: Incoming) -> Incoming:
    """Rows whose times as text end in Z, as R writes UTC, without it."""
    if incoming.types.get("transaction_timestamp") != "VARCHAR":
        return incoming
    plain = "rtrim(transaction_timestamp, 'Z') AS transaction_timestamp"
    return replace(incoming, relation=f"SELECT * REPLACE ({plain}) FROM ({incoming.relation})")
