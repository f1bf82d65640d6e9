"""The sources that are known, in the order in which they are asked."""

from __future__ import annotations

from helpers.store.ingest.canonical import Canonical
from helpers.store.ingest.cdnow import Cdnow
from helpers.store.ingest.complete_journey import CompleteJourney
from helpers.store.ingest.ga4 import Ga4
from helpers.store.ingest.hillstrom import Hillstrom
from helpers.store.ingest.online_retail_ii import OnlineRetailII
from helpers.store.ingest.source import Source

SOURCES: tuple[Source, ...] = (
    OnlineRetailII(), Cdnow(), CompleteJourney(), Hillstrom(), Canonical(), Ga4(),
)  # fmt: skip
