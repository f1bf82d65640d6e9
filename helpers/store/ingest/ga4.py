"""GA4 alone: where a shop brings no orders, its purchase events become orders and lines.

GA4 is no accounting: it misses people who did not agree to be measured and orders whose last page
was never shown, and knows neither costs nor, mostly, refunds. A note on the quality page says so.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.store.errors import BadInput
from helpers.store.ingest import bridges, ga4_events, ga4_sessions
from helpers.store.ingest.ga4_events import value_or_null
from helpers.store.ingest.source import Ingested, Note, Part, SourceDefaults, TableAccount, tidy
from helpers.store.quarantine import Incoming, sift, write, write_declared
from helpers.store.schema import TABLES

if TYPE_CHECKING:
    import duckdb

    from helpers.store.settings import StoreSettings

SHOP = "main"
_BOUGHT = """
    CREATE OR REPLACE TEMP TABLE ga4_bought AS
    SELECT * EXCLUDE (nth) FROM (
        SELECT *, row_number() OVER (PARTITION BY transaction_id ORDER BY place) AS nth
        FROM ga4_events WHERE event_name = 'purchase' AND {transaction} IS NOT NULL)
    WHERE nth = 1"""
_ORDERS = """
    CREATE OR REPLACE TEMP TABLE ga4_orders AS
    SELECT transaction_id AS order_id, coalesce(user_id, bought.visitor_id) AS customer_id,
        happened_at AS created_at, happened_at AS paid_at, channel,
        CAST(coalesce(ecommerce.shipping_value, 0) AS DECIMAL(18,2)) AS shipping_charged,
        bought.__file, row_number() OVER (ORDER BY bought.place) AS __line
    FROM ga4_bought AS bought LEFT JOIN ga4_visits AS visits
        ON visits.visitor_id = bought.visitor_id AND visits.session = bought.session"""
_ITEMS = """
    CREATE OR REPLACE TEMP TABLE ga4_items AS
    SELECT transaction_id AS order_id, CAST(nth AS VARCHAR) AS line_id, nth,
        coalesce({item_id}, {item_name}, '(not set)') AS product_id, {item_name} AS name,
        {category} AS category, coalesce(item.quantity, 1) AS quantity,
        CAST(item.price AS DECIMAL(18,4)) AS list_price,
        CAST(coalesce(item.item_revenue, item.price * coalesce(item.quantity, 1), revenue, 0)
            AS DECIMAL(18,2)) AS money,
        CAST(revenue AS DECIMAL(18,2)) AS revenue, happened_at, __file
    FROM (
        SELECT transaction_id, happened_at, ecommerce.purchase_revenue AS revenue, __file,
            unnest(CASE WHEN len(items) > 0 THEN items ELSE [NULL] END) AS item,
            generate_subscripts(CASE WHEN len(items) > 0 THEN items ELSE [NULL] END, 1) AS nth
        FROM ga4_bought)"""
_LINES = """
    CREATE OR REPLACE TEMP TABLE ga4_lines AS
    WITH sums AS (SELECT order_id, sum(money) AS total FROM ga4_items GROUP BY 1),
    shares AS (
        SELECT *, CASE WHEN revenue > 0 AND revenue < total
            THEN CAST(floor(money * revenue / total * 100) / 100 AS DECIMAL(18,2))
            ELSE money END AS share
        FROM ga4_items JOIN sums USING (order_id)),
    kept AS (SELECT *, sum(share) OVER (PARTITION BY order_id) AS shared,
        row_number() OVER (PARTITION BY order_id ORDER BY money DESC, nth) AS by_size FROM shares)
    SELECT order_id, line_id, product_id, quantity, list_price,
        share + CASE WHEN by_size = 1 AND revenue > 0 AND revenue < total
            THEN revenue - shared ELSE 0 END AS buyer_paid,
        money - buyer_paid AS merchant_discount, money, __file,
        row_number() OVER (ORDER BY happened_at, order_id, nth) AS __line
    FROM kept"""
_PRODUCTS = """
    SELECT product_id, arg_max(name, row(happened_at, order_id, nth)) FILTER (name IS NOT NULL)
        AS name, arg_max(category, row(happened_at, order_id, nth))
        FILTER (category IS NOT NULL) AS category
    FROM ga4_items GROUP BY 1 ORDER BY 1"""


class Ga4:
    """The source `ga4`: events alone, without a shop's own orders."""

    name = "ga4"
    defaults = SourceDefaults("USD", "UTC")
    headers = "files events_YYYYMMDD of Google Analytics 4, with no orders beside them"
    about = (
        "Events of Google Analytics 4 alone (see `ga4` below): purchases become orders and lines, "
        "a repeated `transaction_id` counts once, and the buyer is `user_id`, else "
        "`user_pseudo_id`. GA4 is no accounting: bring the shop's orders where you can. Write "
        "currency and time zone into `store.toml`."
    )

    def recognises(self, data: str | Path) -> bool:
        """Whether there are files of events."""
        return bool(self.files(data))

    def files(self, data: str | Path) -> list[Path]:
        """The files of events."""
        if str(data).startswith("env:"):
            return []
        path = Path(data)
        if path.is_dir():
            return ga4_events.event_files(path)
        return [path] if ga4_events.is_events(path) else []

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
        """Write orders, lines, products, visits and traffic.

        Raises:
            BadInput: There is no purchase, or its money is in another currency.
        """
        currency = settings.currency or self.defaults.currency
        zone = settings.time_zone or self.defaults.time_zone
        files = self.files(data)
        folder = Path(data) if Path(data).is_dir() else Path(data).parent
        delivered, twice, notes = ga4_events.load(connection, files, folder, zone)
        labels = tuple(str(path.relative_to(folder)) for path in files)
        _same_currency(connection, labels, currency)
        spend = target if (target / "ad_spend.parquet").exists() else None
        ga4_sessions.build(connection, SHOP, spend)
        accounts, more = ga4_sessions.write(connection, target, labels, delivered, twice, {})
        accounts.update(_orders(connection, target, labels, zone))
        steps = bridges.to_net_sales(connection, target, accounts)
        remarks = [*notes, *more, *_remarks(connection, settings, zone)]
        return Ingested(accounts, steps, remarks)


