"""Rows that break a rule are set aside with the reason; what is left is the canonical table.

One sieve for every source: casts, empty cells, smallest and allowed values, keys, references.
Rows in = accepted + quarantined, and the money of both adds up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.store.columns import DUCKDB_TYPES, MONEY, Column, Table
from helpers.store.ingest.casts import NO_TYPE, cast, delivered_name
from helpers.store.ingest.source import TableAccount, literal, quoted, tidy

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Incoming:
    """Rows as delivered.

    Attributes:
        files: Names of the files.
        relation: SQL of the rows: the delivered columns, `__file` and `__line`.
        types: DuckDB type of each delivered column, by canonical name.
        unreadable: SQL of lines that are no rows at all: `file`, `line`, `reason`, `row`.
    """

    files: tuple[str, ...]
    relation: str
    types: Mapping[str, str]
    unreadable: str | None = None


@dataclass(frozen=True)
class Sifted:
    """One table's rows, judged.

    Attributes:
        table: The declaration.
        incoming: The rows as delivered.
        judged: SQL of all rows: the table's columns, `__file`, `__line`, `reason`, money.
        set_aside: Temporary table of rows set aside: `__file`, `__line`, `reason`, `money`.
        account: Rows and money in, accepted, set aside.
    """

    table: Table
    incoming: Incoming
    judged: str
    set_aside: str
    account: TableAccount

    @property
    def accepted(self) -> str:
        """SQL of the accepted rows: the table's columns, `__file`, `__line`, money."""
        return _accepted(self.judged, self.set_aside, self.account.quarantined > 0)

    @property
    def keys_set_aside(self) -> str:
        """SQL of the keys of the rows set aside."""
        keys = ", ".join(map(quoted, self.table.key))
        return (
            f"SELECT {keys} FROM ({self.judged}) SEMI JOIN {self.set_aside} USING (__file, __line)"
        )


@dataclass(frozen=True)
class Parent:
    """What references are held against: SQL of the keys accepted, and of those set aside."""

    key: tuple[str, ...]
    accepted: str
    set_aside: str


def control_columns(table: Table) -> list[str]:
    """Money columns whose sum is the table's control total: the required ones, or all."""
    money = [column for column in table.columns if column.type == MONEY]
    return [column.name for column in [c for c in money if c.required] or money]


def sift(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    incoming: Incoming,
    *,
    time_zone: str,
    parents: Mapping[str, Parent] | None = None,
    rules: Sequence[tuple[str, str]] = (),
) -> Sifted:
    """Judge every row of one table.

    Args:
        connection: Temporary tables are made in it.
        table: The declaration.
        incoming: The rows as delivered.
        time_zone: The store's zone, for times that carry one.
        parents: Tables judged before, for references.
        rules: Further conditions on cast values under which a row is set aside, and reasons.

    Raises:
        BadInput: A delivered column has a type that can't be read.
    """
    judged = _judged(table, incoming, time_zone, rules)
    set_aside = quoted(f"set_aside_{table.name}")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {set_aside} "
        "(__file VARCHAR, __line BIGINT, reason VARCHAR, money DECIMAL(38,8))"
    )
    totals = connection.execute(
        "SELECT count(*), count(reason), coalesce(sum(__money), 0), coalesce(sum(__kept), 0) "
        f"FROM ({judged})"
    ).fetchone()
    rows, bad, money_in, money_out = totals or (0, 0, Decimal(0), Decimal(0))
    if bad:
        connection.execute(
            f"INSERT INTO {set_aside} SELECT __file, __line, reason, __money FROM ({judged}) "
            "WHERE reason IS NOT NULL"
        )
    bad += _repeated(connection, table, incoming, _accepted(judged, set_aside, bad), set_aside)
    bad += _orphaned(connection, table, _accepted(judged, set_aside, bad), set_aside, parents or {})
    account = TableAccount(
        table=table.name,
        files=incoming.files,
        rows_in=rows,
        accepted=rows,
        money_in=tidy(money_in),
        money_out=tidy(money_out),
        rounding=tidy(money_out - money_in),
        absent_columns=tuple(n for n in table.column_names if n not in incoming.types),
    )
    sifted = Sifted(table, incoming, judged, set_aside, account)
    return _settled(connection, sifted) if bad or incoming.unreadable else sifted


def set_aside_more(
    connection: duckdb.DuckDBPyConnection, sifted: Sifted, condition: str, reason: str
) -> Sifted:
    """Set aside accepted rows for which an SQL condition holds that no declaration says."""
    found = connection.execute(
        f"INSERT INTO {sifted.set_aside} SELECT __file, __line, {literal(reason)}, __money "
        f"FROM ({sifted.accepted}) WHERE {condition}"
    ).fetchone()
    return _settled(connection, sifted) if found and found[0] else sifted


