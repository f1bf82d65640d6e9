"""Campaign reports of advertising platforms, beside a shop's own tables: rows of `ad_spend`.

Every report is held against its own declaration. Lines alike in full count once; other rows of one
campaign and day in one report (ad sets, devices) are added up; where two reports hold the same
campaign and day, the one that reaches further counts, for platforms go on correcting the last days.
"""

from __future__ import annotations

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.store.errors import BadInput
from helpers.store.ingest import exports_merge as merge
from helpers.store.ingest.exports_text import SUFFIXES, Report, Staged, look_at, stage
from helpers.store.ingest.source import Note, Part, TableAccount
from helpers.store.quarantine import Sifted, sift, write

if TYPE_CHECKING:
    import duckdb

    from helpers.store.columns import Table

AGREES_TO = Decimal("0.01")


@dataclass(frozen=True)
class Beside:
    """What exports are read into: the tables that the main source wrote, and the store's terms.

    Attributes:
        connection: Reads and writes.
        target: Folder of the canonical tables.
        currency: Of the store.
        time_zone: Of the store.
        shop_id: The shop that the exports belong to.
        accounts: What the main source wrote.
    """

    connection: duckdb.DuckDBPyConnection
    target: Path
    currency: str
    time_zone: str
    shop_id: str = "main"
    accounts: Mapping[str, TableAccount] = field(default_factory=dict)


class SpendExport(ABC):
    """A platform's campaign report. A new one is a module with a subclass, listed in `EXPORTS`.

    Attributes:
        name: What it is called; also the folder that it may lie in.
        raw: The report's columns, declared.
        spent: The one of them that is the money spent.
        headers: What it is recognised by.
        about: What it is and what becomes of it, in Markdown.
    """

    name: str
    raw: Table
    spent: str
    headers: str
    about: str

    @abstractmethod
    def knows(self, names: Sequence[str]) -> bool:
        """Whether these are the names of the report's columns."""

    @abstractmethod
    def names_of(self, report: Report) -> Mapping[str, str]:
        """Names in a report's header, and what they are in `raw`; BadInput where one lacks."""

    @abstractmethod
    def total_of(self, cells: Mapping[str, str]) -> str | None:
        """The name of a row that adds up others; None where it is none."""

    @abstractmethod
    def whole(self, names: Sequence[str]) -> str | None:
        """Which of a report's totals adds up all its rows."""

    @abstractmethod
    def currencies(self, report: Report) -> Mapping[str, str]:
        """Currencies that the header names, by column."""

    @abstractmethod
    def rows(self, accepted: str, columns: Sequence[str]) -> str:
        """SQL of accepted rows as `ad_spend`, with the `days` of the row that each came from."""

    @abstractmethod
    def remarks(self, reports: Sequence[Report], currency: str) -> Iterator[Note]:
        """What a reader should know."""

    def rules(self) -> Sequence[tuple[str, str]]:
        """Conditions under which a row is set aside, and reasons."""
        return ()

    def longest(self) -> tuple[str, int] | None:
        """SQL of the days of one row and the most it may have; None where a row is a day."""
        return None

    def reports(self, folder: Path) -> list[Report]:
        """The reports in a folder, and in its sub-folder of this export's name."""
        own = folder / self.name
        paths = sorted(folder.iterdir()) + (sorted(own.iterdir()) if own.is_dir() else [])
        found = [look_at(path, str(path.relative_to(folder)), self.knows) for path in paths]
        return [report for report in found if report]

    def unknown(self, folder: Path) -> list[Path]:
        """Files in the sub-folder of this export that are none."""
        own = folder / self.name
        paths = sorted(own.iterdir()) if own.is_dir() else []
        texts = [path for path in paths if path.suffix.lower() in SUFFIXES]
        return [path for path in texts if not look_at(path, path.name, self.knows)]


def read(
    beside: Beside, found: Sequence[tuple[SpendExport, list[Report]]]
) -> tuple[TableAccount, list[Note]]:
    """Read all reports, merge them with the shop's own `ad_spend`, and write the table.

    Raises:
        BadInput: A report can't be used, or two of them contradict each other.
    """
    connection = beside.connection
    merge.begin(connection)
    parts, notes = [], []
    for export, reports in found:
        account, remarks = _read_one(beside, export, reports)
        parts.append(account)
        notes += remarks
    merged, more = merge.finish(beside.connection, beside.target, beside.shop_id,
                                beside.accounts.get("ad_spend"), parts)  # fmt: skip
    return merged, [*notes, *more]


def _read_one(
    beside: Beside, export: SpendExport, reports: list[Report]
) -> tuple[TableAccount, list[Note]]:
    """The account of one platform's reports, whose rows then stand in `exported_spend`."""
    for report in reports:
        for column, currency in export.currencies(report).items():
            _same_currency(report.label, column, currency, beside.currency)
    staging = Path(tempfile.mkdtemp(prefix="store-report-text-"))
    try:
        staged = stage(export.raw, reports, export.names_of, export.total_of, staging)
        return _sifted(beside, export, reports, staged)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _sifted(
    beside: Beside, export: SpendExport, reports: list[Report], staged: Staged
) -> tuple[TableAccount, list[Note]]:
    connection, raw = beside.connection, export.raw
    sifted = sift(
        connection, raw, staged.incoming, time_zone=beside.time_zone, rules=export.rules()
    )
    twice, money_twice = _alike(connection, sifted, staged.incoming.relation)
    columns = tuple(staged.incoming.types)
    _check_currencies(connection, sifted, columns, beside.currency)
    _check_spans(connection, export, sifted)
    rows = f"SELECT * FROM ({sifted.accepted}) ANTI JOIN lines_alike USING (__file, __line)"
    taken = merge.add(connection, export.name, export.rows(rows, columns))
    write(connection, sifted, beside.target, rows=False, name=merge.part(export.name))
    account = _with_totals(sifted.account, staged, export.spent)
    account = replace(
        account,
        rows_in=account.rows_in + taken - (account.accepted - twice),
        accepted=taken,
        delivered_twice=twice,
        money_out=account.money_out - money_twice,
        money_delivered_twice=money_twice,
    )
    notes = [
        *export.remarks(reports, beside.currency),
        *_spread(connection, export),
        *_totals_that_differ(connection, export, staged, sifted),
    ]
    return account, notes


