"""What a canonical table and its columns are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MONEY = "decimal(18,2)"
UNIT_PRICE = "decimal(18,4)"
DUCKDB_TYPES = {
    "string": "VARCHAR",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    MONEY: "DECIMAL(18,2)",
    UNIT_PRICE: "DECIMAL(18,4)",
}


@dataclass(frozen=True)
class Column:
    """One column of a canonical table.

    Attributes:
        name: Its name, also in files.
        type: One of `DUCKDB_TYPES`.
        meaning: What a value says, in one phrase.
        unit: Unit of a number; money is the store's currency where the unit is `money`.
        required: A file without the column is refused.
        nullable: A row may leave it empty.
        minimum: Smallest value allowed; rows below it go to quarantine.
        values: The only values allowed; rows with others go to quarantine.
        default: Taken where an optional column is absent or empty.
        known_at: Column of the same table from whose time on the value is known.
        personal: Says who a person is: never published, only as a keyed hash.
    """

    name: str
    type: str
    meaning: str
    unit: str = ""
    required: bool = False
    nullable: bool = True
    minimum: float | None = None
    values: tuple[str, ...] = ()
    default: str | int | float | bool | None = None
    known_at: str | None = None
    personal: bool = False


@dataclass(frozen=True)
class Table:
    """One canonical table: what a row is, what names it, and when it came into being."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    dated_by: str | None = None
    required: bool = False
    references: dict[str, str] = field(default_factory=dict)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns in the order of their declaration."""
        return tuple(column.name for column in self.columns)

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Names of the columns that a file must have."""
        return tuple(column.name for column in self.columns if column.required)

    def column(self, name: str) -> Column:
        """The declaration of one column.

        Raises:
            KeyError: The table has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} has no column {name!r}; it has {self.column_names}")


def identifier(name: str, meaning: str, *, required: bool = True, personal: bool = False) -> Column:
    """A column that names something."""
    return Column(
        name, "string", meaning, required=required, nullable=not required, personal=personal
    )


def text(name: str, meaning: str, **rules: Any) -> Column:
    """A column of text."""
    return Column(name, "string", meaning, **rules)


def time(name: str, meaning: str, **rules: Any) -> Column:
    """A moment in the shop's local time."""
    return Column(name, "timestamp", meaning, unit="local time of the shop", **rules)


def day(name: str, meaning: str, **rules: Any) -> Column:
    """A calendar day."""
    return Column(name, "date", meaning, **rules)


def money(name: str, meaning: str, **rules: Any) -> Column:
    """Money in the store's currency, 0 or more."""
    rules = {"minimum": 0, **rules}
    return Column(name, MONEY, meaning, unit="money", **rules)


def count(name: str, meaning: str, **rules: Any) -> Column:
    """A whole number of something, 0 or more."""
    rules = {"minimum": 0, "unit": "count", **rules}
    return Column(name, "int64", meaning, **rules)


def unit_price(name: str, meaning: str, **rules: Any) -> Column:
    """Money per piece to four decimals, 0 or more."""
    rules = {"minimum": 0, **rules}
    return Column(name, UNIT_PRICE, meaning, unit="money per piece", **rules)


def flag(name: str, meaning: str, **rules: Any) -> Column:
    """Yes or no."""
    return Column(name, "boolean", meaning, **rules)


SHOP = Column(
    "shop_id",
    "string",
    "the shop; a customer id means something inside one shop only",
    nullable=False,
    default="main",
)
