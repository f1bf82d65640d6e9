"""Statuses as a shape and a word, and what is left to a target in words."""

from __future__ import annotations

from html import escape
from typing import Any

from helpers.plan.metrics import metric
from helpers.report.findings import display_unit
from helpers.report.formats import SMALLEST_GROUP, change_unit
from helpers.report.text.template import Piece
from helpers.report.voice import Voice

SHAPES = {"met": "▲", "missed": "▼", "not_enough_evidence": "◆", "no_target": "", "unknown": ""}


def status_html(status: str, voice: Voice) -> str:
    """A status as a shape and a word; the shape is not read out."""
    shape = SHAPES[status]
    mark = f'<span aria-hidden="true">{shape}</span> ' if shape else ""
    return (
        f'<span class="sr-status sr-{status}">{mark}{escape(voice.say(f"status.{status}"))}</span>'
    )


def gap_html(fact: dict[str, Any], voice: Voice) -> str:
    """How far a fact is from its target, in words; empty where there is no target."""
    gap, target = fact["gap"], fact["target"]
    if gap is None or target is None:
        return ""
    unit = fact["unit"]
    away = piece(fact, "shortfall", voice.show(abs(gap), change_unit(unit)))
    goal = piece(fact, "target", voice.show(target, unit, strip=True))
    side = fact["target_direction"] + ("_short" if gap > 0 else "_reached")
    return voice.say_html(f"gap.{side}", away=away, goal=goal)


def interval_html(fact: dict[str, Any], voice: Voice) -> str:
    """The 95 % interval and what it rests on; empty where the value is exact."""
    if fact["low"] is None or fact["high"] is None:
        return ""
    unit = display_unit(fact["metric"], fact["unit"])
    low, high = (piece(fact, end, voice.show(fact[end], unit)) for end in ("low", "high"))
    if fact["n"] is None:
        return voice.say_html("card.interval", low=low, high=high)
    kind = metric(fact["metric"]).rests_on
    few = fact["n"] < SMALLEST_GROUP and kind != "days"
    n = piece(fact, "n", voice.show(fact["n"], "customers" if few else "integer"))
    cases = voice.pieces(f"rests_on.{kind}", {"n": n, "many": fact["n"]})
    return voice.say_html("card.interval_n", low=low, high=high, cases=cases)


def piece(fact: dict[str, Any], field: str, text: str) -> tuple[Piece, ...]:
    """A field of a fact as it stands in a sentence of the machinery."""
    return (Piece(text, fact["id"], field, style="sr-f"),)
