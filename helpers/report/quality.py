"""What the front page says about the data: the verdict, what warns or fails, the bridge."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any

from helpers.report import text
from helpers.report.text.template import placeholders
from helpers.report.voice import Voice

_FIGURE = re.compile(r"-?\d+(\.\d+)?")


def quality_html(quality: Mapping[str, Any], voice: Voice) -> str:
    """The verdict on the data, what warns or fails, and the bridge to net sales."""
    verdicts = quality.get("verdicts", ())
    poor = [one for one in verdicts if one["status"] != "pass"]
    warned = sum(one["status"] == "warn" for one in poor)
    lead = voice.say("state.quality_warned", n=warned) if warned else ""
    if not poor:
        lead = voice.say("state.quality_good")
    return (
        f"<p>{escape(lead)}</p>" * bool(lead)
        + _checks(poor, voice)
        + _notes(quality.get("notes", ()), voice)
        + _bridge(quality.get("bridge", ()), voice)
    )


def _checks(poor: Sequence[Mapping[str, Any]], voice: Voice) -> str:
    if not poor:
        return ""
    heads = ("table", "check", "found", "rule", "status")
    head = "".join(f'<th scope="col">{escape(voice.say(f"quality.{h}"))}</th>' for h in heads)
    rows = "".join(
        f'<tr><th scope="row">{escape(one["table"])}</th>'
        f"<td>{escape(voice.name_of('check', one['check']))}</td><td>{escape(one['found'])}</td>"
        f"<td>{escape(one['rule'])}</td>"
        f"<td>{escape(voice.say('quality.' + one['status']))}</td></tr>"
        for one in sorted(poor, key=lambda one: one["status"])
    )
    return _scrolled(
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>", voice, "quality.checks"
    )


def _notes(notes: Sequence[Mapping[str, Any]], voice: Voice) -> str:
    tree = text.load(voice.language, "common")
    items = []
    for note in notes:
        written, values = text.find(tree, f"notes.{note['key']}"), _grouped(note.get("values", {}))
        known = written and {name for name, _, _ in placeholders(written)} <= set(values)
        pieces = voice.fill(written, values) if known else None
        shown = "".join(piece.text for piece in pieces) if pieces else note["text"]
        items.append(f"<li>{escape(shown)}</li>")
    return f'<ul class="sr-notes">{"".join(items)}</ul>' if items else ""


def _grouped(values: Mapping[str, str]) -> dict[str, str]:
    """Values of a note, their figures with a comma between thousands."""
    return {
        name: f"{Decimal(text):,}" if _FIGURE.fullmatch(text) else text
        for name, text in values.items()
    }


def _bridge(steps: Sequence[Mapping[str, Any]], voice: Voice) -> str:
    """From the source's raw total to net sales, exact to the cent."""
    shown = [s for s in steps if Decimal(s["money"]) or s["key"] in ("raw_total", "net_sales")]
    if len(shown) < 2:
        return ""
    lead = voice.say("foot.bridge")
    heads = [voice.say("quality.step"), voice.say("quality.rows"), voice.say("quality.money")]
    head = "".join(
        f'<th scope="col"{" class=sr-num" if i else ""}>{escape(h)}'
        + (f' <span class="sr-unit">{escape(voice.currency)}</span>' if i == 2 else "")
        + "</th>"
        for i, h in enumerate(heads)
    )
    rows = [
        f'<tr><th scope="row">{escape(voice.name_of("bridge", step["key"]))}</th>'
        f'<td class="sr-num">{int(step["rows"]):,}</td>'
        f'<td class="sr-num">{_cents(step["money"])}</td></tr>'
        for step in shown
    ]
    body = f"<tbody>{''.join(rows[:-1])}</tbody><tfoot>{rows[-1]}</tfoot>"
    table = _scrolled(f"<thead><tr>{head}</tr></thead>{body}", voice, "foot.bridge")
    return f"<h3>{escape(lead)}</h3>{table}"


def _cents(money: str) -> str:
    return f"{Decimal(money):,.2f}".replace("-", "−")


def _scrolled(inner: str, voice: Voice, label: str) -> str:
    name = escape(voice.say(label))
    return (
        f'<div class="sr-scroll" tabindex="0" role="region" aria-label="{name}">'
        f'<table class="sr-table">{inner}</table></div>'
    )
