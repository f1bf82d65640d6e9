"""From all lines delivered to net sales, for tables in the canonical form."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.store.ingest.source import BridgeStep, TableAccount, literal

if TYPE_CHECKING:
    import duckdb

STATES = ("unpaid", "fake", "exchange", "sample", "gift")
_STATES_OF_LINES = """
    WITH odd AS (SELECT shop_id, order_id, CASE WHEN paid_at IS NULL THEN 'unpaid'
            WHEN is_fake THEN 'fake' ELSE kind END AS state
        FROM {orders} WHERE paid_at IS NULL OR is_fake OR kind <> 'sale')
    SELECT coalesce(state, CASE WHEN item_class = 'goods' THEN 'sold' ELSE 'other' END),
        count(*), sum(buyer_paid),
        sum(coalesce(merchant_receivable, buyer_paid + coalesce(platform_subsidy, 0)) - buyer_paid)
    FROM {order_lines} LEFT JOIN odd USING (shop_id, order_id) GROUP BY 1"""
_REFUNDS = """
    WITH odd AS (SELECT shop_id, order_id FROM {orders} WHERE is_fake OR kind <> 'sale')
    SELECT count(*), coalesce(sum(amount), 0)
    FROM {returns} ANTI JOIN odd USING (shop_id, order_id)
    WHERE settled_at IS NOT NULL AND item_class = 'goods'"""


def to_net_sales(
    connection: duckdb.DuckDBPyConnection, target: Path, accounts: Mapping[str, TableAccount]
) -> list[BridgeStep]:
    """The bridge of tables already written to `target`; every step in the store's currency."""
    files = {name: f"read_parquet({literal(target / f'{name}.parquet')})" for name in accounts}
    lines = accounts["order_lines"]
    found = {
        state: (rows, money, extra)
        for state, rows, money, extra in connection.execute(
            _STATES_OF_LINES.format(**files)
        ).fetchall()
    }
    nothing = (0, Decimal(0), Decimal(0))
    steps = [BridgeStep("raw_total", lines.rows_in, lines.money_in)]
    if lines.rounding:
        steps.append(BridgeStep("rounding", 0, lines.rounding))
    steps.append(BridgeStep("quarantined", lines.quarantined, -lines.money_quarantined))
    for state in (*STATES, "other"):
        rows, money, _ = found.get(state, nothing)
        steps.append(BridgeStep("not_goods" if state == "other" else state, rows, -money))
    sold_rows, _, extra = found.get("sold", nothing)
    steps.append(BridgeStep("platform_subsidy", 0, extra))
    refunded, refunds = 0, Decimal(0)
    if "returns" in accounts:
        refunded, refunds = connection.execute(_REFUNDS.format(**files)).fetchone() or (0, refunds)
    steps.append(BridgeStep("refunds", refunded, -refunds))
    total = sum((step.money for step in steps), Decimal(0))
    return [*steps, BridgeStep("net_sales", sold_rows, total)]
