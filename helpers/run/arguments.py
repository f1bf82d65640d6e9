"""The run's arguments, and the parameters that a notebook may be given: each declared once."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from helpers.plan.periods import parse_period
from helpers.store.fingerprints import HELPERS, PROJECT
from helpers.store.open import SAMPLE

NOTEBOOK_PARAMETERS: dict[str, type] = {
    "data": str,
    "store": str,
    "period": str,
    "run": str,
    "languages": str,
}
_VARIABLE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Options:
    """What a run was asked for.

    Attributes:
        data: Absolute path of a file or folder, `sample`, or `env:NAME`.
        store: Name of the store; a slug of the data where empty.
        period: As `parse_period` reads it; the last complete month where empty.
        chapters: Chapters to execute; all where empty.
        languages: Languages of the pages, the first one's pages at the top.
        output: Folder that is published to.
        jobs: Chapters that are executed at the same time.
        force: Execute also what has not changed.
        notify: `send` or `print` a notice of what came of the run; empty for none.
    """

    data: str
    store: str
    period: str
    chapters: tuple[str, ...]
    languages: tuple[str, ...]
    output: Path
    jobs: int
    force: bool
    notify: str

    @property
    def variable(self) -> str:
        """Name of the environment variable that holds the database's address; empty for files."""
        return self.data.removeprefix("env:") if self.data.startswith("env:") else ""

    def wanted(self) -> dict[str, object]:
        """What decides about the content of the pages, JSON-able."""
        return {
            "data": self.data,
            "store": self.store,
            "period": self.period,
            "chapters": self.chapters,
            "languages": self.languages,
            "output": str(self.output),
        }


def read(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line.

    Raises:
        SystemExit: With 2 and a message, where an argument is unknown or has a wrong value.
    """
    return Options(**vars(_parser().parse_args(arguments)))


def checked_parameters(values: Mapping[str, object]) -> dict[str, object]:
    """The parameters of a notebook, when names and types are the declared ones.

    Raises:
        ValueError: A name is not declared or is missing, or a value has another type.
    """
    if unknown := sorted(set(values) ^ set(NOTEBOOK_PARAMETERS)):
        raise ValueError(
            f"parameters {', '.join(unknown)}: unknown or missing; a notebook is given "
            f"{', '.join(NOTEBOOK_PARAMETERS)}"
        )
    for name, value in values.items():
        if type(value) is not NOTEBOOK_PARAMETERS[name]:
            raise ValueError(
                f"parameter {name} is {value!r}; it must be a {NOTEBOOK_PARAMETERS[name].__name__}"
            )
    return dict(values)


def languages_known() -> tuple[str, ...]:
    """The languages that the pages' texts exist in."""
    texts = HELPERS / "report" / "text"
    return tuple(sorted(path.parent.name for path in texts.glob("*/language.toml")))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run_all.py",
        description="Prepare a store's data, execute the chapters and publish their pages.",
        epilog="Exit: 0 all published; 1 a chapter failed, the others are published; "
        "2 bad usage or bad input, nothing published; 75 another run holds the lock.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--data", type=_data, default=SAMPLE, metavar="PATH|env:NAME",
        help="file or folder of exports, or the variable that holds a database's address; "
        "the sample shop when not given")  # fmt: skip
    add("--store", type=_store, default="", metavar="NAME",
        help="the store's name; a slug of the file or folder when not given")  # fmt: skip
    add("--period", type=_period, default="", metavar="PERIOD",
        help="2011-11, 2011-Q4, 2011, 2011-10-24..2011-11-20 or last-month; "
        "the last complete month in the data when not given")  # fmt: skip
    add("--chapters", type=_names, default=(), metavar="A,B",
        help="chapters to execute, such as traffic,30_product; all when not given")  # fmt: skip
    add("--languages", type=_languages, default=("en", "zh"), metavar="EN,ZH",
        help="languages of the pages; the first one's stand at the top")  # fmt: skip
    add("--output", type=_folder, default=PROJECT / "reports", metavar="FOLDER",
        help="folder that is published to; reports when not given")  # fmt: skip
    add("--jobs", type=_jobs, default=1, metavar="N",
        help="chapters executed at the same time; each takes memory of its own")  # fmt: skip
    add("--force", action="store_true", help="execute also what has not changed")
    add("--notify", choices=("send", "print"), default="",
        help="tell the addresses in STORE_REPORT_NOTIFY what came of it, or print what they "
        "would be told")  # fmt: skip
    return parser


def _data(text: str) -> str:
    if text in ("", SAMPLE):
        return SAMPLE
    if text.startswith("env:"):
        if not _VARIABLE.fullmatch(text):
            raise argparse.ArgumentTypeError(
                f"{text!r} names no environment variable; write env: and the variable's name"
            )
        return text
    if "://" in text:
        raise argparse.ArgumentTypeError(
            "a database's address does not belong on the command line, where others can read it; "
            "put it in an environment variable and write env: and the variable's name"
        )
    return str(Path(text).expanduser().absolute())


def _store(text: str) -> str:
    if text and not re.search(r"[A-Za-z0-9]", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} gives no name for a folder; use letters, digits, - and _"
        )
    return text


def _period(text: str) -> str:
    try:
        if text:
            parse_period(text, date.min, date.max)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("--period ")) from error
    return text


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise argparse.ArgumentTypeError(f"{text!r} names nothing; give names with commas between")
    return names


def _languages(text: str) -> tuple[str, ...]:
    names, known = _names(text), languages_known()
    if unknown := [name for name in names if name not in known]:
        raise argparse.ArgumentTypeError(
            f"{unknown[0]!r} has no texts; languages are {', '.join(known)}"
        )
    return names


def _folder(text: str) -> Path:
    folder = Path(text).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a file; give a folder")
    return folder


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 64")
    return int(text)
