"""One table `ad_spend` of a shop's own rows and of the reports read beside them.

A campaign's day counts once. Rows and money of everything that was delivered are accounted for:
accepted, set aside, delivered twice, or added up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.store.columns import DUCKDB_TYPES
from helpers.store.errors import BadInput
from helpers.store.ingest.source import NOTHING, Note, Part, TableAccount, literal, quoted
from helpers.store.quarantine import to_parquet
from helpers.store.schema import TABLES

if TYPE_CHECKING:
    import duckdb

SPEND = TABLES["ad_spend"]
FIGURES = ("spend", "impressions", "reach", "clicks", "engagements", "attributed_sales",
           "attributed_conversions")  # fmt: skip
ADDED = tuple(name for name in FIGURES if name != "reach")
KEY = ("day", "channel", "campaign")
_BY_FILE = f"""
    SELECT source, __file, {", ".join(KEY)}, min(__line) AS line, max(days) AS days,
        CASE WHEN count(*) = 1 THEN min(reach) END AS reach,
        {", ".join(f"sum({name} ORDER BY __line) AS {name}" for name in ADDED)}
    FROM exported_spend GROUP BY ALL"""
_RANKED = f"""
    SELECT *, row_number() OVER (best) AS nth, first_value(spend) OVER (best) AS best_spend,
        first_value(days = 1) OVER (best) AS best_daily,
        first_value(through) OVER (best) AS best_through,
        first_value(__file) OVER (best) AS best_file, first_value(line) OVER (best) AS best_line
    FROM spend_by_file JOIN (
        SELECT __file, max(day) AS through FROM exported_spend GROUP BY 1) USING (__file)
    WINDOW best AS (PARTITION BY {", ".join(KEY)} ORDER BY days = 1 DESC, through DESC,
        attributed_conversions DESC NULLS LAST, clicks DESC NULLS LAST, __file)"""


def part(name: str) -> str:
    """Name of the quarantine of one platform's reports, until `finish` puts all together."""
    return f"ad_spend_{name}"


