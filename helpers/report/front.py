"""The parts of the front page, from the chapters' records."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Any

from helpers.report import cards as card_parts
from helpers.report import foot, text
from helpers.report.text.template import placeholders
from helpers.report.voice import Voice

EVALUATION = "90_evaluation"
GOALS = ("cac_blended", "repurchase_rate", "conversion_rate")
FIGURES = (
    "net_margin", "net_sales", "orders", "gross_margin", "new_customers", "order_value",
    "ltv_12m", "on_time_in_full", "inventory_days", "payment_success_rate", "organic_share",
)  # fmt: skip
MOST_CARDS = 12
MOST_OF_A_CHAPTER = 2
MOST_DECISIONS = 5
_FIGURE = re.compile(r"-?\d+(\.\d+)?")
Records = Mapping[str, Mapping[str, Any]]


def cards(records: Records, voice: Voice) -> tuple[str, str]:
    """The goals' cards, and those of the other key figures that the store's data can tell."""
    found = all_facts(records)
    goals = [found[name] for name in GOALS if name in found]
    known = [found[name] for name in FIGURES if name in found]
    known = [card for card in known if card["value"] is not None]
    most = MOST_CARDS - len(GOALS)
    bare = [card for card in known if not card.get("history")]
    left_out = bare[len(bare) - max(len(known) - most, 0) :] if len(known) > most else []
    others = [card for card in known if card not in left_out][:most]
    figures = card_parts.cards_html(others, voice) if others else ""
    return card_parts.cards_html(goals, voice), figures


def all_facts(records: Records) -> dict[str, dict[str, Any]]:
    """Facts about the whole store by id; a card, which has a history, before a plain fact.

    Where chapters state the same fact, evaluation's stands.
    """
    found: dict[str, dict[str, Any]] = {}
    for part in ("facts", "cards"):
        for record in _evaluation_last(records):
            found.update({fact["id"]: dict(fact) for fact in record.get(part, ())})
    return found


def _evaluation_last(records: Records) -> list[Mapping[str, Any]]:
    return [records[name] for name in sorted(records)]


def verdict(records: Records, language: str) -> str:
    """Evaluation's sentence, which speaks for the whole shop; empty where there is none."""
    record = records.get(EVALUATION, {})
    return str(record.get("verdict", {}).get(language, ""))


def alerts(context: dict[str, Any], voice: Voice) -> list[str]:
    """What a reader must know before trusting the page."""
    found = []
    for page in context["pages"]:
        title = text.chapter_title(page["chapter"], voice.language)
        if state := _state(page, voice, only_bad=True):
            found.append(f"{title}{voice.spoken.colon}{state}")
    if context.get("left_out"):
        names = voice.spoken.between.join(
            text.chapter_title(chapter, voice.language) for chapter in context["left_out"]
        )
        found.append(voice.say("state.left_out", names=names))
    if failed := context["quality"].get("failed"):
        found.append(voice.say("state.quality_failed", tables=", ".join(failed)))
    return found


def _state(page: Mapping[str, Any], voice: Voice, *, only_bad: bool = False) -> str:
    if page["status"] == "failed":
        return voice.say("state.failed_short")
    when = page.get("stale_since") or page.get("executed_at")
    if page["status"] == "stale" and when:
        return voice.say("state.stale_short", when=foot.read_moment(when, voice))
    if page["status"] == "carried" and when and not only_bad:
        return voice.say("state.carried_short", when=foot.read_moment(when, voice))
    return ""


def decisions(
    records: Records, pages: Sequence[Mapping[str, Any]], voice: Voice
) -> list[dict[str, str]]:
    """The actions with the most money, a chapter's two largest at most.

    Chapters count their money differently (at stake, saved, gained), so one of them alone must not
    fill the list.
    """
    files = {page["chapter"]: page["file"] for page in pages}
    ranked = []
    for record in _evaluation_last(records):
        own = sorted(record.get("actions", ()), key=lambda a: (-(a.get("worth") or 0), a["rank"]))
        ranked += own[:MOST_OF_A_CHAPTER]
    ranked.sort(key=lambda a: (-(a.get("worth") or 0), a["chapter"], a["rank"]))
    return [
        {
            "text": action["text"][voice.language],
            "chapter": text.chapter_title(action["chapter"], voice.language),
            "address": f"{files[action['chapter']]}#block-{action['key']}",
        }
        for action in ranked
        if action["chapter"] in files
    ][:MOST_DECISIONS]


def chapters(
    records: Records, pages: Sequence[Mapping[str, Any]], voice: Voice
) -> list[dict[str, str]]:
    """The chapters with their verdict in one sentence and their state."""
    return [
        {
            "title": text.chapter_title(page["chapter"], voice.language),
            "address": page["file"],
            "verdict": str(
                records.get(page["chapter"], {}).get("verdict", {}).get(voice.language, "")
            ),
            "state": _state(page, voice),
        }
        for page in pages
    ]


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


def site_part(entries: Sequence[Mapping[str, Any]], voice: Voice, now: datetime) -> dict[str, Any]:
    """The list of what is published in one language."""
    heads = ("store", "period", "published", "age", "status", "verdict")
    return {
        "code": voice.spoken.html,
        "title": voice.say("page.site"),
        "lead": voice.say("page.site_lead"),
        "none": voice.say("site.none"),
        "heads": [voice.say(f"site.{head}") for head in heads],
        "rows": [_site_row(entry, voice, now) for entry in entries],
    }


def _site_row(entry: Mapping[str, Any], voice: Voice, now: datetime) -> dict[str, str]:
    published = datetime.fromisoformat(entry["published_at"])
    age = (now.date() - published.date()).days
    languages = entry["languages"]
    address = entry["address"]
    if voice.language in languages and voice.language != languages[0]:
        folder, _, name = address.rpartition("/")
        address = f"{folder}/{voice.language}/{name}"
    return {
        "store": entry["title"].get(voice.language) or entry["store"],
        "address": address,
        "period": foot.period_title(entry["period"], voice),
        "published": voice.show(published.date(), "date"),
        "age": voice.say("site.days_ago", n=age) if age > 0 else voice.say("site.today"),
        "status": voice.say(f"site.{entry['status']}"),
        "verdict": (entry.get("verdict") or {}).get(voice.language, ""),
    }
