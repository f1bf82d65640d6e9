"""Checks of the canonical tables: each says what was found, the rule, and pass, warn or fail.

A failed table is withheld: a section that needs it says so in place of a number. Without orders
and their lines there is no report at all, so little fails those. What a single row may hold is the
quarantine's business; these are rules on tables as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.store.columns import Table
from helpers.store.faults import kind_of
from helpers.store.ingest.source import literal
from helpers.store.schema import TABLES

if TYPE_CHECKING:
    import duckdb

PASS, WARN, FAIL = "pass", "warn", "fail"
STALE_AFTER_DAYS = {
    "traffic_daily": 3, "ad_spend": 3, "orders": 3, "payments": 7, "returns": 14,
    "shipments": 14, "surveys": 100, "stock_levels": 31, "settlements": 31, "costs": 62,
}  # fmt: skip
DAILY = {"traffic_daily": 0.2, "ad_spend": None}
"""Tables with a row a day, and the share of days missing that fails: spend may well pause."""
ORDERED_TIMES = {
    "orders": (("created_at", "paid_at"), ("created_at", "shipped_at")),
    "returns": (("applied_at", "settled_at"),),
    "shipments": (("shipped_at", "delivered_at"),),
    "purchase_orders": (("ordered_at", "received_at"),),
    "messages": (("sent_at", "opened_at"),),
    "invitations": (("invited_at", "accepted_at"),),
    "members": (("joined_at", "left_at"),),
}
FAILS_ABOVE = {True: 0.5, False: 0.05}
"""Share of rows in quarantine that withholds a table, by whether the store needs it."""
FEWEST_TO_FAIL = 20
ASIDE_FOR = {
    "keys": ("repeats", "key_differs"),
    "ranges": ("below", "not_allowed", "outside", "refund_above_paid", "price_below",
               "quantity_below", "quantity_above", "spend_without_conversion"),
    "references": ("parent_absent", "parent_set_aside"),
}  # fmt: skip
"""Checks of the quarantine, and the kinds of faults that each is about."""
SAMPLED_ABOVE_LINES = 2_000_000
SAMPLE_PARTS = 16
NIGHT_HOURS = range(0, 8)
QUIET_SHARE = 0.12


@dataclass(frozen=True)
class Verdict:
    """What one check says about one table.

    Attributes:
        table: The canonical table.
        check: Name of the check; its wording stands in the text catalogues.
        status: `pass`, `warn` or `fail`.
        found: What was found, with its unit.
        rule: What passes.
        columns: Columns it is about.
        values: The numbers and names in `found` and `rule`, for the wording in other languages:
            `rows` and `of` (counts), `share`, `limit` (0 to 1, or days), and names as text.
    """

    table: str
    check: str
    status: str
    found: str
    rule: str
    columns: tuple[str, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)


class _Tables:
    """The Parquet files of a store's tables, asked one aggregate at a time."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self.connection = connection
        self.folder = folder
        self.names = [name for name in TABLES if (folder / f"{name}.parquet").exists()]

    def scan(self, name: str) -> str:
        return f"read_parquet({literal(self.folder / f'{name}.parquet')})"

    def row(self, query: str) -> tuple[Any, ...]:
        return self.connection.execute(query).fetchone() or ()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()


def check(
    connection: duckdb.DuckDBPyConnection, tables_dir: Path, *, today: date | None = None
) -> list[Verdict]:
    """Check every table that is there.

    Args:
        connection: Reads the files.
        tables_dir: Folder with `<table>.parquet` and `quarantine/<table>.parquet`.
        today: The day it is, for dates in the future.

    Returns:
        Verdicts in the order of the tables' declaration.
    """
    tables = _Tables(connection, tables_dir)
    found: list[Verdict] = []
    last_day = _last_day(tables)
    for name in tables.names:
        table = TABLES[name]
        found += _quarantined(tables, table)
        found += _dates(tables, table, last_day, today or date.today())
        found += _months(tables, table)
        found += _order_of_times(tables, table)
        if name in DAILY:
            found += _gaps(tables, table)
    for rule in RULES:
        found += rule(tables)
    return sorted(found, key=lambda verdict: list(TABLES).index(verdict.table))


def _last_day(tables: _Tables) -> date | None:
    if "orders" not in tables.names:
        return None
    return tables.row(f"SELECT CAST(max(paid_at) AS DATE) FROM {tables.scan('orders')}")[0]


