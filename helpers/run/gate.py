"""The gate before publication: what is not whole, or could reach outside, is not published."""

from __future__ import annotations

import html
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from helpers.run.files import read_json, sha256

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)
MANIFEST = "manifest.json"
LONGEST_FAULTS = 5
_REFERENCES = {
    "action", "background", "cite", "codebase", "data", "formaction", "href", "longdesc",
    "manifest", "ping", "poster", "src", "srcset", "usemap", "xlink:href",
}  # fmt: skip
_REFUSED = {
    "applet", "audio", "base", "embed", "frame", "frameset", "iframe", "object", "portal", "script",
    "source", "track", "video",
}  # fmt: skip
_IN_STYLE = re.compile(r"url\(\s*['\"]?(?!data:|#)|@import|expression\(", re.IGNORECASE)


class NotFit(Exception):
    """What was to be published did not pass the gate."""


class _Reader(HTMLParser):
    """Reads a page and collects what is wrong with it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.addresses: list[str] = []
        self.ids: set[str] = set()
        self.seen: set[str] = set()
        self._heads: list[tuple[str, dict[str, str]]] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.seen.add(tag)
        if "head" in self.seen and "body" not in self.seen and tag != "head":
            self._heads.append((tag, attributes))
        if tag in _REFUSED:
            self.faults.append(f"<{tag}> is not allowed")
        if tag == "meta" and attributes.get("http-equiv", "").lower() == "refresh":
            self.faults.append("<meta http-equiv=refresh> is not allowed")
        self._in_style = tag == "style"
        self.ids.add(attributes.get("id", ""))
        for name, value in attributes.items():
            self._attribute(tag, name, value)

    def handle_endtag(self, tag: str) -> None:
        self.seen.add(f"/{tag}")
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style and (found := _IN_STYLE.search(data)):
            self.faults.append(f"a style reaches outside: {found[0]}")

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on"):
            self.faults.append(f"<{tag} {name}> is a script")
        elif name == "style" and _IN_STYLE.search(value):
            self.faults.append(f"<{tag} style> reaches outside")
        elif name in _REFERENCES:
            self._reference(tag, name, value.strip())

    def _reference(self, tag: str, name: str, value: str) -> None:
        if value.startswith(("data:image/", "data:font/", "data:,")):
            return
        if urlsplit(value).scheme or value.startswith(("/", "\\")):
            self.faults.append(f"<{tag} {name}={value[:60]!r}> is an address outside")
        elif value:
            self.addresses.append(value)

    def finish(self) -> None:
        """Judge the page as a whole, once it has been read."""
        for part in ("html", "head", "body", "title", "/html", "/body"):
            if part not in self.seen:
                self.faults.append(f"<{part}> is absent")
        policies = [place for place, (tag, found) in enumerate(self._heads)
                    if tag == "meta" and found.get("http-equiv", "").lower()
                    == "content-security-policy" and found.get("content") == POLICY]  # fmt: skip
        before = [] if not policies else self._heads[: policies[0]]
        if not policies:
            self.faults.append("the content security policy is absent or another")
        elif any("charset" not in found for _, found in before):
            self.faults.append("the content security policy is not the first in the head")


def _read_page(text: str) -> _Reader:
    """A page that was read, with its faults."""
    reader = _Reader()
    try:
        reader.feed(text)
        reader.close()
    except (AssertionError, ValueError) as error:
        reader.faults.append(f"it can't be read: {error}")
    reader.finish()
    return reader


def check_page(text: str) -> list[str]:
    """Make sure that a page is whole and keeps to itself.

    Returns:
        The addresses that it links to, all of them relative.

    Raises:
        NotFit: It does not; the message names the first faults.
    """
    page = _read_page(text)
    if page.faults:
        raise NotFit("; ".join(dict.fromkeys(page.faults[:LONGEST_FAULTS])))
    return page.addresses


def check_folder(folder: Path, pages: Iterable[str], secrets: Iterable[str]) -> None:
    """Make sure that a folder is fit to be published.

    Args:
        folder: The staged release, with its manifest.
        pages: Names of the pages that must be there.
        secrets: Texts that must stand in no byte of it.

    Raises:
        NotFit: A page is absent or has a fault, a link leads nowhere, JSON can't be read, a file
            is not as the manifest has it, or a secret stands in one.
    """
    check_manifest(folder)
    if absent := [page for page in pages if not (folder / page).is_file()]:
        raise NotFit(f"{', '.join(absent)} is absent")
    hidden = {form.encode() for secret in secrets for form in _forms(secret)}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        name = path.relative_to(folder).as_posix()
        if any(secret in part for secret in hidden for part in _parts(path, content)):
            raise NotFit(f"{name} holds a secret")
        if path.suffix == ".json":
            json.loads(content)
        if path.suffix == ".html":
            _check_links(folder, path, content.decode())


def _forms(secret: str) -> set[str]:
    """A secret as text, in HTML and in JSON."""
    return {secret, html.escape(secret), json.dumps(secret)[1:-1]}


def _parts(path: Path, content: bytes) -> Iterator[bytes]:
    """What a file holds, unpacked where it is a workbook."""
    if path.suffix != ".xlsx":
        yield content
        return
    with zipfile.ZipFile(path) as workbook:
        for name in workbook.namelist():
            yield workbook.read(name)


def _check_links(folder: Path, path: Path, text: str) -> None:
    for address in check_page(text):
        target = unquote(urlsplit(address).path)
        if target and not (path.parent / target).exists() and not _leads_out(folder, path, target):
            raise NotFit(f"{path.relative_to(folder).as_posix()} links to {address}: absent")


def _leads_out(folder: Path, path: Path, target: str) -> bool:
    """Whether a link leads above the release, to the list of all that is published."""
    depth = len(path.relative_to(folder).parts) - 1
    return target.count("../") > depth


def manifest(folder: Path) -> dict[str, dict[str, object]]:
    """Size and SHA-256 of every file below a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            name = path.relative_to(folder).as_posix()
            found[name] = {"bytes": path.stat().st_size, "sha256": sha256(path)}
    return found


def check_manifest(folder: Path) -> None:
    """Make sure that a folder's files are those of its manifest.

    Raises:
        NotFit: One is absent, changed or added, or there is no manifest.
    """
    wanted, found = read_json(folder / MANIFEST), manifest(folder)
    if wanted is None:
        raise NotFit("the manifest is absent or not whole")
    if changed := sorted(n for n in wanted.keys() | found.keys() if wanted.get(n) != found.get(n)):
        raise NotFit(f"{changed[0]} is not as the manifest has it")
