"""What a figure is to be read against: what is booked, the plan, break-even, similar shops."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from helpers.plan import metrics
from helpers.report.findings import display_unit
from helpers.report.marks import piece
from helpers.report.text.template import Piece, to_html
from helpers.report.voice import Voice


def beside_html(fact: dict[str, Any], voice: Voice) -> str:
    """A short list of lines, each number marked with its fact; empty where nothing is known."""
    lines = [tell(fact, voice) for tell in (_so_far, _plan, _break_even, _peers)]
    items = "".join(f"<li>{line}</li>" for line in lines if line)
    return f'<ul class="sr-card-beside">{items}</ul>' if items else ""


def _so_far(fact: dict[str, Any], voice: Voice) -> str:
    """Money without what is projected, so that the provisional part can be seen."""
    observed = fact.get("observed")
    if not fact["provisional"] or fact["unit"] != "money" or observed is None:
        return ""
    if voice.show(observed, "money") == voice.show(fact["value"], "money"):
        return ""
    return _marked(fact, voice, "beside.so_far", ("observed",))


def _plan(fact: dict[str, Any], voice: Voice) -> str:
    """From where to where the plan wants to go, and until when; nothing once it is there."""
    if fact.get("target_start") is None or not fact.get("target_due") or fact["status"] == "met":
        return ""
    day = date.fromisoformat(fact["target_due"])
    due = (Piece(voice.show(day, "date"), unit="date", value=day),)
    return _marked(fact, voice, "beside.plan", ("target_start", "target"), due=due)


def _break_even(fact: dict[str, Any], voice: Voice) -> str:
    """On which side of its break-even a figure stands, where its interval leaves no doubt."""
    line = fact.get("break_even")
    if line is None or fact["value"] is None:
        return ""
    ends = [fact[end] for end in ("low", "value", "high") if fact[end] is not None]
    above = fact["value"] >= line
    if any((end >= line) != above for end in ends):
        return _marked(fact, voice, "beside.unclear", ("break_even",))
    earns = above == (metrics.metric(fact["metric"]).better == "up")
    side, sense = "above" if above else "below", "earns" if earns else "loses"
    return _marked(fact, voice, f"beside.{side}_{sense}", ("break_even",))


def _peers(fact: dict[str, Any], voice: Voice) -> str:
    """What shops like this one reach, as far as the platform's figures say."""
    known = [name for name in ("peers_average", "peers_best") if fact.get(name) is not None]
    return _marked(fact, voice, f"beside.{'_'.join(known)}", known) if known else ""


def _marked(
    fact: dict[str, Any], voice: Voice, key: str, fields: Sequence[str], **others: Any
) -> str:
    """A sentence of the machinery whose numbers are fields of a fact."""
    unit = display_unit(fact["metric"], fact["unit"])
    numbers = {
        name: piece(fact, name, voice.show(fact[name], unit, strip=name.startswith("target")))
        for name in fields
    }
    return to_html(voice.pieces(key, {**numbers, **others}))