def _graded(value: float, warn: float, fail: float | None = None) -> str:
    if fail is not None and value > fail:
        return FAIL
    return WARN if value > warn else PASS


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _share(part: Any, whole: Any) -> float:
    return float(part or 0) / float(whole) if whole else 0.0


def _part(
    table: str,
    check: str,
    part: int,
    whole: int,
    limits: tuple[float, float | None],
    columns: tuple[str, ...],
) -> Verdict:
    """A share of rows against the share from which it warns, and the one from which it fails."""
    share, (warn, fail) = _share(part, whole), limits
    rule = f"<= {_percent(warn)}" + ("" if fail is None else f"; > {fail:.0%}: fail")
    return Verdict(
        table, check, _graded(share, warn, fail), f"{_percent(share)} ({part} / {whole})", rule,
        columns, {"rows": part, "of": whole, "share": share, "limit": warn},
    )  # fmt: skip


def _money_part(
    table: str, check: str, part: Any, whole: Any, limits: tuple[float, float | None], column: str
) -> Verdict:
    """The same for a share of money."""
    share, (warn, fail) = _share(part, whole), limits
    rule = f"<= {_percent(warn)}" + ("" if fail is None else f"; > {fail:.0%}: fail")
    return Verdict(
        table, check, _graded(share, warn, fail), _percent(share), rule, (column,),
        {"share": share, "limit": warn},
    )  # fmt: skip


def _quarantined(tables: _Tables, table: Table) -> Iterator[Verdict]:
    """Share of rows set aside, and how many of them for their key, a range, a reference."""
    rows = tables.row(f"SELECT count(*) FROM {tables.scan(table.name)}")[0]
    path = tables.folder / "quarantine" / f"{table.name}.parquet"
    reasons: dict[str, int] = {}
    if path.exists():
        query = f"SELECT reason, count(*) FROM read_parquet({literal(path)}) GROUP BY 1"
        reasons = dict(tables.rows(query))
    aside = sum(reasons.values())
    share = _share(aside, aside + rows)
    limit = FAILS_ABOVE[table.required] if aside >= FEWEST_TO_FAIL else None
    yield Verdict(
        table.name, "quarantined_rows", _graded(share, 0.001, limit),
        f"{_percent(share)} ({aside} / {aside + rows})",
        f"<= 0.10 %; > {FAILS_ABOVE[table.required]:.0%}: fail",
        values={"rows": aside, "of": aside + rows, "share": share, "limit": 0.001},
    )  # fmt: skip
    kinds: Counter[str] = Counter()
    for reason, count in reasons.items():
        kinds[kind_of(reason)[0]] += count
    for name, about in ASIDE_FOR.items():
        found = sum(kinds[kind] for kind in about)
        yield Verdict(
            table.name, name, WARN if found else PASS, f"{found}", "0",
            table.key if name == "keys" else (), {"rows": found},
        )  # fmt: skip


def _dates(tables: _Tables, table: Table, last_day: date | None, today: date) -> Iterator[Verdict]:
    """Freshness against the store's last day, and rows dated in the future."""
    if not table.dated_by:
        return
    last, future, rows = tables.row(
        f"SELECT CAST(max({table.dated_by}) AS DATE), "
        f"count(*) FILTER ({table.dated_by} >= DATE '{today}' + 1), count({table.dated_by}) "
        f"FROM {tables.scan(table.name)}"
    )
    if last is None:
        return
    columns = (table.dated_by,)
    share = _share(future, rows)
    yield Verdict(
        table.name, "future_dates", _graded(share, 0), f"{future}", "0", columns, {"rows": future}
    )
    limit = STALE_AFTER_DAYS.get(table.name)
    if limit is not None and last_day is not None:
        behind = max((last_day - last).days, 0)
        yield Verdict(
            table.name, "freshness", _graded(behind, limit), f"{behind} d", f"<= {limit} d",
            columns, {"days": behind, "limit": limit},
        )  # fmt: skip


