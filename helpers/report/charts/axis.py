"""What all charts share: axes that speak a language, targets, labels at line ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from helpers.report.charts.figure import SOFT, WORSE, Canvas
from helpers.report.formats import (
    NUMERIC_UNITS,
    is_missing,
    month_name,
    show_axis_day,
    year_name,
)
from helpers.report.sheet import TARGET, Label, Sheet, place

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABEL_PX = 11
_LINE_PX = 15
End = tuple[Any, float, Label, str]


def format_value_axis(axes: Axes, canvas: Canvas, unit: str, *, horizontal: bool = False) -> None:
    """Write the value axis in the language's short numbers."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis = axes.xaxis if horizontal else axes.yaxis
    axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10], integer=unit == "count"))
    axis.set_major_formatter(FuncFormatter(lambda v, _: canvas.voice.show(v, unit, strip=True)))


def format_time_axis(axes: Axes, canvas: Canvas, days: Sequence[Any]) -> None:
    """Write a few months or days under the axis; the year stands where it begins."""
    import pandas as pd

    stamps = pd.DatetimeIndex(sorted(set(days)))
    wanted = 4 if canvas.narrow else 8
    step = max(1, -(-len(stamps) // wanted))
    shown = stamps[::-1][::step][::-1]
    monthly = len(stamps) < 2 or (stamps.day == 1).all()
    axes.set_xticks(shown)
    axes.set_xticklabels(time_labels(shown, canvas, monthly=monthly))


def format_x_axis(axes: Axes, canvas: Canvas, places: Sequence[Any]) -> None:
    """Write the axis below in months, days or grouped numbers, as its places are."""
    from matplotlib.ticker import FuncFormatter

    if len(places) and hasattr(places[0], "year"):
        format_time_axis(axes, canvas, places)
    elif len(places):
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: place(v)))


def time_labels(shown: Sequence[Any], canvas: Canvas, *, monthly: bool = True) -> list[str]:
    """Months or days as short labels; the year stands below where it begins."""
    labels = []
    name = month_name if monthly else show_axis_day
    year = None
    for stamp in shown:
        text = name(stamp, canvas.voice.language)
        extra = year_name(stamp, canvas.voice.language)
        labels.append(text if stamp.year == year else f"{text}\n{extra}")
        year = stamp.year
    return labels


def begin_at_zero(axes: Axes, values: Sequence[float], *, always: bool = False) -> None:
    """Begin at zero unless all values lie far above it."""
    found = [float(v) for v in values if not is_missing(v)]
    if not found:
        return
    low, high = min(found), max(found)
    if low >= 0 and (always or low < 0.6 * high or high == 0):
        axes.set_ylim(0, high * 1.08 or 1)
    else:
        room = 0.12 * ((high - low) or abs(high) or 1)
        axes.set_ylim(low - room, high + room)


def target_label(canvas: Canvas, sheet: Sheet, between: str = " ") -> Label:
    """The target in words."""
    value = canvas.voice.show(sheet.target, sheet.target_unit, strip=True)
    text = canvas.voice.say("chart.target", value=value).replace(" ", between, 1)
    return Label(text, sheet.id, (TARGET,))


def draw_target(axes: Axes, canvas: Canvas, sheet: Sheet, times: Sequence[Any]) -> list[End]:
    """The target as a dashed line from the first to the last time; its label as a line end."""
    if sheet.target is None or is_missing(sheet.target) or not len(times):
        return []
    ends = [min(times), max(times)]
    axes.plot(ends, [sheet.target] * 2, color=WORSE, lw=1.3, ls=(0, (5, 3)), zorder=1.5)
    label = target_label(canvas, sheet, "\n" if canvas.narrow else " ")
    return [(ends[1], sheet.target, label, "#B5430B")]


def label_ends(axes: Axes, ends: Sequence[End]) -> None:
    """Write names at the ends of lines (x, y, label, colour), pushed apart where they meet."""
    if not ends:
        return
    low, high = axes.get_ylim()
    height_px = axes.get_position().height * axes.figure.get_figheight() * 72  # type: ignore[union-attr]
    line_px = _LINE_PX * max(1 + label.text.count("\n") for _, _, label, _ in ends)
    step = (high - low) * line_px / max(height_px, 1)
    order = sorted(range(len(ends)), key=lambda i: ends[i][1])
    places = spread([ends[i][1] for i in order], step)
    for i, y in zip(order, places, strict=True):
        x, actual, label, colour = ends[i]
        axes.annotate(
            label.text,
            (x, actual),
            gid=label.mark,
            xytext=(6, (y - actual) / step * line_px),
            textcoords="offset points",
            va="center",
            fontsize=LABEL_PX + 1,
            color=colour,
            annotation_clip=False,
        )


def spread(values: Sequence[float], step: float) -> list[float]:
    """Ascending values moved as little as needed so that neighbours are a step apart."""
    clusters: list[list[float]] = []
    for value in values:
        clusters.append([value, 1])
        while len(clusters) > 1:
            (first, size), (second, more) = clusters[-2:]
            if second - first >= step * (size + more) / 2:
                break
            clusters[-2:] = [[(first * size + second * more) / (size + more), size + more]]
    return [
        centre + step * (i - (size - 1) / 2) for centre, size in clusters for i in range(int(size))
    ]


def shorten(text: str, limit: int) -> str:
    """A name cut to a width; a Chinese character counts as two."""
    used = 0
    for i, letter in enumerate(text):
        used += 2 if ord(letter) > 0x2E7F else 1
        if used > limit:
            return text[:i].rstrip() + "…"
    return text


def check_unit(unit: str) -> None:
    """Refuse a unit that no axis can have.

    Raises:
        ValueError: It is none of `formats.NUMERIC_UNITS`.
    """
    if unit not in NUMERIC_UNITS:
        raise ValueError(f"unit == {unit!r}, must be one of {NUMERIC_UNITS}")


def quiet(colour: str = SOFT) -> dict[str, Any]:
    """How secondary text is written."""
    return {"fontsize": LABEL_PX, "color": colour}
