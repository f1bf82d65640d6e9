"""Pages: a chapter, the front page of a run, a notice, and the list of all that is published.

Every function takes the `context` that `helpers.run` makes and gives one whole HTML document that
needs nothing else: no script, no address outside, fonts and figures inside.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from helpers.report import (
    blocks,
    downloads,
    fonts,
    foot,
    front,
    languages,
    paper,
    quality,
    site,
    text,
)
from helpers.report.voice import Voice

if TYPE_CHECKING:
    from helpers.report.exporter import Section

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)
_HERE = Path(__file__).parent
_DOWNLOAD = re.compile(r"<!--download:([\w-]+)-->")
_FONT_PLACE = "/*font*/"


@cache
def _templates() -> Environment:
    loader = FileSystemLoader(_HERE / "templates")
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        keep_trailing_newline=False,
    )  # fmt: skip


def render_chapter(notebook_path: Path, language: str, context: dict[str, Any]) -> str:
    """The page of an executed chapter.

    Args:
        notebook_path: The executed notebook.
        language: `en` or `zh`.
        context: As `helpers.run` makes it; `stale_since` marks a page that is not this run's.
    """
    from helpers.report.exporter import ChapterExporter

    chapter = context["chapter"]
    voice = Voice(chapter, language, context["prepared"]["currency"])
    parts, _ = ChapterExporter(language).from_filename(str(notebook_path))
    stale = context.get("stale_since")
    for section in parts.sections:
        section.parts = [_with_downloads(part, voice, context, stale) for part in section.parts]
    body = "".join(str(section.body) for section in parts.sections) + str(parts.lead)
    tables = [] if stale else parts.record.get("tables", [])
    links = _chapter_downloads(tables, voice, context)
    definitions = foot.definitions(body, voice)
    last = ("downloads" if links else "", "definitions" if definitions else "", "provenance")
    return _page(
        "chapter.j2",
        voice,
        context,
        title=text.chapter_title(chapter, language),
        question=text.find(voice.texts.tree, "chapter.question") or "",
        banners=_banners(voice, context),
        lead=parts.lead,
        sections=parts.sections,
        contents=_contents(parts.sections, last, voice),
        definitions=definitions,
        downloads=links,
    )


def _contents(sections: list[Section], last: Sequence[str], voice: Voice) -> list[dict[str, str]]:
    """Where a chapter's contents lead: its sections, what to do in each, the end of the page."""
    found = [
        {"anchor": s.anchor, "title": s.title, "actions": s.actions} for s in sections if s.title
    ]
    if not found:
        return []
    ends = [{"anchor": a, "title": voice.say(f"page.{a}"), "actions": ""} for a in last if a]
    return found + ends


def render_notice(chapter: str, language: str, context: dict[str, Any]) -> str:
    """The page of a chapter that could not be made and has no earlier version."""
    voice = Voice(chapter, language, context["prepared"]["currency"])
    banners = [voice.say("state.failed")]
    title = text.chapter_title(chapter, language)
    return _page("notice.j2", voice, {**context, "chapter": chapter}, title=title, banners=banners)


def render_index(language: str, context: dict[str, Any]) -> str:
    """The front page of a run: the three goals first."""
    voice = Voice(front.EVALUATION, language, context["prepared"]["currency"])
    records, pages = context["records"], context["pages"]
    goals, figures = front.cards(records, voice)
    shown = {key: front.shown(records, front.EVALUATION, key, language)
             for key in (front.VERDICT, front.LEVER, front.PLATFORMS)}  # fmt: skip
    parts = {
        "verdict": shown[front.VERDICT],
        "lever": shown[front.LEVER],
        "platforms": _with_downloads(shown[front.PLATFORMS], voice, context, None),
        "goals": Markup(goals),
        "figures": Markup(figures),
        "story": front.story(records, language),
        "decisions": front.decisions(records, pages, voice),
        "chapters": front.chapters(records, pages, voice),
    }
    return _page(
        "index.j2",
        voice,
        context,
        title=voice.say(
            "page.about",
            store=_store_title(context, language),
            period=foot.period_title(context["period"], voice),
        ),
        banners=_banners(voice, context),
        next_event=front.next_event(context["prepared"]["as_of"], voice),
        alerts=front.alerts(context, voice),
        quality=Markup(quality.quality_html(context["quality"], voice)),
        downloads=_index_downloads(records, voice, context),
        definitions=foot.definitions(_html_of(parts), voice),
        **parts,
    )


def _html_of(part: Any) -> str:
    """All HTML in the parts of a page, one after another."""
    if isinstance(part, Markup):
        return str(part)
    if isinstance(part, dict):
        return "".join(_html_of(one) for one in part.values())
    return "".join(_html_of(one) for one in part) if isinstance(part, list) else ""


def render_site_index(entries: list[dict[str, Any]], languages: list[str]) -> str:
    """The list of all that is published, by store, in every language."""
    voices = [Voice("", language, "CNY") for language in languages]
    parts = [site.part(entries, voice, datetime.now(UTC).date()) for voice in voices]
    title = voices[0].say("page.site")
    others = [
        {"address": f"#{part['code']}", "code": part["code"], "name": voice.spoken.name}
        for part, voice in zip(parts[1:], voices[1:], strict=True)
    ]
    html = (
        _templates()
        .get_template("site.j2")
        .render(
            **_frame(voices[0], paper.style(voices[0], title, "")),
            head_title=title,
            store_title=title,
            period_title="",
            home="",
            other_languages=others,
            pages=[],
            parts=parts,
        )
    )
    return _with_font(html)


