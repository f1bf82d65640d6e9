"""Values over time: one line, a few with their names at the ends, or small multiples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from helpers.report.charts import axis
from helpers.report.charts.figure import (
    CONTEXT,
    FOCUS,
    SERIES,
    SERIES_TEXT,
    Canvas,
    Drawing,
    Mark,
    render,
)
from helpers.report.findings import display_unit
from helpers.report.formats import is_missing
from helpers.report.sheet import Label, Sheet, place_unit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LINES = 4


def trend(
    canvas: Canvas,
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    unit: str,
    series: str | None = None,
    low: str | None = None,
    high: str | None = None,
    target: float | None = None,
    last_year: str | None = None,
    alt: str = "",
) -> Drawing:
    """Draw values over time.

    Args:
        canvas: Where it is drawn.
        frame: One row a time (and series); optional bool `provisional` fades what is not final.
        x: Column of times or ordered numbers.
        y: Column of values.
        unit: Unit of the values.
        series: Column that tells lines apart; more than four become small multiples.
        low: Column of the lower end of the 95 % interval.
        high: Column of its upper end.
        target: The value to reach.
        last_year: Column of the values one year earlier, drawn in light grey.
        alt: The takeaway in words.
    """
    axis.check_unit(unit)
    frame = frame.reset_index(drop=True)
    names = list(dict.fromkeys(frame[series])) if series else []
    units = {x: place_unit(list(frame[x]))} | ({series: "value"} if series else {})
    units |= {name: display_unit(y, unit) for name in (y, low, high) if name}
    rows = frame.to_dict("records")
    sheet = Sheet(canvas.fact or canvas.id, units, rows, target=target, target_unit=unit)
    lines = _Lines(canvas, sheet, frame, x, y, unit, series, low, high, last_year)
    if len(names) > MOST_LINES:
        columns = 2 if canvas.narrow else 4
        height = 40 + 130 * -(-len(names) // columns)
        return render(canvas, sheet, height, lambda f: lines.multiples(f, names, columns), alt)
    height = 260 if canvas.narrow else 300
    return render(canvas, sheet, height, lambda f: lines.one(f, names), alt)


class _Lines:
    def __init__(
        self,
        canvas: Canvas,
        sheet: Sheet,
        frame: pd.DataFrame,
        x: str,
        y: str,
        unit: str,
        series: str | None,
        low: str | None,
        high: str | None,
        last_year: str | None,
    ) -> None:
        self.canvas, self.sheet, self.frame, self.x, self.y = canvas, sheet, frame, x, y
        self.unit, self.series, self.low, self.high = unit, series, low, high
        self.last_year = last_year

    def one(self, figure: Figure, names: Sequence[Any]) -> list[Mark]:
        axes = figure.add_subplot()
        marks, ends = [], []
        self._scale(axes)
        for i, name in enumerate(names or [None]):
            colour = SERIES[i] if names else FOCUS
            rows = self.frame if name is None else self.frame[self.frame[self.series] == name]
            marks += self._line(axes, rows, colour, self._name(name))
            ends += self._ends(rows, SERIES_TEXT[i], self._name(name))
        times = list(self.frame[self.x])
        ends += axis.draw_target(axes, self.canvas, self.sheet, times)
        axis.label_ends(axes, ends)
        return marks

    def multiples(self, figure: Figure, names: Sequence[Any], columns: int) -> list[Mark]:
        rows = -(-len(names) // columns)
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        marks = []
        self._scale(grid[0][0])
        for place, axes in enumerate(grid.flat):
            if place >= len(names):
                axes.set_axis_off()
                continue
            for other in names:
                rest = self.frame[self.frame[self.series] == other]
                axes.plot(rest[self.x], rest[self.y], color="#E0E0E0", linewidth=1, zorder=1)
            own = self.frame[self.frame[self.series] == names[place]]
            name = self._name(names[place])
            marks += self._line(axes, own, FOCUS, name)
            axis.draw_target(axes, self.canvas, self.sheet, list(self.frame[self.x]))
            last = int(own.index[-1])
            title = f"{axis.shorten(name, 14)}  {self._shown(last)}"
            mark = self.sheet.label(title, last, self.y).mark
            axes.set_title(title, loc="left", fontsize=axis.LABEL_PX, color=FOCUS, gid=mark)
        times = sorted(set(self.frame[self.x]))
        if times and hasattr(times[0], "year"):
            ends = [times[0], times[-1]]
            for axes in grid[-1]:
                axis.format_time_axis(axes, self.canvas, ends)
                for label, side in zip(axes.get_xticklabels(), ("left", "right"), strict=False):
                    label.set_horizontalalignment(side)
        return marks

    def _shown(self, row: int, column: str = "") -> str:
        return self.sheet.show(self.canvas.voice, row, column or self.y)

    def _name(self, name: Any) -> str:
        return "" if name is None else self.canvas.voice.name_of(str(self.series), name)

    def _scale(self, axes: Axes) -> None:
        columns = [c for c in (self.y, self.low, self.high, self.last_year) if c]
        values = [value for column in columns for value in self.frame[column]]
        target = self.sheet.target
        axis.begin_at_zero(axes, [*values, *([] if target is None else [target])])
        axis.format_value_axis(axes, self.canvas, self.unit)
        axis.format_x_axis(axes, self.canvas, list(self.frame[self.x]))

    def _line(self, axes: Axes, rows: pd.DataFrame, colour: str, name: str) -> list[Mark]:
        rows = rows.sort_values(self.x, kind="stable")
        if self.last_year:
            axes.plot(rows[self.x], rows[self.last_year], color=CONTEXT, linewidth=1.6)
        if self.low and self.high:
            band = (rows[self.low].astype(float), rows[self.high].astype(float))
            axes.fill_between(rows[self.x], *band, color=colour, alpha=0.16, linewidth=0)
        final = rows
        if "provisional" in rows and rows["provisional"].any():
            open_ = rows["provisional"].astype(bool)
            faded = rows[open_ | open_.shift(-1, fill_value=False)]
            axes.plot(faded[self.x], faded[self.y], color=colour, alpha=0.55, linestyle=(0, (1, 2)))
            hollow = rows[open_]
            axes.plot(hollow[self.x], hollow[self.y], "o", color=colour, mfc="white", markersize=5)
            final = rows[~open_]
        axes.plot(final[self.x], final[self.y], color=colour)
        if len(final):
            axes.plot(final[self.x].iloc[-1], final[self.y].iloc[-1], "o", color=colour, ms=4.5)
        known = rows.dropna(subset=[self.y])
        return [self._mark(axes, int(row), name) for row in known.index]

    def _mark(self, axes: Axes, row: int, name: str) -> Mark:
        import matplotlib.dates as dates

        values, fields = self.sheet.rows[row], [self.y]
        text = f"{name} {self._shown(row, self.x)}: {self._shown(row)}"
        if self.low and self.high and not is_missing(values[self.low]):
            fields += [self.low, self.high]
            text += f" ({self._shown(row, self.low)} – {self._shown(row, self.high)})"
        if values.get("provisional"):
            text += f" · {self.canvas.voice.say('word.provisional')}"
        x = values[self.x]
        place = dates.date2num(x) if hasattr(x, "year") else x
        label = self.sheet.label(text.strip(), row, *fields)
        return Mark(axes, float(place), float(values[self.y]), label)

    def _ends(self, rows: pd.DataFrame, colour: str, name: str) -> list[axis.End]:
        rows = rows.dropna(subset=[self.y]).sort_values(self.x, kind="stable")
        if rows.empty:
            return []
        row = int(rows.index[-1])
        value, last = self._shown(row), self.sheet.rows[row]
        between = "\n" if self.canvas.narrow else " "
        text = f"{axis.shorten(name, 18)}{between}{value}" if name else value
        ends = [(last[self.x], float(last[self.y]), self.sheet.label(text, row, self.y), colour)]
        if self.last_year:
            words = Label(self.canvas.voice.say("word.last_year"))
            ends.append((last[self.x], float(last[self.last_year]), words, "#737373"))
        return [end for end in ends if end[1] == end[1]]
