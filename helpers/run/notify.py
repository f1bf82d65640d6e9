"""Notices: the front page's summary when a report is out, a plain word to the owner on a fault.

Addresses are those of Apprise (e-mail, WeCom, DingTalk, Feishu, Slack and others). They hold
secrets, so they stand in the environment alone and are never written or shown.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.store.errors import BadInput

READERS = "STORE_REPORT_NOTIFY"
OWNER = "STORE_REPORT_NOTIFY_OWNER"
WEB_ADDRESS = "STORE_REPORT_URL"
SEND, PRINT = "send", "print"


class NotSent(Exception):
    """A notice reached not all whom it should have."""


@dataclass(frozen=True)
class Notices:
    """Who is told, and how.

    Attributes:
        way: `send`, `print` (show what would be sent), or empty for none.
        readers: Addresses told of a publication.
        owner: Addresses told of a fault.
        web_address: Where the output folder is served; empty where readers open files.
    """

    way: str
    readers: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    web_address: str = ""

    @classmethod
    def of(cls, way: str, environment: Mapping[str, str] = os.environ) -> Notices:
        """The notices that a run was asked for.

        Args:
            way: `send`, `print` or empty.
            environment: Holds the addresses, separated by spaces or commas; the owner's are the
                readers' where none are given.

        Raises:
            BadInput: Notices are to be sent, and there is no address or one that is no address.
        """
        readers, owner = (_addresses(environment, name) for name in (READERS, OWNER))
        if way == SEND:
            _need(readers)
            for name, found in ((READERS, readers), (OWNER, owner)):
                _check(name, found)
        return cls(way, readers, owner or readers, environment.get(WEB_ADDRESS, "").rstrip("/"))

    def published(
        self, context: Mapping[str, Any], records: Mapping[str, Any], folder: Path
    ) -> None:
        """Tell the readers what the front page says.

        Args:
            context: As for the pages.
            records: The chapters' records by chapter.
            folder: The published folder, `<output>/<store>/<period>`.

        Raises:
            NotSent: It did not reach all of them.
        """
        if not self.way:
            return
        from helpers.report.summary import summary

        web = f"{self.web_address}/{folder.parent.name}/{folder.name}"
        address = web if self.web_address else str(folder)
        self._tell(self.readers, *summary(context, records, context["languages"][0], address))

    def failed(self, store: str, reason: str, language: str) -> None:
        """Tell the owner that nothing, or not all, was published.

        Raises:
            NotSent: It did not reach all of them.
        """
        if not self.way:
            return
        from helpers.report.summary import failure

        self._tell(self.owner, *failure(store, reason, language))

    def _tell(self, addresses: tuple[str, ...], title: str, body: str) -> None:
        if self.way == PRINT:
            print(f"{title}\n\n{body}\n")
            return
        import apprise

        missed = 0
        for address in addresses:
            notifier = apprise.Apprise()
            notifier.add(address)
            missed += not notifier.notify(
                title=title, body=body, body_format=apprise.NotifyFormat.TEXT
            )
        if missed:
            raise NotSent(
                f"the notice did not reach {missed} of {len(addresses)} addresses; try one with "
                "the command apprise, and see that this machine may connect to it"
            )


def _addresses(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(environment.get(name, "").replace(",", " ").split())


def _need(readers: tuple[str, ...]) -> None:
    if not readers:
        raise BadInput(
            f"--notify send: {READERS} is not set; put the addresses into it, or take "
            "--notify print to see what would be sent"
        )


def _check(name: str, addresses: tuple[str, ...]) -> None:
    """Make sure that each is an address, without saying what it is."""
    import apprise

    for place, address in enumerate(addresses, start=1):
        if not apprise.Apprise().add(address):
            raise BadInput(
                f"{name}: address {place} of {len(addresses)} is none that Apprise knows; "
                "https://appriseit.com/services/ lists how each service is written"
            )