def begin(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the empty table `exported_spend`: rows of reports as `ad_spend`, and their places."""
    columns = [f"{name} {DUCKDB_TYPES[SPEND.column(name).type]}" for name in (*KEY, *FIGURES)]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE exported_spend (source VARCHAR, {', '.join(columns)}, "
        "days BIGINT, __file VARCHAR, __line BIGINT)"
    )


def add(connection: duckdb.DuckDBPyConnection, source: str, query: str) -> int:
    """Add one platform's rows; how many there were."""
    columns = ", ".join((*KEY, *FIGURES, "days", "__file", "__line"))
    found = connection.execute(
        f"INSERT INTO exported_spend SELECT {literal(source)}, {columns} FROM ({query})"
    ).fetchone()
    return int(found[0]) if found else 0


def finish(
    connection: duckdb.DuckDBPyConnection,
    target: Path,
    shop_id: str,
    own: TableAccount | None,
    parts: Sequence[TableAccount],
) -> tuple[TableAccount, list[Note]]:
    """Write `ad_spend` of the shop's own rows and of the best row of each campaign's day.

    Args:
        connection: The one with `exported_spend`.
        target: Folder of the tables, perhaps with an `ad_spend` of the shop's own.
        shop_id: Shop of the reports.
        own: Account of the shop's own table; None where there is none.
        parts: Accounts of the reports.

    Raises:
        BadInput: Two reports, or a report and the table, contradict each other.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE spend_by_file AS {_BY_FILE}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE spend_ranked AS {_RANKED}")
    _refuse_contradictions(connection)
    path = target / "ad_spend.parquet"
    own_rows = f"SELECT * FROM read_parquet({literal(path)})" if own else _no_rows()
    _refuse_other_own_rows(connection, own_rows, shop_id)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE spend_taken AS SELECT * FROM spend_ranked WHERE nth = 1 AND "
        f"({', '.join(KEY)}) NOT IN (SELECT ({', '.join(KEY)}) FROM ({own_rows}) "
        f"WHERE shop_id = {literal(shop_id)})"
    )
    notes = [*_restated(connection), *_perhaps_twice(connection, own_rows)]
    account = _account(connection, own, parts)
    fresh = path.with_suffix(".fresh")
    to_parquet(connection, _all_rows(own_rows, shop_id), fresh, joined=True)
    fresh.replace(path)
    _put_together(connection, target, [part(one.table) for one in parts])
    return account, notes


def _no_rows() -> str:
    columns = [f"CAST(NULL AS {DUCKDB_TYPES[c.type]}) AS {c.name}" for c in SPEND.columns]
    return f"SELECT {', '.join(columns)} WHERE false"


def _all_rows(own_rows: str, shop_id: str) -> str:
    taken = {"shop_id": literal(shop_id), "kind": "'ads'"}
    columns = [
        f"CAST({taken.get(c.name, quoted(c.name))} AS {DUCKDB_TYPES[c.type]}) AS {c.name}"
        for c in SPEND.columns
    ]
    own = ", ".join(SPEND.column_names)
    return (
        f"SELECT {own} FROM ({own_rows}) UNION ALL SELECT {', '.join(columns)} FROM spend_taken "
        f"ORDER BY {', '.join(SPEND.key)}"
    )


def _refuse_contradictions(connection: duckdb.DuckDBPyConnection) -> None:
    """Two reports up to the same day can't both be right about money."""
    found = connection.execute(
        "SELECT best_file, best_line, best_spend, __file, line, spend, campaign, day "
        "FROM spend_ranked WHERE nth > 1 AND spend <> best_spend AND through = best_through "
        "AND (days = 1) = best_daily ORDER BY day, campaign, __file LIMIT 1"
    ).fetchone()
    if found:
        one, line, spent, other, line_of_other, spent_there, campaign, day = found
        raise BadInput(
            f"{one} line {line} and {other} line {line_of_other} differ on campaign {campaign!r} "
            f"of {day}: {spent} and {spent_there}; both reach to the same day, so that none is "
            "known to be the later one: keep the right one"
        )


def _refuse_other_own_rows(
    connection: duckdb.DuckDBPyConnection, own_rows: str, shop_id: str
) -> None:
    """The shop's own table and a report can't both be right about money."""
    found = connection.execute(
        f"SELECT __file, line, r.spend, own.spend, campaign, day FROM spend_ranked r JOIN "
        f"({own_rows}) own USING ({', '.join(KEY)}) WHERE nth = 1 AND r.spend <> own.spend "
        f"AND own.shop_id = {literal(shop_id)} ORDER BY day, campaign LIMIT 1"
    ).fetchone()
    if found:
        file, line, spent, own, campaign, day = found
        raise BadInput(
            f"{file} line {line}: campaign {campaign!r} cost {spent} on {day}, and {own} in the "
            "shop's own ad_spend; the same money counts once: take the campaign out of one of them"
        )


def _restated(connection: duckdb.DuckDBPyConnection) -> Iterator[Note]:
    """Days that a later report corrects."""
    rows, before, after = connection.execute(
        "SELECT count(*), sum(spend), sum(best_spend) FROM spend_ranked "
        "WHERE nth > 1 AND spend <> best_spend"
    ).fetchone() or (0, NOTHING, NOTHING)
    if rows:
        yield Note(
            "export_restated",
            f"{rows} days of campaigns stand in several reports with other money ({before:.2f} "
            f"before, {after:.2f} in the report that counts: by day, and the latest)",
            {"rows": str(rows), "before": f"{before:.2f}", "after": f"{after:.2f}"},
        )


def _perhaps_twice(connection: duckdb.DuckDBPyConnection, own_rows: str) -> Iterator[Note]:
    """The same campaign, day and money under another channel of the shop's own table."""
    rows, money = connection.execute(
        f"SELECT count(*), sum(t.spend) FROM spend_taken t JOIN ({own_rows}) own "
        "ON own.day = t.day AND own.campaign = t.campaign AND own.spend = t.spend WHERE t.spend > 0"
    ).fetchone() or (0, NOTHING)
    if rows:
        yield Note(
            "export_perhaps_twice",
            f"{rows} days of campaigns ({money:.2f}) stand in the shop's own ad_spend under "
            "another channel with the same money; they may count twice: keep one of them",
            {"rows": str(rows), "money": f"{money:.2f}"},
        )


def _account(
    connection: duckdb.DuckDBPyConnection, own: TableAccount | None, parts: Sequence[TableAccount]
) -> TableAccount:
    """Everything delivered, and where it went."""
    one = _row(connection, "SELECT count(*), coalesce(sum(spend), 0) FROM exported_spend")
    groups = _row(connection, "SELECT count(*) FROM spend_by_file")[0]
    taken = _row(connection, "SELECT count(*), coalesce(sum(spend), 0) FROM spend_taken")
    every = [*([own] if own else []), *parts]
    classed: dict[str, Part] = {}
    for account in every:
        for name, found in account.classed.items():
            so_far = classed.get(name, Part(0))
            classed[name] = Part(so_far.rows + found.rows, so_far.money + found.money)
    if summed := one[0] - groups:
        classed["added_up"] = Part(summed)
    reasons: Counter[str] = Counter()
    for account in every:
        reasons.update(account.reasons)
    account = TableAccount(
        table="ad_spend",
        files=tuple(file for account in every for file in account.files),
        rows_in=sum(account.rows_in for account in every),
        accepted=(own.accepted if own else 0) + taken[0],
        quarantined=sum(account.quarantined for account in every),
        delivered_twice=sum(account.delivered_twice for account in every),
        classed=classed,
        money_in=sum((account.money_in for account in every), NOTHING),
        money_out=sum((account.money_out for account in every), NOTHING),
        money_quarantined=sum((account.money_quarantined for account in every), NOTHING),
        money_delivered_twice=sum((account.money_delivered_twice for account in every), NOTHING),
        rounding=sum((account.rounding for account in every), NOTHING),
        reasons=dict(reasons.most_common()),
        absent_columns=_absent(connection, own),
    )
    return _less_overlap(account, groups - taken[0], Decimal(one[1] - taken[1]))


def _less_overlap(account: TableAccount, rows: int, money: Decimal) -> TableAccount:
    """The account once campaign days that stand in several reports count once."""
    return replace(
        account,
        delivered_twice=account.delivered_twice + rows,
        money_out=account.money_out - money,
        money_delivered_twice=account.money_delivered_twice + money,
    )


def _absent(connection: duckdb.DuckDBPyConnection, own: TableAccount | None) -> tuple[str, ...]:
    """Columns that neither the shop's own table nor a report has."""
    counts = _row(
        connection, f"SELECT {', '.join(f'count({name})' for name in FIGURES)} FROM exported_spend"
    )
    empty = [name for name, filled in zip(FIGURES, counts, strict=True) if not filled]
    return tuple(name for name in empty if own is None or name in own.absent_columns)


def _put_together(
    connection: duckdb.DuckDBPyConnection, target: Path, names: Sequence[str]
) -> None:
    """One quarantine of the table in place of one for each platform."""
    folder = target / "quarantine"
    paths = [path for name in ("ad_spend", *names) if (path := folder / f"{name}.parquet").exists()]
    if not paths:
        return
    fresh = folder / "ad_spend.fresh"
    scanned = f"read_parquet([{', '.join(map(literal, paths))}])"
    to_parquet(connection, f"SELECT * FROM {scanned} ORDER BY file, line", fresh, joined=True)
    for path in paths:
        path.unlink()
    fresh.replace(folder / "ad_spend.parquet")


def _row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    return connection.execute(query).fetchone() or ()
