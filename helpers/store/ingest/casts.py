"""From a column as delivered to its declared type, as SQL: the value, and what is wrong with it.

Nothing is guessed: text is cast only where it has the declared form, numbers only where no digit
is lost. A value that can't be had is NULL, and one of the faults says why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from helpers.store.columns import DUCKDB_TYPES, MONEY, UNIT_PRICE, Column
from helpers.store.errors import BadInput
from helpers.store.ingest.source import literal, quoted

WHOLE = r"[+-]?\d{1,18}(\.0+)?"
DECIMAL = r"[+-]?\d{1,16}(\.\d*)?"
FLOAT = r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?"
DAY = r"\d{4}-\d{2}-\d{2}( 00:00(:00(\.0+)?)?)?"
TIME = r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?"
TRUTH = ("true", "t", "1", "yes")
FALSEHOOD = ("false", "f", "0", "no")
TOLERANCE = "0.000001"
NO_TYPE = "NULL"
FIRST_DAY, LAST_DAY = "1990-01-01", "2199-12-31"
_FAMILIES = {
    "string": {"text", "whole", "decimal", "float"},
    "int64": {"text", "whole", "decimal", "float"},
    "float64": {"text", "whole", "decimal", "float"},
    "boolean": {"text", "boolean", "whole"},
    "date": {"text", "date", "timestamp", "zoned"},
    "timestamp": {"text", "date", "timestamp", "zoned"},
    MONEY: {"text", "whole", "decimal", "float"},
    UNIT_PRICE: {"text", "whole", "decimal", "float"},
}


@dataclass(frozen=True)
class Cast:
    """SQL of a value in its declared type, of its faults (condition, what is wrong), of its sum.

    Faults may name the delivered column and the value, which stands under the column's name.
    `measured` is the value as delivered, as far as it is a number: what control totals add up.
    """

    value: str
    faults: tuple[tuple[str, str], ...] = ()
    measured: str = "NULL"


def family(delivered: str) -> str:
    """What kind of DuckDB type a delivered column has."""
    if delivered in ("VARCHAR",) or delivered.startswith("ENUM"):
        return "text"
    if re.fullmatch(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?", delivered):
        return "whole"
    if delivered.startswith("DECIMAL"):
        return "decimal"
    if delivered == "TIMESTAMP WITH TIME ZONE":
        return "zoned"
    if delivered.startswith("TIMESTAMP"):
        return "timestamp"
    known = {"FLOAT": "float", "DOUBLE": "float", "DATE": "date", "BOOLEAN": "boolean"}
    return known.get(delivered, delivered)


def fits(column: Column, delivered: str) -> bool:
    """Whether values of a delivered type can be values of the column at all."""
    return family(delivered) in _FAMILIES[column.type]


def delivered_name(name: str) -> str:
    """The SQL name under which a delivered column stands beside its cast."""
    return quoted(f"delivered {name}")


def cast(column: Column, delivered: str, *, where: str, time_zone: str) -> Cast:
    """How to read one column that was delivered as a DuckDB type.

    Args:
        column: The declaration.
        delivered: DuckDB's name of the type in the file.
        where: File or table, for the message.
        time_zone: The store's zone, into which times that carry a zone are converted.

    Raises:
        BadInput: No value of the delivered type can be one of the declared type.
    """
    kind = family(delivered)
    if delivered == NO_TYPE:
        return Cast(f"CAST(NULL AS {DUCKDB_TYPES[column.type]})")
    if not fits(column, delivered):
        raise BadInput(
            f"{where}: column {column.name!r} is of type {delivered}; it must be "
            f"{column.type} or text; convert it and run again"
        )
    name, value = delivered_name(column.name), quoted(column.name)
    if column.type in (MONEY, UNIT_PRICE):
        return _decimal(name, value, kind, 2 if column.type == MONEY else 4, delivered)
    reader = {
        "string": _string, "int64": _whole, "float64": _float, "boolean": _boolean,
        "date": _date, "timestamp": _timestamp,
    }[column.type]  # fmt: skip
    return reader(name, value, kind, time_zone)


def _string(name: str, value: str, kind: str, zone: str) -> Cast:
    if kind == "text":
        fault = (f"contains({name}, chr(0))", "holds a NUL byte")
        return Cast(f"nullif(CAST({name} AS VARCHAR), '')", (fault,))
    if kind == "float":
        whole = f"CASE WHEN {_is_whole(name)} THEN CAST(CAST({name} AS BIGINT) AS VARCHAR) END"
        return Cast(whole, ((_lost(name, value, kind), "is no whole number"),))
    return Cast(f"CAST({name} AS VARCHAR)")


def _lost(name: str, value: str, kind: str) -> str:
    """Whether something was delivered that could not be cast."""
    if kind == "text":
        return f"{value} IS NULL AND {name} <> ''"
    if kind == "float":
        return f"{value} IS NULL AND NOT isnan({name})"
    return f"{value} IS NULL AND {name} IS NOT NULL"


def _formed(name: str, pattern: str, then: str) -> str:
    return f"CASE WHEN regexp_full_match({name}, {literal(pattern)}) THEN {then} END"


def _is_whole(name: str) -> str:
    return f"abs({name}) < 9007199254740992 AND {name} = trunc({name})"


def _whole(name: str, value: str, kind: str, zone: str) -> Cast:
    if kind == "text":
        sql = _formed(name, WHOLE, f"TRY_CAST({name} AS BIGINT)")
    elif kind == "whole":
        sql = f"TRY_CAST({name} AS BIGINT)"
    else:
        sql = f"CASE WHEN {_is_whole(name)} THEN CAST({name} AS BIGINT) END"
    return Cast(sql, ((_lost(name, value, kind), "is no whole number"),))


def _float(name: str, value: str, kind: str, zone: str) -> Cast:
    if kind == "text":
        sql = _formed(name, FLOAT, f"TRY_CAST({name} AS DOUBLE)")
    else:
        plain = f"CAST({name} AS DOUBLE)"
        sql = f"CASE WHEN isfinite({plain}) THEN {plain} END"
    return Cast(sql, ((_lost(name, value, kind), "is no number"),))


def _decimal(name: str, value: str, kind: str, scale: int, delivered: str) -> Cast:
    """Money and prices: `scale` digits after the point, further ones only as float noise."""
    target = f"DECIMAL(18,{scale})"
    if kind == "decimal" and delivered == target:
        return Cast(name, measured=name)
    if kind == "float":
        exact, finer = f"TRY_CAST({name} AS {target})", f"abs({name} - round({name}, {scale}))"
    else:
        exact = f"TRY_CAST({name} AS DECIMAL(18,6))"
        exact = _formed(name, DECIMAL, exact) if kind == "text" else exact
        finer = f"abs({exact} - {value})"
    faults = (
        (_lost(name, value, kind), "is no amount such as 1234.50"),
        (f"{value} IS NOT NULL AND {finer} > {TOLERANCE}", f"has more than {scale} decimals"),
    )
    return Cast(f"TRY_CAST({exact} AS {target})", faults, exact)


def _boolean(name: str, value: str, kind: str, zone: str) -> Cast:
    if kind == "boolean":
        return Cast(name)
    text = f"lower(CAST({name} AS VARCHAR))"
    yes, no = (", ".join(map(literal, words)) for words in (TRUTH, FALSEHOOD))
    sql = f"CASE WHEN {text} IN ({yes}) THEN true WHEN {text} IN ({no}) THEN false END"
    return Cast(sql, ((_lost(name, value, kind), "is neither true nor false"),))


def _date(name: str, value: str, kind: str, zone: str) -> Cast:
    if kind == "date":
        return Cast(name, (_outside(value),))
    if kind == "text":
        sql = _formed(name, DAY, f"TRY_CAST(left({name}, 10) AS DATE)")
        return Cast(sql, ((_lost(name, value, kind), "is no date YYYY-MM-DD"), _outside(value)))
    moment = _moment(name, kind, zone)
    wrong = (f"{moment} <> {value}", "has a time of day, and must be a date")
    return Cast(f"CAST({moment} AS DATE)", (wrong, _outside(value)))


def _timestamp(name: str, value: str, kind: str, zone: str) -> Cast:
    if kind == "text":
        sql = _formed(name, TIME, f"TRY_CAST({name} AS TIMESTAMP)")
        wrong = (_lost(name, value, kind), "is no time YYYY-MM-DD HH:MM:SS")
        return Cast(sql, (wrong, _outside(value)))
    return Cast(f"CAST({_moment(name, kind, zone)} AS TIMESTAMP)", (_outside(value),))


def _moment(name: str, kind: str, zone: str) -> str:
    return f"timezone({literal(zone)}, {name})" if kind == "zoned" else name


def _outside(value: str) -> tuple[str, str]:
    span = f"{value} NOT BETWEEN TIMESTAMP '{FIRST_DAY}' AND TIMESTAMP '{LAST_DAY}'"
    return span, f"lies outside {FIRST_DAY} to {LAST_DAY}"
