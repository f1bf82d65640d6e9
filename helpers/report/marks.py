"""Statuses as a shape and a word, and what is left to a target in words."""

from __future__ import annotations

from html import escape
from typing import Any

from helpers.plan.metrics import metric
from helpers.report.findings import display_unit
from helpers.report.formats import SMALLEST_GROUP, change_unit
from helpers.report.text.template import number_html
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
    away = number_html(
        escape(voice.show(abs(gap), change_unit(unit))), fact["id"], "shortfall", style="sr-f"
    )
    goal = number_html(
        escape(voice.show(target, unit, strip=True)), fact["id"], "target", style="sr-f"
    )
    side = fact["target_direction"] + ("_short" if gap > 0 else "_reached")
    pieces = voice.say(f"gap.{side}", away="%away%", goal="%goal%")
    return escape(pieces).replace("%away%", away).replace("%goal%", goal)


def interval_text(fact: dict[str, Any], voice: Voice) -> str:
    """The 95 % interval and what it rests on; empty where the value is exact."""
    if fact["low"] is None or fact["high"] is None:
        return ""
    unit = display_unit(fact["metric"], fact["unit"])
    low, high = (voice.show(fact[end], unit) for end in ("low", "high"))
    if fact["n"] is None:
        return voice.say("card.interval", low=low, high=high)
    kind = metric(fact["metric"]).rests_on
    few = fact["n"] < SMALLEST_GROUP and kind != "days"
    n = voice.show(fact["n"], "customers" if few else "integer")
    cases = voice.say(f"rests_on.{kind}", n=n, many=fact["n"])
    return voice.say("card.interval_n", low=low, high=high, cases=cases)