def _settled(connection: duckdb.DuckDBPyConnection, sifted: Sifted) -> Sifted:
    """The account brought up to date; lines that are no rows count among the quarantined."""
    aside = f"SELECT reason, __line FROM {sifted.set_aside}"
    judged = _one(connection, f"SELECT count(*) FROM ({sifted.judged})")
    broken = sifted.incoming.unreadable
    if broken:
        aside += f" UNION ALL SELECT reason, line FROM ({broken})"
    reasons: dict[str, int] = dict(
        connection.execute(
            f"SELECT reason, count(*) FROM ({aside}) GROUP BY 1 ORDER BY 2 DESC, 1"
        ).fetchall()
    )
    rows = judged + (_one(connection, f"SELECT count(*) FROM ({broken})") if broken else 0)
    quarantined = sum(reasons.values())
    accepted = _accepted(sifted.judged, sifted.set_aside, quarantined)
    money_out = _one(connection, f"SELECT coalesce(sum(__kept), 0) FROM ({accepted})")
    aside_money = _one(connection, f"SELECT coalesce(sum(money), 0) FROM {sifted.set_aside}")
    account = replace(
        sifted.account,
        rows_in=rows,
        accepted=rows - quarantined,
        quarantined=quarantined,
        money_out=tidy(money_out),
        money_quarantined=tidy(aside_money),
        rounding=tidy(money_out + aside_money - sifted.account.money_in),
        reasons=reasons,
    )
    return replace(sifted, account=account)


def _accepted(judged: str, set_aside: str, any_aside: int) -> str:
    if not any_aside:
        return judged
    return f"SELECT * FROM ({judged}) ANTI JOIN {set_aside} USING (__file, __line)"


def write(
    connection: duckdb.DuckDBPyConnection,
    sifted: Sifted,
    target: Path,
    *,
    rows: bool = True,
    name: str | None = None,
) -> None:
    """Write `<target>/<table>.parquet` and, where there is any, the table's quarantine.

    Args:
        connection: The one that sifted.
        sifted: The judged rows.
        target: A folder.
        rows: Whether to write the accepted rows; else the quarantine alone.
        name: Name of the quarantine, where the rows become another table.
    """
    table = sifted.table
    if rows:
        columns = ", ".join(map(quoted, table.column_names))
        to_parquet(
            connection, f"SELECT {columns} FROM ({sifted.accepted})",
            target / f"{table.name}.parquet", joined=sifted.account.quarantined > 0,
        )  # fmt: skip
    if sifted.account.quarantined:
        (target / "quarantine").mkdir(exist_ok=True)
        path = target / "quarantine" / f"{name or table.name}.parquet"
        to_parquet(connection, _quarantine(sifted), path)


def write_declared(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    query: str,
    has: tuple[str, ...],
    target: Path,
) -> None:
    """Write `<target>/<table>.parquet` from a query that has some of the table's columns."""
    columns = []
    for column in table.columns:
        kind = DUCKDB_TYPES[column.type]
        default = "NULL" if column.default is None else literal(column.default)
        value = f"CAST({quoted(column.name) if column.name in has else default} AS {kind})"
        columns.append(f"{value} AS {quoted(column.name)}")
    to_parquet(
        connection, f"SELECT {', '.join(columns)} FROM ({query})", target / f"{table.name}.parquet"
    )


def to_parquet(
    connection: duckdb.DuckDBPyConnection, query: str, path: Path, *, joined: bool = False
) -> None:
    """Stream a query into one Parquet file, rows in the order of the input.

    Args:
        connection: The one that can run the query.
        query: SQL.
        path: The file.
        joined: The query joins, and several threads would put its rows in a chance order.
    """
    threads = _one(connection, "SELECT current_setting('threads')")
    connection.execute("SET preserve_insertion_order = true")
    if joined:
        connection.execute("SET threads = 1")
    try:
        connection.execute(f"COPY ({query}) TO {literal(path)} (FORMAT parquet, COMPRESSION zstd)")
    finally:
        connection.execute(f"SET threads = {threads}")


def _quarantine(sifted: Sifted) -> str:
    """SQL of a table's quarantine: `file`, `line`, `reason`, `row` (as delivered, JSON)."""
    delivered = ", ".join(
        f"{quoted(name)} := CAST({quoted(name)} AS VARCHAR)" for name in sifted.incoming.types
    )
    query = (
        f"SELECT __file AS file, __line AS line, reason, "
        f"CAST(to_json(struct_pack({delivered})) AS VARCHAR) AS row "
        f"FROM ({sifted.incoming.relation}) JOIN {sifted.set_aside} USING (__file, __line)"
    )
    if sifted.incoming.unreadable:
        query += f" UNION ALL SELECT file, line, reason, row FROM ({sifted.incoming.unreadable})"
    return f"SELECT * FROM ({query}) ORDER BY file, line"


