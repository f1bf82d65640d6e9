"""Tables: figures right, units in the header, the top rows on the page, all rows to download."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

from helpers.plan.metrics import metric
from helpers.report import marks
from helpers.report.findings import display_unit
from helpers.report.formats import (
    NUMERIC_UNITS,
    change_unit,
    column_scale,
    header_unit,
    is_missing,
    show_in_column,
)
from helpers.report.sheet import TOTAL, Sheet, cell, named
from helpers.report.text.template import given_html, name_html, number_html, time_html
from helpers.report.voice import Voice

if TYPE_CHECKING:
    import pandas as pd

Scale = tuple[float, str, int]
SHORT_TEXT = 10
# A column takes the other columns' scale where half of its figures are at least this part of it.
KEPT_OF_SCALE = 0.25
COLUMN_UNITS = (
    *NUMERIC_UNITS, "date", "month", "text", "value", "status", "metric", "by_metric",
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """Which columns a table shows and how.

    Attributes:
        columns: Column to unit, in order; a leading + writes the sign. Besides the units of
            `formats`: `value` for codes that the catalogue names, `status`, `metric`, and
            `by_metric` for figures in the unit of the row's metric.
        intervals: Column to the columns of its low and high ends, written small beside it.
        top: Rows on the page; all go into the download.
        total: Values of a last row, ruled off.
    """

    columns: Mapping[str, str]
    intervals: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    top: int = 15
    total: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        for name, unit in self.columns.items():
            if unit.removeprefix("+") not in COLUMN_UNITS:
                raise ValueError(f"column {name}: unit == {unit!r}, must be one of {COLUMN_UNITS}")

    def unit(self, column: str) -> str:
        """A column's unit without the sign's mark."""
        return self.columns[column].removeprefix("+")


def table_html(voice: Voice, key: str, frame: pd.DataFrame, layout: Layout) -> str:
    """The table element, in a box that scrolls by itself where the page is narrow.

    A column of texts that says nothing in any row is left out.
    """
    layout = _without_silent_texts(frame, layout)
    rows = frame.head(layout.top).to_dict("records")
    scales = _scales(voice, frame, layout)
    head = "".join(_header(voice, key, name, layout, scales) for name in layout.columns)
    writer = _Writer(voice, key, layout, scales, list(frame.columns))
    body = "".join(f"<tr>{writer.row(row, str(place))}</tr>" for place, row in enumerate(rows))
    total = f"<tfoot><tr>{writer.row(layout.total, TOTAL)}</tr></tfoot>" if layout.total else ""
    name = escape(voice.block_name(key))
    return (
        f'<div class="sr-scroll" tabindex="0" role="region" aria-label="{name}">'
        f'<table class="sr-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody>{total}'
        "</table></div>"
    )


def _without_silent_texts(frame: pd.DataFrame, layout: Layout) -> Layout:
    silent = {
        name
        for name in layout.columns
        if layout.unit(name) in ("text", "value")
        and name in frame
        and all(is_missing(value) or not value for value in frame[name])
    }
    return replace(
        layout, columns={name: u for name, u in layout.columns.items() if name not in silent}
    )


def _scales(voice: Voice, frame: pd.DataFrame, layout: Layout) -> dict[str, Scale]:
    """The scale of each column of figures; one named scale spreads over the money columns."""
    scales = {
        name: column_scale(_numbers(frame, name, layout), layout.unit(name), voice.language)
        for name in layout.columns
        if layout.unit(name) in NUMERIC_UNITS
    }
    money = [name for name in scales if layout.unit(name) == "money"]
    shared = min((scales[name] for name in money if scales[name][1]), default=None)
    for name in money:
        values = sorted(abs(v) for v in _numbers(frame, name, layout) if not is_missing(v) and v)
        if not shared or scales[name][1] or not values or values[-1] < shared[0]:
            continue
        if values[len(values) // 2] >= KEPT_OF_SCALE * shared[0]:
            scales[name] = shared
    return scales


def _numbers(frame: pd.DataFrame, name: str, layout: Layout) -> list[float]:
    return [*frame[name].head(layout.top), *([layout.total.get(name)] if layout.total else [])]


def _header(voice: Voice, key: str, name: str, layout: Layout, scales: Mapping[str, Scale]) -> str:
    text = given_html(voice.texts.header(key, name))
    figures = name in scales or layout.unit(name) == "by_metric"
    style = ' class="sr-num"' if figures else ""
    if name in scales:
        unit = header_unit(layout.unit(name), scales[name][1], voice.language, voice.currency)
        text += f' <span class="sr-unit">{escape(unit)}</span>' if unit else ""
    return f'<th scope="col"{style}>{text}</th>'


@dataclass(frozen=True)
class _Writer:
    """Writes rows; each figure says where it stands in the record: `key:row` and its column."""

    voice: Voice
    key: str
    layout: Layout
    scales: Mapping[str, Scale]
    present: Sequence[str]

    def row(self, row: Mapping[str, Any], place: str) -> str:
        cells = []
        for i, name in enumerate(self.layout.columns):
            text, style = self.cell(row, name, place)
            tag = 'th scope="row"' if i == 0 and text else "td"
            mark = f' class="{style}"' if style else ""
            cells.append(f"<{tag}{mark}>{text}</{tag.split()[0]}>")
        return "".join(cells)

    def cell(self, row: Mapping[str, Any], name: str, place: str) -> tuple[str, str]:
        unit = self.layout.unit(name)
        if unit in NUMERIC_UNITS or unit == "by_metric":
            return self._figure(row, name, place), "sr-num"
        column = self.voice.localised(list(self.present), name)
        value = row.get(column)
        if is_missing(value) and column != name:
            value = row.get(name)
        if is_missing(value):
            return ("—" if name in row else ""), ""
        if unit == "status":
            return marks.status_html(str(value), self.voice), ""
        if unit == "metric":
            name_of_metric = escape(named(self.voice, name, unit, value))
            return f'<a href="#metric-{escape(str(value))}">{name_of_metric}</a>', ""
        text = named(self.voice, name, unit, value)
        style = "sr-when" if _is_short(text) else ""
        if unit in ("date", "month"):
            return time_html(text, value, unit), style
        return name_html(text), style

    def _figure(self, row: Mapping[str, Any], name: str, place: str) -> str:
        if name not in row:
            return ""
        html = self._number(row, name, place, name)
        ends = self.layout.intervals.get(name)
        if not ends or any(is_missing(row.get(end)) for end in ends):
            return html
        low, high = (self._number(row, end, place, name) for end in ends)
        between = " … " if "−" in low + high else "–"
        return f'{html} <span class="sr-range">{low}{between}{high}</span>'

    def _number(self, row: Mapping[str, Any], name: str, place: str, column: str) -> str:
        """One figure, in the manner of its column."""
        value = row.get(name)
        text = escape(self._shown(row, value, column, is_end=name != column))
        if is_missing(value):
            return text
        return number_html(text, f"{self.voice.fact(self.key)}:{place}", name, style="sr-c")

    def _shown(self, row: Mapping[str, Any], value: Any, column: str, *, is_end: bool) -> str:
        unit = self.layout.unit(column)
        signed = self.layout.columns[column].startswith("+") and not is_end
        if unit == "by_metric":
            own = metric(str(row["metric"])).unit
            changes = self.layout.columns[column].startswith("+")
            unit = change_unit(own) if changes else display_unit(str(row["metric"]), own)
            return self.voice.show(value, unit, signed=signed, strip=column == "target")
        text = show_in_column(value, unit, self.scales[column], self.voice.language)
        return f"+{text}" if signed and not is_missing(value) and value > 0 else text


def table_sheet(voice: Voice, key: str, frame: pd.DataFrame, layout: Layout) -> Sheet:
    """The figures of a table's rows on the page; a finding's own unit follows from its metric."""
    units: dict[str, str] = {}
    for name, unit in layout.columns.items():
        if layout.unit(name) in (*NUMERIC_UNITS, "by_metric", "metric") and name in frame:
            units[name] = unit
            units |= dict.fromkeys(layout.intervals.get(name, ()), layout.unit(name))
    rows = frame.head(layout.top).to_dict("records")
    return Sheet(voice.fact(key), units, rows, layout.total)


def _is_short(text: str) -> bool:
    """Whether a text should stay on one line; a Chinese sign is as wide as two letters."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text) <= SHORT_TEXT


