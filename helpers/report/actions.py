"""Actions: who or what, how many, worth how much; ranked, with the money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from helpers.report.findings import number
from helpers.report.formats import SMALLEST_GROUP
from helpers.report.text import template
from helpers.report.text.template import to_html, to_text
from helpers.report.voice import Voice

if TYPE_CHECKING:
    import pandas as pd


def action_records(
    voices: Sequence[Voice],
    key: str,
    frame: pd.DataFrame,
    columns: Mapping[str, str | None],
    chapter: str,
) -> list[dict[str, Any]]:
    """One record an action; its sentence is the block's `item` filled from the row.

    Args:
        voices: Every language.
        key: Block of the catalogue; its `item` is the sentence.
        frame: One row an action, most urgent first.
        columns: Which columns hold `count`, `worth`, `low` and `high`; None where none does.
        chapter: Chapter that asks for the action.
    """
    found = []
    for rank, row in enumerate(frame.to_dict("records"), start=1):
        texts, html, figures = {}, {}, {}
        for voice in voices:
            pieces = voice.fill(_template(voice, key, row), row, f"{key}.{rank}")
            if pieces:
                figures = {voice.fact(f"{key}.{rank}"): template.figures(pieces)}
                texts[voice.language] = to_text(pieces)
                html[voice.language] = to_html(pieces)
        if len(texts) < len(voices):
            continue
        numbers = {name: number(row.get(c)) if c else None for name, c in columns.items()}
        if numbers["count"] is not None and 0 <= numbers["count"] < SMALLEST_GROUP:
            numbers["count"] = None
        action = {"chapter": chapter, "key": key, "rank": rank, "text": texts, "html": html}
        if numbers["worth"] is not None:
            figures[money_fact(action)] = {"worth": {"value": numbers["worth"], "unit": "money"}}
        found.append({**action, "figures": figures, **numbers})
    return found


def money_fact(action: Mapping[str, Any]) -> str:
    """Id under which the money of an action can be found."""
    return f"{action['chapter']}/{action['key']}.{action['rank']}.money"


def _template(voice: Voice, key: str, row: Mapping[str, Any]) -> str | None:
    """The sentence for a row: `item`, or the variant that the row's `action` names."""
    items = voice.texts.block(key, "item")
    if isinstance(items, Mapping):
        return items.get(str(row.get("action")))
    return items


def actions_html(voice: Voice, key: str, records: Sequence[dict[str, Any]], title: str) -> str:
    """The ranked list of actions; empty where there is nothing to do."""
    if not records:
        return ""
    items = "".join(f"<li>{record['html'][voice.language]}</li>" for record in records)
    lead = escape(voice.say("action.lead"))
    return (
        f'<section class="sr-actions" id="block-{escape(key)}"><h3 class="sr-title">'
        f'<span class="sr-kicker">{lead}</span> {title}</h3><ol>{items}</ol></section>'
    )
