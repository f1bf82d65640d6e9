"""The front page in a few lines of plain text, for those who are told that it is out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpers.report import cards, foot, front, text
from helpers.report.findings import display_unit
from helpers.report.formats import change_unit
from helpers.report.voice import Voice


def summary(
    context: Mapping[str, Any], records: front.Records, language: str, address: str
) -> tuple[str, str]:
    """What a reader of the front page would take from it.

    Args:
        context: As `helpers.run` makes it for the pages.
        records: The chapters' records by chapter.
        language: `en` or `zh`.
        address: Folder or web address of the release; links lead into it.

    Returns:
        A title in one line, and the text: verdict, the three goals, alerts, decisions, links.
    """
    voice = Voice(front.EVALUATION, language, context["prepared"]["currency"])
    titles = context["title"]
    store = titles.get(language) or titles.get("en") or context["store"]
    title = voice.say(
        "notice.title", store=store, period=foot.period_title(context["period"], voice)
    )
    decided = [f"- {one['text']}" for one in front.decisions(records, context["pages"], voice)]
    parts = [
        [records.get(front.EVALUATION, {}).get("verdict", {}).get(language, "")],
        _titled(voice.say("page.goals"), _goals(records, voice)),
        _titled(voice.say("page.alerts"), [f"- {a}" for a in front.alerts(dict(context), voice)]),
        _titled(voice.say("page.decisions"), decided),
        _links(context, voice, address),
    ]
    return title, "\n\n".join("\n".join(part) for part in parts if any(part))


def failure(store: str, reason: str, language: str) -> tuple[str, str]:
    """A plain notice that nothing, or not all, was published; title and text."""
    voice = Voice("", language, "CNY")
    return voice.say("notice.failed", store=store), f"{reason}\n\n{voice.say('notice.failed_next')}"


def _titled(title: str, lines: list[str]) -> list[str]:
    return [title, *lines] if lines else []


def _goals(records: front.Records, voice: Voice) -> list[str]:
    """A line for each goal that the store's data can tell."""
    facts = front.all_facts(records)
    known = [facts[name] for name in front.GOALS if name in facts]
    return [_goal(fact, voice) for fact in known if fact["value"] is not None]


def _goal(fact: Mapping[str, Any], voice: Voice) -> str:
    name = cards.metric_name(fact["metric"], voice)
    unit = display_unit(fact["metric"], fact["unit"])
    value, status = voice.show(fact["value"], unit), voice.say(f"status.{fact['status']}")
    if fact["gap"] is None:
        return voice.say("notice.goal", name=name, value=value, status=status)
    side = fact["target_direction"] + ("_short" if fact["gap"] > 0 else "_reached")
    away = voice.show(abs(fact["gap"]), change_unit(fact["unit"]))
    goal = voice.show(fact["target"], fact["unit"], strip=True)
    gap = voice.say(f"gap.{side}", away=away, goal=goal)
    return voice.say("notice.goal_gap", name=name, value=value, status=status, gap=gap)


def _links(context: Mapping[str, Any], voice: Voice, address: str) -> list[str]:
    """The front page and the chapters in this language."""
    own = voice.language != context["languages"][0]
    base = address.rstrip("/") + (f"/{voice.language}" if own else "")
    found = [voice.say("notice.link", title=voice.say("page.front"), address=f"{base}/index.html")]
    for page in context["pages"]:
        title = text.chapter_title(page["chapter"], voice.language)
        found.append(voice.say("notice.link", title=title, address=f"{base}/{page['file']}"))
    return found
