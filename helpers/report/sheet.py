"""What a figure or a table states, row by row, so that every number on a page can be looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helpers.plan.metrics import metric
from helpers.report.formats import NUMERIC_UNITS, as_published, is_missing
from helpers.report.languages import chosen
from helpers.report.voice import Voice

TARGET, TOTAL = "target", "total"


@dataclass(frozen=True)
class Label:
    """Words of a figure and the numbers in them: `fields` of `fact`, in the order of the words."""

    text: str
    fact: str = ""
    fields: tuple[str, ...] = ()

    @property
    def mark(self) -> str | None:
        """Fact and fields as one mark that Matplotlib carries into its drawing."""
        return " ".join((self.fact, *self.fields)) if self.fact else None


@dataclass(frozen=True)
class Sheet:
    """The numbers of a figure or a table.

    Attributes:
        id: Row i of it is the fact `id:i`, its columns are the fields.
        units: Unit of each column that is shown, as in `tables.Layout`; `place` for a number
            along an axis.
        rows: Values by column; others than those of `units` stay inside.
        total: A last row, the fact `id:total`.
        target: The value to reach, the field `target` of the fact `id`; in `target_unit`.
        target_unit: Unit of the target.
    """

    id: str
    units: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]
    total: Mapping[str, Any] | None = None
    target: float | None = None
    target_unit: str = ""

    def unit(self, column: str) -> str:
        """A column's unit without the sign's mark."""
        return self.units[column].removeprefix("+")

    def label(self, text: str, row: int, *fields: str) -> Label:
        """Words that state fields of a row."""
        return Label(text, f"{self.id}:{row}", fields)

    def show(self, voice: Voice, row: int, column: str, *, signed: bool = False) -> str:
        """A value, a name or a place on an axis as text."""
        value, unit = self.rows[row][column], self.unit(column)
        if unit == "place":
            return place(value)
        if unit == "value":
            own = voice.localised([str(name) for name in self.rows[row]], column)
            found = self.rows[row][own]
            return voice.name_of(column, value if is_missing(found) else found)
        return voice.show(value, unit, signed=signed)

    def as_json(self, voices: Sequence[Voice]) -> dict[str, Any]:
        """For the record: units, and values column by column."""
        columns = {
            name: [self._cell(voices, row, name) for row in self.rows] for name in self.units
        }
        found: dict[str, Any] = {"units": dict(self.units), "columns": columns}
        if self.total:
            total = {n: self._cell(voices, self.total, n) for n in self.units if n in self.total}
            found[TOTAL] = total
        return found

    def _cell(self, voices: Sequence[Voice], row: Mapping[str, Any], name: str) -> Any:
        unit = self.unit(name)
        return str(row[name]) if unit == "metric" else cell(voices, row, name, unit)


def place(value: Any) -> str:
    """A number along an axis: grouped, with no more decimals than it has; a text as it is."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,g}"


def place_unit(places: Sequence[Any]) -> str:
    """The unit of places on an axis: months, days, numbers or texts."""
    if len(places) and hasattr(places[0], "year"):
        return "month" if all(one.day == 1 for one in places) else "date"
    return "place" if all(isinstance(one, (int, float)) for one in places) else "text"


def cell(voices: Sequence[Voice], row: Mapping[str, Any], name: str, unit: str) -> Any:
    """A value as JSON: a figure, an ISO date, or texts by language; small groups hidden."""
    value = row.get(name)
    if unit in (*NUMERIC_UNITS, "by_metric", "place"):
        return as_published(value, unit)
    if unit in ("date", "month"):
        return None if is_missing(value) else value.date().isoformat()  # type: ignore[union-attr]
    texts = {}
    for voice in voices:
        found = row.get(voice.localised([str(column) for column in row], name))
        found = value if is_missing(found) else found
        if is_missing(found):
            return None
        texts[voice.language] = named(voice, name, unit, found)
    same = len(set(texts.values())) == 1
    return next(iter(texts.values())) if same else texts


def named(voice: Voice, column: str, unit: str, value: Any) -> str:
    """A cell that is no figure, as text."""
    if unit == "metric":
        return chosen(metric(str(value)).name, voice.language)
    if unit == "status":
        return voice.say(f"status.{value}")
    return voice.name_of(column, value) if unit == "value" else voice.show(value, unit)