def _judged(
    table: Table, incoming: Incoming, time_zone: str, rules: Sequence[tuple[str, str]]
) -> str:
    """SQL of all rows with their values cast, `reason` (NULL where all is well) and money.

    Three layers, so that each cast is worked out once: as delivered, cast, judged.
    """
    where = incoming.files[0] if incoming.files else table.name
    casts = {
        column.name: cast(
            column, incoming.types.get(column.name, NO_TYPE), where=where, time_zone=time_zone
        )
        for column in table.columns
    }
    faults = [
        (condition, f"{column.name} {what}")
        for column in table.columns
        if column.name in incoming.types
        for condition, what in (*casts[column.name].faults, *_rules(column))
    ]
    cases = " ".join(f"WHEN {when} THEN {literal(what)}" for when, what in (*faults, *rules))
    reason = f"CASE {cases} END" if cases else "CAST(NULL AS VARCHAR)"
    control = [name for name in control_columns(table) if name in incoming.types]
    measured = " + ".join(f"coalesce({casts[name].measured}, 0)" for name in control) or "0"
    kept = " + ".join(f"coalesce({quoted(name)}, 0)" for name in control) or "0"
    columns = ", ".join(map(_filled, table.columns))
    cast_columns = ", ".join(f"{read.value} AS {quoted(name)}" for name, read in casts.items())
    delivered = ", ".join(f"{quoted(n)} AS {delivered_name(n)}" for n in incoming.types)
    return (
        f"SELECT {columns}, __file, __line, {reason} AS reason, __money, "
        f"{kept} AS __kept FROM ("
        f"SELECT {cast_columns}, *, {measured} AS __money FROM ("
        f"SELECT {delivered}, __file, __line FROM ({incoming.relation})))"
    )


def _filled(column: Column) -> str:
    """A cast column with its default where it is empty."""
    name, default = quoted(column.name), column.default
    if default is None:
        return name
    plain = literal(default) if isinstance(default, str) else str(default).lower()
    return f"coalesce({name}, {plain}) AS {name}"


def _rules(column: Column) -> list[tuple[str, str]]:
    """Conditions under which a cast value breaks the declaration."""
    value = quoted(column.name)
    rules = []
    if not column.nullable and column.default is None:
        rules.append((f"{value} IS NULL", "is empty"))
    if column.minimum is not None:
        rules.append((f"{value} < {column.minimum}", f"is below {column.minimum}"))
    if column.values:
        allowed = ", ".join(map(literal, column.values))
        rules.append((f"{value} NOT IN ({allowed})", f"is none of {', '.join(column.values)}"))
    return rules


def _repeated(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    incoming: Incoming,
    clean: str,
    set_aside: str,
) -> int:
    """Set aside rows whose key stands more than once; of rows alike the first is kept.

    Hashes first: where they all differ, so do the keys, and nothing is sorted or compared.
    """
    keys = [quoted(name) for name in table.key if name in incoming.types]
    if not keys:
        return 0
    key = ", ".join(keys)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE __twice AS SELECT hash({key}) AS h "
        f"FROM ({clean}) GROUP BY h HAVING count(*) > 1"
    )
    if not _one(connection, "SELECT count(*) FROM __twice"):
        return 0
    whole = ", ".join(quoted(column.name) for column in table.columns)
    first = f"PARTITION BY {key} ORDER BY __file, __line"
    differ = literal(f"key {', '.join(table.key)} stands on rows that differ")
    reason = (
        f"CASE WHEN alike > 1 THEN {differ} "
        "WHEN number > 1 THEN 'repeats an earlier row in full' END"
    )
    found = connection.execute(
        f"INSERT INTO {set_aside} SELECT __file, __line, {reason} AS reason, __money FROM ("
        f"SELECT __file, __line, __money, row_number() OVER ({first}) AS number, "
        f"count(DISTINCT row({whole})) OVER (PARTITION BY {key}) AS alike "
        f"FROM ({clean}) WHERE hash({key}) IN (SELECT h FROM __twice)"
        ") WHERE alike > 1 OR number > 1"
    ).fetchone()
    return int(found[0]) if found else 0


def _orphaned(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    clean: str,
    set_aside: str,
    parents: Mapping[str, Parent],
) -> int:
    """Set aside rows whose parent was not delivered or stands in quarantine itself."""
    lost = 0
    for column, parent in table.references.items():
        if parent not in parents:
            continue
        on = ", ".join(map(quoted, parents[parent].key))
        reason = f"{column} stands in no accepted row of {parent}"
        aside = f"{column} names a row of {parent} that is in quarantine"
        found = connection.execute(
            f"INSERT INTO {set_aside} SELECT __file, __line, "
            f"CASE WHEN known THEN {literal(aside)} ELSE {literal(reason)} END, __money "
            f"FROM (SELECT * FROM ({clean}) ANTI JOIN ({parents[parent].accepted}) USING ({on})) "
            f"LEFT JOIN (SELECT DISTINCT {on}, true AS known "
            f"FROM ({parents[parent].set_aside})) USING ({on})"
        ).fetchone()
        lost += int(found[0]) if found else 0
    return lost


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    found = connection.execute(query).fetchone()
    return found[0] if found else None
