"""From an executed notebook to the parts of a page: sections of one language, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import nh3
from markupsafe import Markup, escape
from nbconvert.exporters import Exporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from helpers.report.blocks import MIME, RECORD_MIME
from helpers.report.languages import SPARE

_HEADING = re.compile(r"^(#{1,2})\s+(.+?)\s*#*\s*$", re.MULTILINE)
_NOTICE = re.compile(r'<div class="sr-notice".*?</div>', re.DOTALL)
_ACTIONS = re.compile(r'<section class="sr-actions" id="([\w-]+)"')
_IMAGE_TYPES = ("image/png", "image/jpeg")
_TAGS = {
    "a", "b", "blockquote", "br", "caption", "code", "dd", "div", "dl", "dt", "em", "h3", "h4",
    "h5", "hr", "i", "kbd", "li", "ol", "p", "pre", "s", "small", "span", "strong", "sub", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}


@dataclass
class Section:
    """A stretch of a chapter below one heading; the first one has none.

    Attributes:
        title: The heading.
        anchor: Its id.
        parts: Texts and outputs in order.
        notices: Those of them that only say what the store lacks.
        shows: Whether it shows anything else.
        asked: Whether a cell of it had something to show or to say.
    """

    title: str = ""
    anchor: str = ""
    parts: list[Markup] = field(default_factory=list)
    notices: list[Markup] = field(default_factory=list)
    shows: bool = False
    asked: bool = False

    def add_output(self, html: Markup) -> None:
        """Take up an output."""
        self.parts.append(html)
        if _NOTICE.sub("", html).strip():
            self.shows = True
        else:
            self.notices.append(html)

    @property
    def actions(self) -> str:
        """Id of the first block that says what to do; empty where none does."""
        found = _ACTIONS.search(self.body)
        return found[1] if found else ""

    @property
    def body(self) -> Markup:
        """All its parts."""
        return Markup("\n").join(self.parts)


@dataclass
class Chapter:
    """What a page shows of a notebook.

    Attributes:
        lead: The verdict, which stands first on the page.
        sections: The rest, in order.
        record: The chapter's record; empty where it has none.
    """

    lead: Markup = field(default_factory=Markup)
    sections: list[Section] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)


def safe_markdown(source: str) -> Markup:
    """Markdown as HTML through an allow-list; no address outside, no raw HTML beyond it."""
    renderer = IPythonRenderer(escape=True, exclude_anchor_links=True)
    return safe_html(MarkdownWithMath(renderer=renderer).render(source))


def safe_html(html: str) -> Markup:
    """HTML of others through the allow-list; links stay inside the page and its folder."""
    cleaned = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=set(),
        link_rel=None,
        attribute_filter=_relative,
    )
    return Markup(cleaned)


def _relative(tag: str, attribute: str, value: str) -> str | None:
    inside = re.fullmatch(r"#?[\w.-]+(/[\w.-]+)*(#[\w.-]+)?", value)
    return value if attribute != "href" or inside else None


def anchors(notebook: NotebookNode) -> list[str]:
    """Ids of the sections, from the English headings: the same in every language."""
    found: list[str] = []
    for title in _headings(notebook, "en"):
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
        found.append(slug if slug not in found else f"{slug}-{len(found)}")
    return found


def _headings(notebook: NotebookNode, language: str) -> Iterator[str]:
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.metadata.get("language", "en") == language:
            for level, title in _HEADING.findall(cell.source):
                if level == "##":
                    yield title


def read_chapter(notebook: NotebookNode, language: str) -> Chapter:
    """A chapter's parts in one language; its texts in English where it has none in that one."""
    chapter = Chapter(sections=[Section()])
    names = iter(anchors(notebook))
    spoken = {cell.metadata.get("language") for cell in notebook.cells}
    written = language if language in spoken else SPARE
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            if cell.metadata.get("language", written) == written:
                _add_markdown(chapter, cell.source, names)
        elif cell.cell_type == "code":
            for output in cell.get("outputs", ()):
                _add_output(chapter, output, language)
    found = [s for s in chapter.sections if (s.title or s.parts) and not _is_silent(s)]
    chapter.sections = [s for s in found if not _is_bare(s)] + [s for s in found if _is_bare(s)]
    return chapter


def _is_silent(section: Section) -> bool:
    """Whether a section's cells have nothing to show, and others have said what is missing."""
    return bool(section.title and section.asked and not section.shows and not section.notices)


def _is_bare(section: Section) -> bool:
    """Whether a section only says what the store lacks; then its texts are left out, too."""
    bare = bool(section.title and section.notices and not section.shows)
    if bare:
        section.parts = section.notices
    return bare


def _add_markdown(chapter: Chapter, source: str, names: Iterator[str]) -> None:
    position = 0
    for found in _HEADING.finditer(source):
        _add_text(chapter, source[position : found.start()])
        position = found.end()
        if found[1] == "##":
            anchor = next(names, f"section-{len(chapter.sections)}")
            chapter.sections.append(Section(found[2], anchor))
    _add_text(chapter, source[position:])


def _add_text(chapter: Chapter, text: str) -> None:
    if text.strip():
        chapter.sections[-1].parts.append(safe_markdown(text))


def _add_output(chapter: Chapter, output: NotebookNode, language: str) -> None:
    data = output.get("data", {})
    if RECORD_MIME in data:
        chapter.record = data[RECORD_MIME]
    elif MIME in data:
        block = data[MIME]
        chapter.sections[-1].asked = True
        html = Markup(block["html"].get(language, ""))
        if block["kind"] == "verdict" and not chapter.lead:
            chapter.lead = html
        elif html:
            chapter.sections[-1].add_output(html)
    elif foreign := _foreign(data):
        chapter.sections[-1].add_output(foreign)


def _foreign(data: Any) -> Markup | None:
    """An output that is not ours: cleaned, or shown as text."""
    if "text/html" in data:
        return safe_html("".join(data["text/html"]))
    if "text/markdown" in data:
        return safe_markdown("".join(data["text/markdown"]))
    for kind in _IMAGE_TYPES:
        if kind in data:
            content = "".join(data[kind]).replace("\n", "")
            return Markup('<p><img src="data:{};base64,{}" alt=""></p>').format(kind, content)
    if "text/plain" in data:
        return Markup("<pre>{}</pre>").format(escape("".join(data["text/plain"])))
    return None


class ChapterExporter(Exporter):
    """Reads an executed notebook by nbconvert; `from_notebook_node` gives a `Chapter`."""

    file_extension = ".html"

    def __init__(self, language: str, **options: Any) -> None:
        """Take the language to show."""
        super().__init__(**options)
        self.language = language

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: Any = None, **options: Any
    ) -> tuple[Chapter, Any]:
        """The chapter's parts, and nbconvert's resources."""
        copy, resources = super().from_notebook_node(nb, resources, **options)
        return read_chapter(copy, self.language), resources