def _alike(
    connection: duckdb.DuckDBPyConnection, sifted: Sifted, relation: str
) -> tuple[int, Decimal]:
    """Rows whose whole line stands before in the same report: how many, and their money."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE lines_alike AS SELECT __file, __line FROM ("
        "SELECT __file, __line, row_number() OVER (PARTITION BY __file, __text ORDER BY __line) "
        f"AS nth FROM ({relation})) WHERE nth > 1"
    )
    found = connection.execute(
        "SELECT count(*), coalesce(sum(__kept), 0) "
        f"FROM ({sifted.accepted}) SEMI JOIN lines_alike USING (__file, __line)"
    ).fetchone() or (0, Decimal(0))
    return int(found[0]), Decimal(found[1])


def _with_totals(account: TableAccount, staged: Staged, spent: str) -> TableAccount:
    """The account with the rows of totals, which are nothing of the table."""
    if not staged.totals:
        return account
    amounts = [total.amount(spent) or Decimal(0) for total in staged.totals]
    part = Part(len(amounts), sum(amounts, Decimal(0)))
    return replace(
        account,
        rows_in=account.rows_in + part.rows,
        money_in=account.money_in + part.money,
        classed={"total": part},
    )


def _same_currency(label: str, column: str, found: str, currency: str) -> None:
    if found != currency:
        raise BadInput(
            f"{label}: column {column!r} is in {found}, and the store's currency is {currency}; "
            f"amounts of two currencies are not added: export the report in {currency}, or, if the "
            f'store trades in {found}, write currency = "{found}" into store.toml'
        )


def _check_currencies(
    connection: duckdb.DuckDBPyConnection, sifted: Sifted, columns: Sequence[str], currency: str
) -> None:
    if "currency" not in columns:
        return
    for label, found in connection.execute(
        f"SELECT DISTINCT __file, currency FROM ({sifted.accepted}) "
        "WHERE currency IS NOT NULL ORDER BY 1, 2"
    ).fetchall():
        _same_currency(label, "Currency code", found, currency)


def _check_spans(
    connection: duckdb.DuckDBPyConnection, export: SpendExport, sifted: Sifted
) -> None:
    if (limit := export.longest()) is None:
        return
    days, most = limit
    found = connection.execute(
        f"SELECT __file, __line, {days} FROM ({sifted.accepted}) WHERE {days} > {most} "
        "ORDER BY 1, 2 LIMIT 1"
    ).fetchone()
    if found:
        raise BadInput(
            f"{found[0]}: line {found[1]} reports {found[2]} days in one row; at most {most} can "
            "be spread over their days: export the table with a breakdown by day"
        )


def _spread(connection: duckdb.DuckDBPyConnection, export: SpendExport) -> Iterator[Note]:
    """That rows of several days were spread evenly."""
    rows, days, money, files = connection.execute(
        "SELECT count(DISTINCT (__file, __line)), count(*), sum(spend), "
        "string_agg(DISTINCT __file, ', ' ORDER BY __file) FROM exported_spend "
        "WHERE source = ? AND days > 1", [export.name],
    ).fetchone() or (0, 0, None, "")  # fmt: skip
    if rows:
        values = {"files": files, "rows": str(rows), "days": str(days), "money": f"{money:.2f}"}
        yield Note(
            "export_spread",
            f"{files}: {rows} rows of several days ({money:.2f}) are spread evenly over {days} "
            "days; figures by day and week are no measurement: export by day",
            values,
        )


def _totals_that_differ(
    connection: duckdb.DuckDBPyConnection, export: SpendExport, staged: Staged, sifted: Sifted
) -> Iterator[Note]:
    """Reports whose own total is not the sum of their rows, of good ones and those set aside."""
    sums: dict[str, Any] = dict(
        connection.execute(
            f"SELECT __file, sum(__money) FROM ({sifted.judged}) GROUP BY 1"
        ).fetchall()
    )
    for label in sorted({total.label for total in staged.totals}):
        totals = {total.name: total for total in staged.totals if total.label == label}
        whole = export.whole(list(totals))
        said = totals[whole].amount(export.spent) if whole is not None else None
        rows = Decimal(sums.get(label, 0))
        if said is not None and abs(said - rows) > AGREES_TO:
            yield Note(
                "export_total_differs",
                f"{label}: its rows add up to {rows:.2f}, its own total says {said:.2f}; rows may "
                "be filtered out or the file cut off: export it again",
                {"file": label, "rows": f"{rows:.2f}", "total": f"{said:.2f}"},
            )
