"""What a model said beside what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from helpers.report.charts import axis
from helpers.report.charts.figure import FOCUS, SERIES, SOFT, Canvas, Drawing, Mark, render
from helpers.report.findings import display_unit
from helpers.report.formats import is_missing
from helpers.report.sheet import Sheet, place_unit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# Held-out time that begins so late leaves no room for its name before the names of the lines.
LATE = 0.6


def curve(
    canvas: Canvas,
    frame: pd.DataFrame,
    *,
    x: str,
    actual: str,
    predicted: str,
    unit: str,
    low: str | None = None,
    high: str | None = None,
    since: Any = None,
    alt: str = "",
) -> Drawing:
    """Draw two lines over the same axis: actual solid, predicted dashed with its band.

    Args:
        canvas: Where it is drawn.
        frame: One row a place on the x axis; actual may end before predicted.
        x: Column of times or numbers.
        actual: Column of what happened.
        predicted: Column of what the model says.
        unit: Unit of both.
        low: Column of the lower end of the prediction's 95 % interval.
        high: Column of its upper end.
        since: Where held-out time begins; a thin line marks it.
        alt: The takeaway in words.
    """
    axis.check_unit(unit)
    rows = frame.sort_values(x, kind="stable")
    units = {x: place_unit(list(rows[x]))}
    units |= {name: display_unit(name, unit) for name in (actual, predicted)}
    sheet = Sheet(canvas.fact or canvas.id, units, rows.to_dict("records"))
    names = {actual: canvas.voice.say("word.actual"), predicted: canvas.voice.say("word.predicted")}

    def draw(figure: Figure) -> list[Mark]:
        axes = figure.add_subplot()
        shown = [c for c in (actual, predicted, low, high) if c]
        axis.begin_at_zero(axes, [v for c in shown for v in rows[c]], always=True)
        axis.format_value_axis(axes, canvas, unit)
        axis.format_x_axis(axes, canvas, list(rows[x]))
        if low and high:
            band = (rows[low].astype(float), rows[high].astype(float))
            axes.fill_between(rows[x], *band, color=SERIES[2], alpha=0.16, linewidth=0)
        axes.plot(rows[x], rows[predicted], color="#C24E10", linestyle=(0, (4, 2)))
        axes.plot(rows[x], rows[actual], color=FOCUS)
        if since is not None:
            late = (rows[x] <= since).mean() > LATE
            axes.axvline(since, color=SOFT, linewidth=0.8)
            axes.annotate(
                canvas.voice.say("chart.held_out"), (since, axes.get_ylim()[1]),
                xytext=(-4 if late else 4, -2), ha="right" if late else "left",
                textcoords="offset points", va="top", **axis.quiet(),
            )  # fmt: skip
        ends = []
        for column, colour in ((actual, FOCUS), (predicted, "#B5430B")):
            if known := _known(sheet, column):
                row = sheet.rows[known[-1]]
                text = f"{names[column]} {sheet.show(canvas.voice, known[-1], column)}"
                label = sheet.label(text, known[-1], column)
                ends.append((row[x], float(row[column]), label, colour))
        axis.label_ends(axes, ends)
        return [
            mark
            for column in (actual, predicted)
            for mark in _marks(axes, canvas, sheet, x, column, names[column])
        ]

    return render(canvas, sheet, 260 if canvas.narrow else 300, draw, alt)


def _known(sheet: Sheet, column: str) -> list[int]:
    """Rows in which a column has a value."""
    return [i for i, row in enumerate(sheet.rows) if not is_missing(row[column])]


def _marks(axes: Any, canvas: Canvas, sheet: Sheet, x: str, column: str, name: str) -> list[Mark]:
    import matplotlib.dates as dates

    marks = []
    for i in _known(sheet, column):
        row = sheet.rows[i]
        place = dates.date2num(row[x]) if hasattr(row[x], "year") else row[x]
        when, value = (sheet.show(canvas.voice, i, name) for name in (x, column))
        label = sheet.label(f"{name}, {when}: {value}", i, column)
        marks.append(Mark(axes, float(place), float(row[column]), label))
    return marks
