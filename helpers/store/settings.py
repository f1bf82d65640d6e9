"""What a shop says about itself in `store.toml`, beside its data."""

from __future__ import annotations

import re
import tomllib
import zoneinfo
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.store.errors import BadInput

FILE_NAME = "store.toml"
LANGUAGES = ("en", "zh")
KEYS = ("name", "currency", "time_zone", "encoding", "targets")


@dataclass(frozen=True)
class StoreSettings:
    """What `store.toml` says; whatever it leaves out is None and the source's default holds.

    Attributes:
        name: Name of the shop by language (`en`, `zh`).
        currency: ISO 4217 code of all money in the data.
        time_zone: IANA name of the zone that all times in the data are in.
        encoding: Encoding of the text files.
        targets: Metric to target value, in place of the plan's.
    """

    name: dict[str, str] | None = None
    currency: str | None = None
    time_zone: str | None = None
    encoding: str | None = None
    targets: dict[str, float] = field(default_factory=dict)


def settings_file(data: str | Path) -> Path | None:
    """The `store.toml` that belongs to a folder, a file or nothing (a database)."""
    if str(data).startswith("env:"):
        return None
    path = Path(data)
    found = (path if path.is_dir() else path.parent) / FILE_NAME
    return found if found.is_file() else None


def load_settings(data: str | Path) -> StoreSettings:
    """Read the settings beside the data; nothing but defaults where there are none.

    Raises:
        BadInput: The file is no TOML, has an unknown key, or a value that can't be.
    """
    path = settings_file(data)
    if path is None:
        return StoreSettings()
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: is no TOML in UTF-8 ({error}); mend it or remove it") from error
    if unknown := sorted(set(found) - set(KEYS)):
        raise BadInput(
            f"{path}: unknown key {unknown[0]!r}; known are {', '.join(KEYS)}; remove or rename it"
        )
    return StoreSettings(
        name=_name(path, found.get("name")),
        currency=_checked(path, found, "currency", _is_currency, "three capitals such as CNY"),
        time_zone=_checked(
            path, found, "time_zone", _is_zone, "an IANA name such as Asia/Shanghai"
        ),
        encoding=_checked(path, found, "encoding", _is_encoding, "utf-8, gb18030 or another codec"),
        targets=_targets(path, found.get("targets", {})),
    )


def _name(path: Path, value: Any) -> dict[str, str] | None:
    if value is None:
        return None
    names: Any = dict.fromkeys(LANGUAGES, value) if isinstance(value, str) else value
    if not isinstance(names, dict) or not names:
        raise BadInput(f"{path}: name is {value!r}; give a text, or a text for each of en and zh")
    for language, text in names.items():
        if language not in LANGUAGES or not isinstance(text, str) or not text.strip():
            raise BadInput(f"{path}: name.{language} is {text!r}; give a text for en, zh or both")
    spare: str = names.get("en") or names["zh"]
    return {language: names.get(language, spare) for language in LANGUAGES}


def _checked(path: Path, found: dict[str, Any], key: str, rule: Any, wanted: str) -> str | None:
    value = found.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not rule(value):
        raise BadInput(f"{path}: {key} is {value!r}; it must be {wanted}")
    return value


def _is_currency(value: str) -> bool:
    return re.fullmatch("[A-Z]{3}", value) is not None


def _is_zone(value: str) -> bool:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _is_encoding(value: str) -> bool:
    """Whether it is a text encoding in which lines, commas and quotes are those of ASCII."""
    try:
        return b'a,"\n'.decode(value) == 'a,"\n'
    except (LookupError, ValueError):
        return False


def _targets(path: Path, value: Any) -> dict[str, float]:
    if not isinstance(value, dict):
        raise BadInput(f"{path}: targets is {value!r}; it must be a table of metric = number")
    for metric, target in value.items():
        if isinstance(target, bool) or not isinstance(target, int | float):
            raise BadInput(f"{path}: targets.{metric} is {target!r}; it must be a number")
    return {metric: float(target) for metric, target in value.items()}
