"""What a source is, and what it gives back: the account of rows and money, and the bridge."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import duckdb

    from helpers.store.settings import StoreSettings

NOTHING = Decimal(0)
CENT = Decimal("0.01")


@dataclass(frozen=True)
class SourceDefaults:
    """What holds where `store.toml` says nothing; `name` is the shop's name by language."""

    currency: str
    time_zone: str
    name: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """A number of rows and their money."""

    rows: int
    money: Decimal = NOTHING


@dataclass(frozen=True)
class TableAccount:
    """Where the rows and the money of one table's input went.

    Attributes:
        table: The canonical table.
        files: Names of the files that the rows came from.
        rows_in: Rows delivered.
        accepted: Rows that stand in the table.
        quarantined: Rows set aside, with the reason.
        delivered_twice: Rows that the source is known to deliver twice, counted once.
        classed: Rows that are nothing of this table, by what they are (they may stand in
            another one).
        money_in: Sum of the control columns as delivered.
        money_out: The same sum over accepted rows.
        money_quarantined: The same over rows set aside, as far as it could be read.
        money_delivered_twice: The same over rows counted once.
        rounding: What rounding each line once added to `money_out`.
        reasons: Rows set aside by reason.
        absent_columns: Columns of the table that the source does not have.
    """

    table: str
    files: tuple[str, ...]
    rows_in: int
    accepted: int
    quarantined: int = 0
    delivered_twice: int = 0
    classed: dict[str, Part] = field(default_factory=dict)
    money_in: Decimal = NOTHING
    money_out: Decimal = NOTHING
    money_quarantined: Decimal = NOTHING
    money_delivered_twice: Decimal = NOTHING
    rounding: Decimal = NOTHING
    reasons: dict[str, int] = field(default_factory=dict)
    absent_columns: tuple[str, ...] = ()

    @property
    def rows_unexplained(self) -> int:
        """Rows in that are neither accepted nor accounted for; 0 or something is wrong."""
        left = self.accepted + self.quarantined + self.delivered_twice
        return self.rows_in - left - sum(part.rows for part in self.classed.values())

    @property
    def money_unexplained(self) -> Decimal:
        """The same for money."""
        left = self.money_out - self.rounding + self.money_quarantined + self.money_delivered_twice
        return self.money_in - left - sum((part.money for part in self.classed.values()), NOTHING)


@dataclass(frozen=True)
class BridgeStep:
    """One step from a source's raw total to net sales; the last step is their sum."""

    key: str
    rows: int
    money: Decimal


@dataclass(frozen=True)
class Note:
    """Something a reader should know about how the data were read; `key` names its text."""

    key: str
    text: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ingested:
    """One ingest: an account per table, the bridge to net sales, notes."""

    tables: dict[str, TableAccount]
    bridge: list[BridgeStep]
    notes: list[Note]


class Source(Protocol):
    """One kind of export. A new one is a module with such an object, listed in `SOURCES`.

    Attributes:
        name: What it is called in reports.
        defaults: What holds without a `store.toml`.
        headers: What it is recognised by.
        about: What it is, which files, and where to get it, in Markdown.
    """

    name: str
    defaults: SourceDefaults
    headers: str
    about: str

    def recognises(self, data: str | Path) -> bool:
        """Whether headers or names say that the data are of this kind."""

    def files(self, data: str | Path) -> list[Path]:
        """The files that the tables depend on."""

    def state(self, data: str | Path) -> str:
        """What changes with data that are in no file; empty where files say all."""

    def read(
        self,
        data: str | Path,
        target: Path,
        *,
        connection: duckdb.DuckDBPyConnection,
        settings: StoreSettings,
    ) -> Ingested:
        """Write the canonical tables as Parquet into `target`, the rest into quarantine.

        Raises:
            BadInput: The data can't be used.
        """


def tidy(money: Decimal | int) -> Decimal:
    """The same amount with two decimals, or with as many more as it needs."""
    exact = Decimal(money)
    cents = exact.quantize(CENT)
    return cents if cents == exact else exact.normalize()


def literal(value: object) -> str:
    """A text or path as an SQL literal."""
    return "'" + str(value).replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