def _months(tables: _Tables, table: Table) -> Iterator[Verdict]:
    """Months whose number of rows is out of all proportion to the months around them."""
    if not table.dated_by:
        return
    found = tables.rows(
        f"SELECT strftime(date_trunc('month', {table.dated_by}), '%Y-%m'), count(*) "
        f"FROM {tables.scan(table.name)} WHERE {table.dated_by} IS NOT NULL GROUP BY 1 ORDER BY 1"
    )
    if len(found) < 7:
        return
    odd = []
    for index in range(1, len(found) - 1):
        around = sorted(rows for _, rows in found[max(index - 3, 0) : index + 4])
        usual = around[len(around) // 2]
        if not usual / 10 <= found[index][1] <= usual * 10:
            odd.append(found[index][0])
    yield Verdict(
        table.name, "breaks", WARN if odd else PASS, ", ".join(odd[:6]) or "0",
        "1/10 .. 10 x median", (table.dated_by,), {"months": ", ".join(odd[:6])},
    )  # fmt: skip


def _order_of_times(tables: _Tables, table: Table) -> Iterator[Verdict]:
    for first, then in ORDERED_TIMES.get(table.name, ()):
        wrong, rows = tables.row(
            f"SELECT count(*) FILTER ({then} < {first}), count({then}) "
            f"FROM {tables.scan(table.name)}"
        )
        share = _share(wrong, rows)
        yield Verdict(
            table.name, "order_of_times", _graded(share, 0, None if table.required else 0.05),
            f"{_percent(share)} ({wrong} / {rows})",
            "0" if table.required else "0; > 5 %: fail", (first, then),
            {"rows": wrong, "of": rows, "share": share, "first": first, "then": then},
        )  # fmt: skip


def _gaps(tables: _Tables, table: Table) -> Iterator[Verdict]:
    """Days without any row between the first and the last."""
    days, span = tables.row(
        "SELECT count(DISTINCT day), date_diff('day', min(day), max(day)) + 1 "
        f"FROM {tables.scan(table.name)}"
    )
    missing, limit = (span or 0) - days, DAILY[table.name]
    yield Verdict(
        table.name, "gaps", _graded(_share(missing, span), 0, limit), f"{missing} d",
        "0 d" if limit is None else f"0 d; > {limit:.0%}: fail", ("day",), {"days": missing},
    )  # fmt: skip


def _customers(tables: _Tables) -> Iterator[Verdict]:
    """Share of paid orders whose buyer is not known."""
    if "orders" not in tables.names:
        return
    unknown, rows = tables.row(
        "SELECT count(*) FILTER (customer_id IS NULL), count(*) "
        f"FROM {tables.scan('orders')} WHERE paid_at IS NOT NULL"
    )
    yield _part("orders", "orders_without_customer", unknown, rows, (0.05, None), ("customer_id",))


def _hours(tables: _Tables) -> Iterator[Verdict]:
    """Whether the quietest six hours are at night: if not, times may be in another zone."""
    if "orders" not in tables.names:
        return
    by_hour = dict(
        tables.rows(
            f"SELECT hour(created_at), count(*) FROM {tables.scan('orders')} "
            "WHERE CAST(created_at AS TIME) <> TIME '00:00:00' GROUP BY 1"
        )
    )
    if sum(by_hour.values()) < 1000:
        return
    windows = {
        start: sum(by_hour.get((start + hour) % 24, 0) for hour in range(6)) for start in range(24)
    }
    quiet = min(windows, key=lambda start: (windows[start], (start - 22) % 24))
    middle = (quiet + 3) % 24
    flat = windows[quiet] > QUIET_SHARE * sum(by_hour.values())
    yield Verdict(
        "orders", "time_zone", PASS if flat or middle in NIGHT_HOURS else WARN,
        f"{quiet:02}:00-{(quiet + 6) % 24:02}:00", "00:00-08:00", ("created_at",),
        {"first": f"{quiet:02}:00", "last": f"{(quiet + 6) % 24:02}:00"},
    )  # fmt: skip


def _amounts(tables: _Tables) -> Iterator[Verdict]:
    """Lines whose list price less discounts is not what the buyer paid."""
    if "order_lines" not in tables.names:
        return
    wrong, rows = tables.row(
        "SELECT count(*) FILTER (abs(list_price * quantity - coalesce(merchant_discount, 0) "
        "- coalesce(shop_coupon, 0) - coalesce(platform_subsidy, 0) - buyer_paid) > 0.05), "
        f"count(list_price) FROM {tables.scan('order_lines')}"
    )
    if not rows:
        return
    columns = ("list_price", "quantity", "merchant_discount", "shop_coupon", "platform_subsidy",
               "buyer_paid")  # fmt: skip
    yield _part("order_lines", "amounts", wrong, rows, (0.001, None), columns)


def _lines_of_orders(tables: _Tables) -> Iterator[Verdict]:
    """Orders without any line."""
    if not {"orders", "order_lines"} <= set(tables.names):
        return
    part = _part_of_orders(tables)
    empty, rows = tables.row(
        "SELECT count(*) FILTER (has IS NULL), count(*) "
        f"FROM (SELECT shop_id, order_id FROM {tables.scan('orders')} WHERE {part}) "
        f"LEFT JOIN (SELECT DISTINCT shop_id, order_id, 1 AS has "
        f"FROM {tables.scan('order_lines')} WHERE {part}) USING (shop_id, order_id)"
    )
    yield _part("orders", "orders_without_lines", empty, rows, (0.001, None), ("order_id",))


def _part_of_orders(tables: _Tables) -> str:
    """A condition that picks a fixed part of the orders of a large store, all of a small one."""
    rows = tables.row(f"SELECT count(*) FROM {tables.scan('order_lines')}")[0]
    return f"hash(order_id) % {SAMPLE_PARTS} = 0" if rows > SAMPLED_ABOVE_LINES else "true"


def _costs(tables: _Tables) -> Iterator[Verdict]:
    """Share of goods sales of products that have no unit cost at all."""
    if not {"order_lines", "price_history"} <= set(tables.names):
        return
    missing, money = tables.row(
        "SELECT sum(paid) FILTER (costed IS NULL), sum(paid) "
        "FROM (SELECT shop_id, product_id, sum(buyer_paid) AS paid "
        f"FROM {tables.scan('order_lines')} WHERE item_class = 'goods' GROUP BY ALL) "
        "LEFT JOIN (SELECT DISTINCT shop_id, product_id, true AS costed "
        f"FROM {tables.scan('price_history')} WHERE unit_cost IS NOT NULL) "
        "USING (shop_id, product_id)"
    )
    yield _money_part("price_history", "missing_cost", missing, money, (0.01, 0.5), "unit_cost")


def _payments(tables: _Tables) -> Iterator[Verdict]:
    """Paid orders whose successful payments are not what their lines and postage come to."""
    if not {"payments", "orders", "order_lines"} <= set(tables.names):
        return
    part = _part_of_orders(tables)
    wrong, rows = tables.row(
        "SELECT count(*) FILTER (abs(paid - due) > 0.05), count(*) FROM ("
        "SELECT shop_id, order_id, coalesce(any_value(shipping_charged), 0) + sum(buyer_paid) "
        f"AS due FROM {tables.scan('orders')} o JOIN {tables.scan('order_lines')} l "
        f"USING (shop_id, order_id) WHERE {part} AND paid_at IS NOT NULL GROUP BY ALL) "
        "JOIN (SELECT shop_id, order_id, sum(amount) AS paid "
        f"FROM {tables.scan('payments')} WHERE {part} AND succeeded AND amount IS NOT NULL "
        "GROUP BY ALL) USING (shop_id, order_id)"
    )
    yield _part("payments", "payments_agree", wrong, rows, (0.005, 0.5), ("amount",))


def _linked_refunds(tables: _Tables) -> Iterator[Verdict]:
    """Share of refunded money that can't be linked to an order."""
    if "returns" not in tables.names:
        return
    loose, money = tables.row(
        "SELECT sum(amount) FILTER (order_id IS NULL), sum(amount) "
        f"FROM {tables.scan('returns')} WHERE item_class = 'goods'"
    )
    yield _money_part("returns", "linked_refunds", loose, money, (0.05, None), "order_id")


def _refunds_of_orders(tables: _Tables) -> Iterator[Verdict]:
    """Refunded orders whose refunds together are more than what was paid for them."""
    if not {"returns", "orders", "order_lines"} <= set(tables.names):
        return
    part = _part_of_orders(tables)
    wrong, rows = tables.row(
        "WITH back AS (SELECT shop_id, order_id, sum(amount) AS back "
        f"FROM {tables.scan('returns')} WHERE order_id IS NOT NULL AND {part} GROUP BY ALL), "
        "paid AS (SELECT shop_id, order_id, sum(buyer_paid + coalesce(platform_subsidy, 0)) "
        f"AS paid FROM {tables.scan('order_lines')} SEMI JOIN back USING (shop_id, order_id) "
        "GROUP BY ALL) "
        "SELECT count(*) FILTER (back > paid + coalesce(shipping_charged, 0)), count(*) "
        f"FROM back JOIN paid USING (shop_id, order_id) "
        f"JOIN {tables.scan('orders')} USING (shop_id, order_id)"
    )
    yield _part("returns", "refunds_within_sales", wrong, rows, (0.001, 0.2), ("amount",))


RULES = (
    _customers, _hours, _amounts, _lines_of_orders, _costs, _payments, _linked_refunds,
    _refunds_of_orders,
)  # fmt: skip