def table_record(
    voices: Sequence[Voice], key: str, frame: pd.DataFrame, layout: Layout
) -> dict[str, Any]:
    """A table for the chapter's record: all rows, headers and codes in every language."""
    columns = []
    for name in layout.columns:
        columns.append(_column(voices, key, name, layout.unit(name)))
        for end, kind in zip(layout.intervals.get(name, ()), ("low", "high"), strict=False):
            column = _column(voices, key, name, layout.unit(name))
            for voice in voices:
                column["header"][voice.language] += f" {voice.say(f'word.{kind}')}"
            columns.append({**column, "name": end})
    rows = [
        [cell(voices, row, c["name"], c["unit"]) for c in columns]
        for row in frame.to_dict("records")
    ]
    return {
        "name": key,
        "title": {voice.language: voice.block_name(key) for voice in voices},
        "currency": voices[0].currency,
        "columns": columns,
        "rows": rows,
        TOTAL: _total(layout),
    }


def _total(layout: Layout) -> dict[str, float] | None:
    """The figures of the last row, by column."""
    if not layout.total:
        return None
    return {
        name: float(value)
        for name, value in layout.total.items()
        if isinstance(value, (int, float)) and not is_missing(value)
    }


def _column(voices: Sequence[Voice], key: str, name: str, unit: str) -> dict[str, Any]:
    headers = {voice.language: voice.texts.header(key, name) for voice in voices}
    return {"name": name, "unit": unit, "header": headers}