def _same_currency(
    connection: duckdb.DuckDBPyConnection, labels: tuple[str, ...], currency: str
) -> None:
    found = [
        row[0]
        for row in connection.execute(
            "SELECT DISTINCT upper(currency) FROM ga4_events WHERE event_name = 'purchase' "
            "AND currency <> '' ORDER BY 1"
        ).fetchall()
    ]
    if other := [one for one in found if one != currency]:
        several = len(found) > 1
        step = (
            "GA4 alone can't add amounts of several currencies: bring the shop's own orders"
            if several
            else f'write currency = "{other[0]}" into store.toml beside the events'
        )
        raise BadInput(
            f"{labels[0]}: purchases are in {', '.join(found)}, and the store's currency is "
            f"{currency}; {step}"
        )


def _orders(
    connection: duckdb.DuckDBPyConnection, target: Path, labels: tuple[str, ...], zone: str
) -> dict[str, TableAccount]:
    """Write orders, lines and products of the purchases."""
    connection.execute(_BOUGHT.format(transaction=value_or_null("transaction_id")))
    connection.execute(_ORDERS)
    connection.execute(
        _ITEMS.format(
            item_id=value_or_null("item.item_id"), item_name=value_or_null("item.item_name"),
            category=value_or_null("item.item_category"),
        )
    )  # fmt: skip
    connection.execute(_LINES)
    accounts = {
        "orders": _sifted(connection, target, labels, zone, "orders", "ga4_orders"),
        "order_lines": _sifted(connection, target, labels, zone, "order_lines", "ga4_lines"),
    }
    events, unnamed = _row(
        connection,
        "SELECT count(*), count(*) FILTER (transaction_id IS NULL OR "
        f"{value_or_null('transaction_id')} IS NULL) "
        "FROM ga4_events WHERE event_name = 'purchase'",
    )
    taken = accounts["orders"].rows_in
    accounts["orders"] = replace(
        accounts["orders"],
        rows_in=events,
        delivered_twice=events - unnamed - taken,
        classed={"without_transaction_id": Part(unnamed)} if unnamed else {},
    )
    columns = ("product_id", "name", "category")
    write_declared(connection, TABLES["products"], _PRODUCTS, columns, target)
    products = _row(connection, f"SELECT count(*) FROM ({_PRODUCTS})")[0]
    accounts["products"] = TableAccount("products", labels, products, products)
    return accounts


def _sifted(
    connection: duckdb.DuckDBPyConnection,
    target: Path,
    labels: tuple[str, ...],
    zone: str,
    name: str,
    rows: str,
) -> TableAccount:
    """Hold rows made of events against the rules of their table, and write them."""
    types: dict[str, str] = dict(
        connection.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? "
            "ORDER BY column_index", [rows],
        ).fetchall()
    )  # fmt: skip
    known = {column: kind for column, kind in types.items() if column in TABLES[name].column_names}
    incoming = Incoming(labels, f"SELECT * FROM {rows} ORDER BY __line", known)
    sifted = sift(connection, TABLES[name], incoming, time_zone=zone)
    write(connection, sifted, target)
    return sifted.account


def _remarks(
    connection: duckdb.DuckDBPyConnection, settings: StoreSettings, zone: str
) -> list[Note]:
    """What a reader must know of sales that are counted by GA4."""
    orders, unnamed = _row(
        connection,
        "SELECT count(DISTINCT order_id), count(*) FILTER (product_id = '(not set)') "
        "FROM ga4_lines",
    )
    discounts = _row(connection, "SELECT coalesce(sum(merchant_discount), 0) FROM ga4_lines")[0]
    notes = [
        Note(
            "ga4_no_accounting",
            f"The {orders} orders are purchases that GA4 saw; it is no accounting: people who did "
            "not agree to be measured, cancelled orders, refunds and costs are missing",
            {"orders": str(orders)},
        )
    ]
    if settings.time_zone is None:
        text = f"store.toml names no time zone; days and hours are those of {zone}"
        notes.append(Note("ga4_zone", text, {"zone": zone}))
    if unnamed:
        text = f"{unnamed} lines of orders name no product"
        notes.append(Note("ga4_products_unknown", text, {"rows": str(unnamed)}))
    if discounts:
        shown = str(tidy(Decimal(discounts)))
        text = (
            f"Discounts on whole orders ({shown}) are spread over their lines: purchase_revenue "
            "is below the sum of the items"
        )
        notes.append(Note("ga4_discounts_spread", text, {"money": shown}))
    return notes


def _row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    return connection.execute(query).fetchone() or ()
