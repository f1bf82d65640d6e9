"""What a browser shows of a published page, at a width and on paper, as plain facts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import unquote, urlsplit

import axe_playwright_python

HIGH, DESK, PHONE, PAPER = 844, 1280, 390, 688
SLOW_MS = 1000
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
# What is drawn inside a figure is one image to a reader, named by its label. axe's own judgement of
# contrast takes half a minute for a long page; `_FAINT` is the same rule (WCAG 2.1, 1.4.3).
_AXE_RUN = """async () => (await axe.run({exclude: [['svg.sr-svg > *']]}, {
    resultTypes: ['violations'],
    rules: {'color-contrast': {enabled: false}, 'link-in-text-block': {enabled: false}},
})).violations.filter(one => ['serious', 'critical'].includes(one.impact))
    .map(one => `${one.id}: ${one.nodes[0].html.slice(0, 120)}`)"""
_FAINT = """() => {
    const parts = color => color.match(/[\\d.]+/g).map(Number);
    const light = color => { const [r, g, b] = parts(color).map(v => v / 255).map(
        v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const ground = one => { for (; one; one = one.parentElement) {
        const color = getComputedStyle(one).backgroundColor;
        if (!(parts(color)[3] === 0)) return color; }
        return 'rgb(255, 255, 255)'; };
    const found = new Set();
    for (const one of document.querySelectorAll('body *:not(svg *)')) {
        if (![...one.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
        const style = getComputedStyle(one), size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        const pair = [light(style.color), light(ground(one))].sort((a, b) => b - a);
        const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
        if (ratio < (large ? 3 : 4.5)) found.add(`${one.className} ${ratio.toFixed(2)}`);
    }
    return [...found];
}"""
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
_SEEN = """() => {
    const box = one => { const found = document.querySelector(one);
        return found ? found.getBoundingClientRect().bottom + scrollY : null; };
    const shown = one => { const found = document.querySelector(one);
        return !!found && found.getBoundingClientRect().height > 0; };
    const cut = [], covered = [], sizes = [];
    for (const svg of document.querySelectorAll('svg.sr-svg')) {
        const frame = svg.getBoundingClientRect();
        if (!frame.width) continue;
        const scale = frame.width / svg.viewBox.baseVal.width;
        const texts = [...svg.querySelectorAll('text')].map(
            text => [text.textContent, text.getBoundingClientRect(), text]);
        for (const [name, a, text] of texts) {
            if (!a.width) continue;
            const room = a.height / 3;
            sizes.push([parseFloat(getComputedStyle(text).fontSize) * scale, svg.id + ': ' + name]);
            if (a.left < frame.left - 2 || a.right > frame.right + 2
                || a.top < frame.top - room || a.bottom > frame.bottom + room)
                cut.push(`${svg.id}: ${name}`);
        }
        texts.forEach(([name, a], i) => texts.slice(i + 1).forEach(([other, b]) => {
            const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            const upright = a.height > a.width && b.height > b.width;
            const apart = upright ? high <= 2 || wide / Math.min(a.width, b.width) <= 0.5
                : wide <= 2 || high / Math.min(a.height, b.height) <= 0.5;
            if (a.width && b.width && !apart)
                covered.push(`${svg.id}: ${name} / ${other}`);
        }));
    }
    return {
        wide: document.documentElement.scrollWidth,
        verdict: box('.sr-verdict'), card: box('.sr-card'), value: box('.sr-card-value'),
        at_side: shown('.sr-at-side'), at_top: shown('.sr-at-top > summary'),
        cut, covered,
        small: sizes.filter(([size]) => size < 8.5).map(([size, name]) => `${name} ${size}`),
    };
}"""
_STRUCTURE = """() => ({
    levels: [...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1]),
    lost: [...document.querySelectorAll('a[href^="#"]')].map(a => a.getAttribute('href'))
        .filter(href => !document.getElementById(decodeURIComponent(href.slice(1)))),
    links: [...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href')),
    unnamed: [...document.querySelectorAll('svg.sr-svg:not([aria-label]), img:not([alt])')].length,
})"""
_ON_PAPER = """() => ({
    wide: document.documentElement.scrollWidth,
    kept: [...document.querySelectorAll('figure, .sr-card, .sr-table tr')]
        .filter(one => one.getBoundingClientRect().height)
        .map(one => [getComputedStyle(one).breakInside, one.getBoundingClientRect().height,
                     one.textContent.slice(0, 60)]),
    hidden: [...document.querySelectorAll('.sr-definition-text')]
        .filter(one => !one.checkVisibility({contentVisibilityAuto: true})).length,
    contents: [...document.querySelectorAll('.sr-contents, .sr-chapters, .sr-rail')]
        .filter(one => one.getBoundingClientRect().height).length,
})"""


@dataclass(frozen=True)
class Look:
    """One page as a browser has shown it.

    Attributes:
        name: Run, language folder and file.
        path: Its file.
        at: Width in pixels to what was seen there; see `_SEEN`.
        structure: Headings and links; see `_STRUCTURE`.
        paper: What print would show; see `_ON_PAPER`.
        asked: Addresses asked for.
        complaints: What the console and the page's errors said.
        findings: Serious and critical findings of axe, and texts of too little contrast: on a desk
            for the first language, on a phone for the other one, whose elements are the same.
        paint_ms: First contentful paint; the median of three where the first was slow.
    """

    name: str
    path: Path
    at: dict[int, dict[str, Any]]
    structure: dict[str, Any]
    paper: dict[str, Any]
    asked: list[str]
    complaints: list[str]
    findings: list[str]
    paint_ms: float
    text: str = field(repr=False)

    @property
    def is_chapter(self) -> bool:
        """Whether it is a chapter's page."""
        return self.path.name[:2].isdigit()

    @property
    def letters(self) -> set[str]:
        """Every printable sign that the page can show, hover texts and hidden ones too."""
        body = re.sub(r"<style>.*?</style>", "", self.text, flags=re.DOTALL)
        marked = re.findall(r'(?:title|aria-label|data-note|data-file)="([^"]*)"', body)
        shown = unescape(" ".join([re.sub(r"<[^>]+>", " ", body), *marked]))
        return {letter for letter in shown if letter.isprintable() and not letter.isspace()}

    def lost_files(self) -> list[str]:
        """Links to files that are not there."""
        found = [unquote(urlsplit(link).path) for link in self.structure["links"]]
        return [name for name in found if name and not (self.path.parent / name).exists()]


def look_at(browser: Any, path: Path, name: str) -> Look:
    """Open a page on a desk, on a phone and as paper, and note what is to be seen."""
    tab = browser.new_page(viewport={"width": DESK, "height": HIGH})
    asked: list[str] = []
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    paint = _painted(tab, path)
    tab.evaluate(AXE)
    at, findings = {}, []
    judged = PHONE if path.parent.name == "zh" else DESK
    for width in (DESK, PHONE):
        tab.set_viewport_size({"width": width, "height": HIGH})
        at[width] = tab.evaluate(_SEEN)
        if width == judged:
            findings = [*tab.evaluate(_AXE_RUN), *tab.evaluate(_FAINT)]
    structure = tab.evaluate(_STRUCTURE)
    tab.emulate_media(media="print")
    tab.set_viewport_size({"width": PAPER, "height": 1000})
    paper = tab.evaluate(_ON_PAPER)
    tab.close()
    text = path.read_text(encoding="utf-8")
    return Look(name, path, at, structure, paper, asked, complaints, findings, paint, text)


def _painted(tab: Any, path: Path) -> float:
    """First contentful paint in milliseconds: of one visit, or the median of three."""
    times: list[float] = []
    while not times or (times[0] >= SLOW_MS and len(times) < 3):
        tab.goto(path.as_uri())
        tab.wait_for_function(f"() => {_PAINT.replace('.startTime', '')}")
        times.append(tab.evaluate(_PAINT))
    return median(times)
