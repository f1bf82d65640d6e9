"""KPI cards and their sparklines, drawn from facts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from helpers.plan import metrics
from helpers.plan.periods import parse_period
from helpers.report import beside, marks
from helpers.report.findings import display_unit
from helpers.report.formats import show_change
from helpers.report.languages import chosen
from helpers.report.sheet import Sheet
from helpers.report.text.template import Piece, number_html, to_html
from helpers.report.voice import Voice

_WIDTH, _HEIGHT, _ROOM = 168, 44, 5


def cards_html(cards: Sequence[dict[str, Any]], voice: Voice, *, link: str = "") -> str:
    """Cards side by side; what the store can't say is named in one line below them.

    Args:
        cards: A fact of `facts.json` each, with `history`: the value of earlier periods and
            this one, oldest first (`period`, `value`).
        voice: Language and currency.
        link: Address before `#metric-…`, where the definitions stand on another page.
    """
    known = [card for card in cards if card["value"] is not None]
    body = "".join(_card(card, voice, link) for card in known)
    html = f'<div class="sr-cards">{body}</div>' if known else ""
    unknown = [card for card in cards if card["value"] is None]
    return html + (_unknown(unknown, voice, link) if unknown else "")


def metric_name(metric: str, voice: Voice) -> str:
    """A metric's name in the contract."""
    return chosen(metrics.metric(metric).name, voice.language)


def _card(card: dict[str, Any], voice: Voice, link: str) -> str:
    name = escape(metric_name(card["metric"], voice) + _scope(card["scope"], voice))
    value = number_html(
        escape(voice.show(card["value"], _unit(card))), card["id"], "value", style="sr-f"
    )
    parts = [
        f'<p class="sr-card-name"><a href="{escape(link)}#metric-{escape(card["metric"])}">'
        f"{name}</a></p>",
        f'<p class="sr-card-value">{value}{_provisional(card, voice)}</p>',
        _status(card, voice),
        beside.beside_html(card, voice),
        sparkline(card, voice),
        _changes(card, voice),
    ]
    interval = marks.interval_html(card, voice)
    parts.append(f'<p class="sr-card-range">{interval}</p>' if interval else "")
    return f'<article class="sr-card sr-is-{card["status"]}">{"".join(parts)}</article>'


def _unit(card: dict[str, Any]) -> str:
    return display_unit(card["metric"], card["unit"])


def _scope(scope: dict[str, str], voice: Voice) -> str:
    return "".join(f" · {voice.name_of(name, value)}" for name, value in sorted(scope.items()))


def _provisional(card: dict[str, Any], voice: Voice) -> str:
    if not card["provisional"]:
        return ""
    return f' <span class="sr-tag">{escape(voice.say("word.provisional"))}</span>'


def _status(card: dict[str, Any], voice: Voice) -> str:
    if card["status"] == "no_target":
        return ""
    gap = marks.gap_html(card, voice)
    return (
        f'<p class="sr-card-status">{marks.status_html(card["status"], voice)}'
        f'<span class="sr-gap">{gap}</span></p>'
    )


def _changes(card: dict[str, Any], voice: Voice) -> str:
    period = _period(card)
    rows = []
    for field, other in (("previous", period.previous()), ("last_year", period.last_year())):
        if card[field] is None:
            continue
        text = show_change(
            card["value"], card[field], card["unit"], voice.language, currency=voice.currency
        )
        mark = number_html(escape(text), card["id"], f"growth_{field}", style="sr-f")
        when = (Piece(voice.show(other, "period"), unit="period", value=other),)
        since = voice.say_html("card.since", when=when)
        rows.append(f'<li>{mark} <span class="sr-since">{since}</span></li>')
    return f'<ul class="sr-card-changes">{"".join(rows)}</ul>' if rows else ""


def _period(card: dict[str, Any]) -> Any:
    from datetime import date

    start, end = (date.fromisoformat(card["period"][name]) for name in ("start", "end"))
    return parse_period(card["period"]["label"], start, end)


def _unknown(cards: Sequence[dict[str, Any]], voice: Voice, link: str) -> str:
    items = "".join(
        f'<li><a href="{escape(link)}#metric-{escape(card["metric"])}">'
        f"{escape(metric_name(card['metric'], voice))}</a>{voice.spoken.colon}"
        f"{to_html(missing_pieces(card.get('missing'), voice))}</li>"
        for card in cards
    )
    lead = escape(voice.say("card.not_shown"))
    return f'<div class="sr-unknown"><p>{lead}</p><ul>{items}</ul></div>'


def missing_pieces(missing: dict[str, Any] | None, voice: Voice) -> tuple[Piece, ...]:
    """What a store lacks, in words."""
    if not missing:
        return voice.pieces("missing.undefined", {})
    return voice.pieces(
        f"missing.{missing['why']}" + ("_columns" if missing["columns"] else ""),
        {
            "table": missing["table"],
            "columns": voice.spoken.between.join(missing["columns"]) or "-",
        },
    )


def history_sheet(card: dict[str, Any]) -> Sheet:
    """The earlier periods of a card: row i is the fact `metric:i`."""
    units = {"period": "text", "value": _unit(card)}
    return Sheet(card["id"], units, card.get("history") or ())


def sparkline(card: dict[str, Any], voice: Voice) -> str:
    """The last periods as a line with the target; each point tells its value on hover."""
    points = card.get("history") or []
    values = [point["value"] for point in points]
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    y_of = _scale([*known, *([card["target"]] if card["target"] is not None else [])])
    step = (_WIDTH - 2 * _ROOM) / (len(points) - 1)
    places = [
        (_ROOM + i * step, y_of(value)) if value is not None else None
        for i, value in enumerate(values)
    ]
    parts = []
    if card["target"] is not None:
        y = y_of(card["target"])
        parts.append(
            f'<line x1="0" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" class="sr-spark-target"/>'
        )
    parts += [f'<polyline points="{run}" class="sr-spark-line"/>' for run in _runs(places)]
    last = next(place for place in reversed(places) if place)
    style = "sr-spark-open" if card["provisional"] else "sr-spark-last"
    parts.append(f'<circle cx="{last[0]:.1f}" cy="{last[1]:.1f}" r="3" class="{style}"/>')
    parts += [
        f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="6" class="sr-spark-hit" '
        f'data-fact="{escape(card["id"])}:{i}" data-field="value"><title>'
        f"{escape(point['period'])}: {escape(voice.show(point['value'], _unit(card)))}</title>"
        "</circle>"
        for i, (place, point) in enumerate(zip(places, points, strict=True))
        if place
    ]
    label = escape(voice.say("card.sparkline", n=len(points)))
    return (
        f'<svg class="sr-spark" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{label}">{"".join(parts)}</svg>'
    )


def _scale(values: Sequence[float]) -> Any:
    low, high = min(values), max(values)
    span = (high - low) or abs(high) or 1.0
    return lambda value: _HEIGHT - _ROOM - (value - low) / span * (_HEIGHT - 2 * _ROOM)


def _runs(places: Sequence[tuple[float, float] | None]) -> list[str]:
    runs: list[list[str]] = [[]]
    for place in places:
        if place is None:
            runs.append([])
        else:
            runs[-1].append(f"{place[0]:.1f},{place[1]:.1f}")
    return [" ".join(run) for run in runs if len(run) > 1]
