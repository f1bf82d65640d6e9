"""Ranked values as horizontal bars from zero, with intervals where they are estimates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from helpers.report.charts import axis
from helpers.report.charts.figure import (
    CONTEXT,
    FOCUS,
    INK,
    SOFT,
    WORSE,
    Canvas,
    Drawing,
    Mark,
    render,
)
from helpers.report.findings import display_unit
from helpers.report.formats import is_missing
from helpers.report.sheet import Label, Sheet

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ROW_PX = 26


def bars(
    canvas: Canvas,
    frame: pd.DataFrame,
    *,
    label: str,
    value: str,
    unit: str,
    low: str | None = None,
    high: str | None = None,
    target: float | None = None,
    focus: str | None = None,
    n: str | None = None,
    alt: str = "",
) -> Drawing:
    """Draw one bar a row, in the frame's order from the top.

    Args:
        canvas: Where it is drawn.
        frame: One row a bar; rows without a value are left out.
        label: Column of names or of codes that the catalogue names.
        value: Column of values.
        unit: Unit of the values.
        low: Column of the lower end of the 95 % interval.
        high: Column of its upper end.
        target: The value to reach, drawn as a dashed line.
        focus: Bool column; its rows are in the strong colour, the others in grey.
        n: Column of what each value rests on, told on hover.
        alt: The takeaway in words.
    """
    axis.check_unit(unit)
    rows = frame[[not is_missing(v) for v in frame[value]]].to_dict("records")
    units = {label: "value", value: display_unit(value, unit)}
    units |= {name: units[value] for name in (low, high) if name}
    units |= {n: "customers"} if n else {}
    sheet = Sheet(canvas.fact or canvas.id, units, rows, target=target, target_unit=unit)
    height = 46 + ROW_PX * len(rows) + (18 if target is not None else 0)
    names = [sheet.show(canvas.voice, i, label) for i in range(len(rows))]

    def draw(figure: Figure) -> list[Mark]:
        axes = figure.add_subplot()
        places = range(len(rows))
        values = [float(row[value]) for row in rows]
        strong = [bool(row[focus]) if focus else True for row in rows]
        axes.barh(places, values, height=0.66, color=[FOCUS if s else CONTEXT for s in strong])
        axes.axvline(0, color="#8C8C8C", linewidth=0.8)
        marks = []
        for i, row in enumerate(rows):
            end = _interval(axes, i, row, (value, low, high), FOCUS if strong[i] else CONTEXT)
            said = sheet.label(sheet.show(canvas.voice, i, value), i, value)
            axes.annotate(
                said.text, (end, i), xytext=(5, 0), textcoords="offset points", va="center",
                fontsize=axis.LABEL_PX + 1, color=INK, annotation_clip=False, gid=said.mark,
            )  # fmt: skip
            hover = _hover(canvas, sheet, i, names[i], (value, low, high), n)
            marks.append(Mark(axes, 0, i - 0.5, hover, float(row[value]) or 1e-9, 1))
        axes.set_yticks(places, [axis.shorten(name, 20 if canvas.narrow else 34) for name in names])
        axes.set_ylim(len(rows) - 0.4, -0.6 if target is None else -1.2)
        axes.tick_params(axis="y", labelsize=axis.LABEL_PX + 1, labelcolor=INK, length=0)
        axis.format_value_axis(axes, canvas, unit, horizontal=True)
        axes.grid(False)
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(axis="x", length=0, labelbottom=False)
        if target is not None:
            _target(axes, canvas, sheet)
        return marks

    return render(canvas, sheet, height, draw, alt)


def _interval(
    axes: Any, place: int, row: dict[str, Any], columns: tuple[str, str | None, str | None],
    colour: str,
) -> float:  # fmt: skip
    """Draw a row's interval, light where it lies on a dark bar; give the end of what is drawn."""
    value, low, high = columns
    middle = float(row[value])
    if not low or not high or is_missing(row[low]) or is_missing(row[high]):
        return max(middle, 0.0)
    ends = float(row[low]), float(row[high])
    inside = "white" if colour == FOCUS and middle > 0 else SOFT
    bar = max(ends[0], 0.0) if middle > 0 else ends[0]
    for start, end, ink in ((ends[0], bar, SOFT), (bar, middle, inside), (middle, ends[1], SOFT)):
        axes.plot([start, end], [place, place], color=ink, linewidth=1.4)
    axes.plot(ends[0], place, "|", color=inside if ends[0] > 0 else SOFT, markersize=7)
    axes.plot(ends[1], place, "|", color=SOFT, markersize=7)
    return max(*ends, middle, 0.0)


def _hover(
    canvas: Canvas, sheet: Sheet, row: int, name: str, columns: tuple[str, str | None, str | None],
    n: str | None,
) -> Label:  # fmt: skip
    value, low, high = columns
    fields = [value]
    text = f"{name}: {sheet.show(canvas.voice, row, value)}"
    if low and high and not is_missing(sheet.rows[row][low]):
        fields += [low, high]
        ends = (sheet.show(canvas.voice, row, end) for end in (low, high))
        text += f" ({' – '.join(ends)})"
    if n:
        fields.append(n)
        text += f", n = {sheet.show(canvas.voice, row, n)}"
    return sheet.label(text, row, *fields)


def _target(axes: Any, canvas: Canvas, sheet: Sheet) -> None:
    axes.axvline(sheet.target, color=WORSE, linewidth=1.3, linestyle=(0, (5, 3)))
    label = axis.target_label(canvas, sheet)
    axes.annotate(
        label.text, (sheet.target, -0.85), xytext=(4, 0), textcoords="offset points", va="center",
        fontsize=axis.LABEL_PX, color="#B5430B", annotation_clip=False, gid=label.mark,
    )  # fmt: skip
