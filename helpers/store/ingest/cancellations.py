"""Cancellations of Online Retail II linked to the sales they take back.

The export does not say which sale a cancellation belongs to. It is taken to be the latest earlier
one of the same customer, product and price that has pieces left; what then remains is looked for
in the sale before that, and what is found nowhere stays without an order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

Event = tuple[int, int, bool]
Part = tuple[int, int | None, int, int]

_EVENTS = """
    WITH taken_back AS (SELECT DISTINCT customer_id, product_id, price FROM lines
        WHERE kind = 'cancellation' AND customer_id IS NOT NULL),
    moves AS (SELECT customer_id, product_id, price, moment, position, quantity,
        kind = 'cancellation' AS cancels FROM lines
        WHERE kind IN ('sale', 'cancellation'))
    SELECT dense_rank() OVER (ORDER BY customer_id, product_id, price) AS stack,
        position, abs(quantity), cancels
    FROM moves SEMI JOIN taken_back USING (customer_id, product_id, price)
    ORDER BY stack, moment, cancels, position"""
_REST = """
    SELECT position, abs(quantity) FROM lines
    WHERE kind = 'cancellation' AND customer_id IS NULL ORDER BY position"""


def matched(events: Iterable[Event]) -> Iterator[Part]:
    """Link the cancellations of one customer, product and price to its sales, latest first.

    Args:
        events: Position, pieces (above 0) and whether it cancels, in the order of time.

    Yields:
        Cancellation, sale (None where no sale has pieces left), number of the part, pieces.
    """
    open_sales: list[list[int]] = []
    for position, pieces, cancels in events:
        if not cancels:
            open_sales.append([position, pieces])
            continue
        number = 1
        while pieces and open_sales:
            sale = open_sales[-1]
            taken = min(pieces, sale[1])
            yield position, sale[0], number, taken
            pieces, sale[1], number = pieces - taken, sale[1] - taken, number + 1
            if not sale[1]:
                open_sales.pop()
        if pieces:
            yield position, None, number, pieces


def link(connection: duckdb.DuckDBPyConnection) -> None:
    """Make table `parts` (cancellation, sale, number, quantity) from table `lines`."""
    import pyarrow as pa

    found: list[Part] = []
    events = connection.execute(_EVENTS).fetchall()
    for _, stack in groupby(events, key=lambda event: event[0]):
        found.extend(matched((position, pieces, cancels) for _, position, pieces, cancels in stack))
    found.extend((p, None, 1, pieces) for p, pieces in connection.execute(_REST).fetchall())
    names = ("cancellation", "sale", "number", "quantity")
    columns = [pa.array(column, pa.int64()) for column in zip(*found, strict=True)] or [
        pa.array([], pa.int64()) for _ in names
    ]
    parts = pa.table(dict(zip(names, columns, strict=True)))
    connection.register("parts_found", parts)
    connection.execute("CREATE OR REPLACE TEMP TABLE parts AS SELECT * FROM parts_found")
    connection.unregister("parts_found")
