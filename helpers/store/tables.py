"""Canonical tables as they were known at the end of a day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from helpers.store.schema import TABLES

if TYPE_CHECKING:
    import ibis.expr.types as ir


def as_known_on(table: ir.Table, name: str, as_of: date) -> ir.Table:
    """A canonical table without what happened after `as_of`.

    Rows whose `dated_by` lies later are left out; columns whose `known_at` lies later are
    emptied. A row without a date is kept: the source does not say when it came into being.
    """
    import ibis

    declared = TABLES[name]
    end = datetime.combine(as_of + timedelta(days=1), time.min)

    def limit(column: str) -> ibis.Value:
        return ibis.literal(as_of + timedelta(days=1) if _is_date(name, column) else end)

    if declared.dated_by:
        dated = table[declared.dated_by]
        table = table.filter(dated.isnull() | (dated < limit(declared.dated_by)))
    hidden = {
        column.name: ibis.cases(
            (table[column.known_at] < limit(column.known_at), table[column.name]),
            else_=ibis.null(table[column.name].type()),
        )
        for column in declared.columns
        if column.known_at
    }
    return table.mutate(**hidden) if hidden else table


def _is_date(table: str, column: str) -> bool:
    return TABLES[table].column(column).type == "date"
