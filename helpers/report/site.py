"""The list of all that is published: by store, the newest period first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from helpers.report import foot
from helpers.report.voice import Voice

Entries = Sequence[Mapping[str, Any]]


def part(entries: Entries, voice: Voice, today: date) -> dict[str, Any]:
    """The list in one language.

    Args:
        entries: A release each, as the run's list has it.
        voice: The language.
        today: Day of the list; ages are counted to it, for the page stays as it is made.

    Returns:
        `code`, `title`, `lead`, `none`, and `stores`: a `title` and its `releases` each, the store
        with the newest release first.
    """
    stores: dict[str, list[Mapping[str, Any]]] = {}
    for entry in sorted(entries, key=lambda one: str(one["published_at"]), reverse=True):
        stores.setdefault(entry["store"], []).append(entry)
    return {
        "code": voice.spoken.html,
        "title": voice.say("page.site"),
        "lead": voice.say("page.site_lead", day=today),
        "none": voice.say("site.none"),
        "stores": [
            {"title": _title(found[0], voice), "releases": _releases(found, voice, today)}
            for found in stores.values()
        ],
    }


def _title(entry: Mapping[str, Any], voice: Voice) -> str:
    titles = entry["title"]
    return str(titles.get(voice.language) or titles.get("en") or entry["store"])


def _releases(entries: Entries, voice: Voice, today: date) -> list[dict[str, str]]:
    newest = sorted(entries, key=lambda one: (one["period"]["end"], one["period"]["start"]))
    return [_release(entry, voice, today) for entry in reversed(newest)]


def _release(entry: Mapping[str, Any], voice: Voice, today: date) -> dict[str, str]:
    published = datetime.fromisoformat(entry["published_at"]).date()
    age = (today - published).days
    return {
        "address": _address(entry, voice.language),
        "period": foot.period_title(entry["period"], voice),
        "published": voice.say(
            "site.published_before" if age > 0 else "site.published", day=published, n=age
        ),
        "state": entry["status"],
        "status": voice.say(f"site.{entry['status']}"),
        "verdict": (entry.get("verdict") or {}).get(voice.language, ""),
    }


def _address(entry: Mapping[str, Any], language: str) -> str:
    """The front page in a language; the first of the run where it has no other."""
    languages, address = entry["languages"], entry["address"]
    if language not in languages[1:]:
        return str(address)
    folder, _, name = address.rpartition("/")
    return f"{folder}/{language}/{name}"