def _page(template: str, voice: Voice, context: dict[str, Any], **parts: Any) -> str:
    language = voice.language
    current = context.get("chapter") if template != "index.j2" else None
    store, period = _store_title(context, language), foot.period_title(context["period"], voice)
    html = (
        _templates()
        .get_template(template)
        .render(
            **_frame(voice, paper.style(voice, f"{store} · {period}", parts["title"])),
            head_title=f"{parts['title']} · {store}",
            store_title=store,
            period_title=period,
            home="index.html",
            other_languages=_other_languages(context, language, current),
            pages=_navigation(context, voice, current),
            foot=foot.lines(context, voice),
            **parts,
        )
    )
    linked = foot.linked_metrics(html)
    sentences = {name: foot.sentence(name, voice) for name in linked}
    return _with_font(paper.with_notes(html, linked, sentences))


def _frame(voice: Voice, style: str = "") -> dict[str, Any]:
    return {
        "language": voice.language,
        "html_language": voice.spoken.html,
        "policy": Markup(POLICY),
        "font_face": Markup(_FONT_PLACE),
        "styles": Markup(blocks.stylesheet() + _page_styles() + style),
        "say": voice.say,
    }


@cache
def _page_styles() -> str:
    names = ("page.css", "front.css")
    return "".join((_HERE / "theme" / name).read_text(encoding="utf-8") for name in names)


def _with_font(html: str) -> str:
    """The page with the glyphs that it uses, and no more, of the font that it needs."""
    return html.replace(_FONT_PLACE, fonts.font_face([html]), 1)


def _store_title(context: dict[str, Any], language: str) -> str:
    titles = context["title"]
    return str(titles.get(language) or titles.get("en") or context["store"])


def _navigation(context: dict[str, Any], voice: Voice, current: str | None) -> list[dict[str, Any]]:
    front_page = {"title": voice.say("page.front"), "address": "index.html"}
    found: list[dict[str, Any]] = [{**front_page, "current": current is None}]
    for page in context["pages"]:
        title = text.chapter_title(page["chapter"], voice.language)
        is_current = page["chapter"] == current
        found.append({"title": title, "address": page["file"], "current": is_current})
    return found


def _other_languages(
    context: dict[str, Any], language: str, current: str | None
) -> list[dict[str, str]]:
    files = {page["chapter"]: page["file"] for page in context["pages"]}
    name = files.get(current or "", "index.html")
    first = context["languages"][0]
    return [
        {
            "code": languages.language(other).html,
            "name": languages.language(other).name,
            "address": context["prefix"] + ("" if other == first else f"{other}/") + name,
        }
        for other in context["languages"]
        if other != language
    ]


def _banners(voice: Voice, context: dict[str, Any]) -> list[str]:
    prepared, found = context["prepared"], []
    if prepared["as_of"] < context["period"]["end"]:
        found.append(voice.say("state.incomplete", day=foot.read_day(prepared["as_of"])))
    if context.get("stale_since"):
        when = foot.read_moment(context["stale_since"], voice)
        found.append(voice.say("state.stale", when=when))
    return found


def _with_downloads(
    part: Markup, voice: Voice, context: dict[str, Any], stale: str | None
) -> Markup:
    def link(found: re.Match[str]) -> str:
        if stale:
            return ""
        sheet = downloads.sheet_name(*found[1].split("-", 1))
        links = (
            (f"tables/{found[1]}.csv", f"{found[1]}.csv", voice.say("table.csv")),
            ("tables.xlsx", f"tables.xlsx: {sheet}", voice.say("table.workbook", sheet=sheet)),
        )
        return "".join(
            f' <a class="sr-download" href="{escape(context["prefix"] + address)}" download '
            f'data-file="{escape(file)}">{escape(words)}</a>'
            for address, file, words in links
        )

    return Markup(_DOWNLOAD.sub(link, str(part)))


def _chapter_downloads(
    tables: list[dict[str, Any]], voice: Voice, context: dict[str, Any]
) -> list[dict[str, Any]]:
    found = [
        {
            "address": f"{context['prefix']}tables/{context['chapter']}-{table['name']}.csv",
            "text": voice.say("table.csv_of", name=table["title"][voice.language]),
            "download": True,
        }
        for table in tables
    ]
    return [*found, _workbook(voice, context)] if found else []


def _workbook(voice: Voice, context: dict[str, Any]) -> dict[str, Any]:
    address = f"{context['prefix']}tables.xlsx"
    return {"address": address, "text": voice.say("page.workbook"), "download": True}


def _index_downloads(
    records: dict[str, Any], voice: Voice, context: dict[str, Any]
) -> list[dict[str, Any]]:
    found = [_workbook(voice, context)] if records else []
    for key, name in (("facts", "facts.json"), ("quality_file", "quality.json")):
        address = context["prefix"] + name
        found.append({"address": address, "text": voice.say(f"page.{key}"), "download": True})
    return found
