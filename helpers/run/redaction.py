"""Secrets of the environment: recognised, and kept out of whatever is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

WITHHELD = "[withheld]"
SHORTEST = 6
_SECRET_NAME = re.compile(
    r"passw|_pwd|secret|token|api_?key|access_?key|private_?key|credential|dsn|"
    r"(database|db)_?ur[il]|_notify",
    re.IGNORECASE,
)
_IN_ADDRESS = re.compile(r"\b([a-z][a-z0-9+.-]*://)[^\s/@'\"<>]+@", re.IGNORECASE)


class Redactor:
    """Replaces secrets in texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Take the secrets; ones shorter than `SHORTEST` would hide ordinary text."""
        kept = {secret for secret in secrets if len(secret) >= SHORTEST}
        self._secrets = sorted(kept, key=lambda secret: (-len(secret), secret))

    @classmethod
    def of(cls, environment: Mapping[str, str], variable: str = "") -> Redactor:
        """All secrets of an environment; `variable` holds the address of the run's database."""
        secrets = [value for name, value in environment.items() if _SECRET_NAME.search(name)]
        return cls([*secrets, *parts_of_address(environment.get(variable, ""))])

    def __call__(self, text: str) -> str:
        """The text without secrets, and without the user part of any address."""
        for secret in self._secrets:
            text = text.replace(secret, WITHHELD)
        return _IN_ADDRESS.sub(rf"\1{WITHHELD}@", text)

    def everywhere(self, content: Any) -> Any:
        """JSON-able content with all its strings redacted."""
        if isinstance(content, str):
            return self(content)
        if isinstance(content, Mapping):
            return {self(str(name)): self.everywhere(value) for name, value in content.items()}
        if isinstance(content, (list, tuple)):
            return [self.everywhere(value) for value in content]
        return content


def parts_of_address(address: str) -> list[str]:
    """A database's address and the password in it, as written and decoded."""
    if not address:
        return []
    try:
        password = urlsplit(address).password or ""
    except ValueError:
        password = ""
    return [part for part in {address, password, unquote(password)} if part]
