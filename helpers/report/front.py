"""The parts of the front page, from the chapters' records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from typing import Any

from markupsafe import Markup

from helpers.plan import calendar
from helpers.report import actions, foot, text
from helpers.report import cards as card_parts
from helpers.report.languages import chosen
from helpers.report.text.template import number_html
from helpers.report.voice import Voice

EVALUATION = "90_evaluation"
GOALS = ("cac_blended", "repurchase_rate", "conversion_rate")
FIGURES = (
    "net_margin", "sales_attainment", "net_sales", "contribution", "marketing_share",
    "return_on_spend", "stock_value", "unsettled_money", "new_customers", "orders", "order_value",
    "gross_margin", "on_time_in_full", "ltv_12m", "payment_success_rate", "organic_share",
)  # fmt: skip
STORY = ("story_month", "story_year", "story_margin")
VERDICT, LEVER, PLATFORMS = "verdict", "lever", "platforms"
NEXT_EVENT = "front/next_event"
FARTHEST_EVENT_DAYS = 120
MOST_CARDS = 12
MOST_OF_A_CHAPTER = 2
MOST_DECISIONS = 5
MONTHS = 12
Records = Mapping[str, Mapping[str, Any]]


def cards(records: Records, voice: Voice) -> tuple[str, str]:
    """The goals' cards, and those of the other key figures that the store's data can tell."""
    found = all_facts(records)
    goals = [found[name] for name in GOALS if name in found]
    known = [found[name] for name in FIGURES if name in found]
    known = [card for card in known if card["value"] is not None][: MOST_CARDS - len(GOALS)]
    figures = card_parts.cards_html(known, voice) if known else ""
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


def story(records: Records, language: str) -> list[Markup]:
    """What happened in the period and why, a sentence each, as evaluation says it."""
    told = (shown(records, EVALUATION, key, language) for key in STORY)
    return [sentence for sentence in told if sentence]


def shown(records: Records, chapter: str, key: str, language: str) -> Markup:
    """A block that a chapter lets stand on the front page; empty where it has none."""
    blocks = records.get(chapter, {}).get("front", ())
    found = {block["key"]: block["html"] for block in blocks}
    return Markup(found.get(key, {}).get(language, ""))


def event_ahead(as_of: date, currency: str) -> tuple[calendar.Event, int] | None:
    """The next sales event of the calendar and the days to it; None where none is near."""
    event = calendar.following(as_of, calendar.of_market(currency))
    days = (event.start - as_of).days if event else 0
    return (event, days) if event and days <= FARTHEST_EVENT_DAYS else None


def next_event(as_of: str, voice: Voice) -> Markup:
    """What is said of the next sales event; empty where none is near."""
    day = foot.read_day(as_of)
    ahead = event_ahead(day, voice.currency)
    if ahead is None:
        return Markup()
    event, days = ahead
    name = chosen(calendar.NAMES[event.event], voice.language)
    values = {"event": name, "start": event.start, "days": days, "day": day}
    return Markup(voice.say_html("page.next_event", NEXT_EVENT, **values))


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
        tables = voice.spoken.between.join(voice.name_of("table", one) for one in failed)
        found.append(voice.say("state.quality_failed", tables=tables))
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
) -> list[dict[str, Any]]:
    """The actions with the most money in a year, a chapter's two largest at most.

    Money that rests on an assumption stands behind money that rests on the shop's own data.
    Chapters count theirs differently (at stake, saved, gained), so one of them alone must not fill
    the list.
    """
    files = {page["chapter"]: page["file"] for page in pages}
    ranked = []
    for record in _evaluation_last(records):
        ranked += sorted(record.get("actions", ()), key=_rank)[:MOST_OF_A_CHAPTER]
    ranked.sort(key=_rank)
    return [
        {
            "text": action["text"][voice.language],
            "html": Markup(action["html"][voice.language]),
            "worth": _worth(action, voice),
            "chapter": text.chapter_title(action["chapter"], voice.language),
            "address": f"{files[action['chapter']]}#block-{action['key']}",
        }
        for action in ranked
        if action["chapter"] in files
    ][:MOST_DECISIONS]


def _rank(action: Mapping[str, Any]) -> tuple[bool, float, str, int]:
    """Where an action stands among all: the first is the smallest."""
    money = (action.get("worth") or 0) * action.get("per_year", 1)
    return bool(action.get("claim")) or not money, -money, action["chapter"], action["rank"]


def _worth(action: Mapping[str, Any], voice: Voice) -> Markup:
    """The money of an action; empty where none is known."""
    if not action.get("worth"):
        return Markup()
    shown, fact = escape(voice.show(action["worth"], "money")), actions.money_fact(action)
    often = escape(voice.say("page.a_month")) if action.get("per_year") == MONTHS else ""
    number = number_html(shown, fact, "worth", style="sr-f")
    return Markup(f'{number} <span class="sr-per">{often}</span>' if often else number)


def chapters(
    records: Records, pages: Sequence[Mapping[str, Any]], voice: Voice
) -> list[dict[str, Any]]:
    """The chapters with their verdict in one sentence and their state."""
    return [
        {
            "title": text.chapter_title(page["chapter"], voice.language),
            "address": page["file"],
            "verdict": shown(records, page["chapter"], VERDICT, voice.language),
            "state": _state(page, voice),
        }
        for page in pages
    ]
