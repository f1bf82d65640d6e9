"""Exports that lie beside a shop's own data and give what it lacks: spend, visits, traffic.

One main source gives orders and whatever else it holds. Campaign reports and GA4 events in the
same folder, or in sub-folders of their names, are read after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.store.errors import BadInput
from helpers.store.ingest import exports_spend, ga4_sessions
from helpers.store.ingest.exports_spend import Beside, SpendExport
from helpers.store.ingest.exports_text import Report
from helpers.store.ingest.ga4 import Ga4
from helpers.store.ingest.ga4_events import FOLDER, event_files
from helpers.store.ingest.google_ads import GoogleAds
from helpers.store.ingest.meta_ads import MetaAds
from helpers.store.ingest.source import Ingested, Note, Source, TableAccount, literal

if TYPE_CHECKING:
    import duckdb

    from helpers.store.settings import StoreSettings

SPEND_EXPORTS: tuple[SpendExport, ...] = (GoogleAds(), MetaAds())
EXPORTS: tuple[SpendExport | ga4_sessions.Ga4Visits, ...] = (
    *SPEND_EXPORTS, ga4_sessions.Ga4Visits(),
)  # fmt: skip
"""Everything that is read beside a main source."""
OTHER_SHOP = "main"


@dataclass(frozen=True)
class Found:
    """The exports in a folder."""

    spend: tuple[tuple[SpendExport, list[Report]], ...]
    events: tuple[Path, ...]

    @property
    def paths(self) -> list[Path]:
        """Their files."""
        return [*(report.path for _, reports in self.spend for report in reports), *self.events]


def find(data: str | Path) -> Found:
    """The exports in a folder; none where the data are a file or a database.

    Raises:
        BadInput: A file in the sub-folder of an export is none.
    """
    folder = Path(data)
    if str(data).startswith("env:") or not folder.is_dir():
        return Found((), ())
    for export in SPEND_EXPORTS:
        if unknown := export.unknown(folder):
            raise BadInput(
                f"{unknown[0].relative_to(folder)}: is no report of {export.name}, which begins "
                f"with {export.headers} in one of its first lines; export it in English, or move "
                "it elsewhere"
            )
    spend = [(export, export.reports(folder)) for export in SPEND_EXPORTS]
    events = tuple(event_files(folder))
    if not events and (others := _files(folder / FOLDER)):
        raise BadInput(
            f"{others[0].relative_to(folder)}: is no file of GA4's events; save the tables "
            "events_YYYYMMDD of BigQuery as Parquet, or as JSON with one event a line"
        )
    return Found(tuple((export, reports) for export, reports in spend if reports), events)


def _files(folder: Path) -> list[Path]:
    """Files of a folder that are not hidden; none where there is no such folder."""
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in found if path.is_file() and not path.name.startswith(".")]


class WithExports:
    """A main source and the exports beside it, read as one."""

    def __init__(self, main: Source, found: Found) -> None:
        """Nothing is read yet."""
        self.main = main
        self.found = found
        self.name = main.name
        self.defaults = main.defaults
        self.headers = main.headers
        self.about = main.about

    def recognises(self, data: str | Path) -> bool:
        """Whether the main source does."""
        return self.main.recognises(data)

    def files(self, data: str | Path) -> list[Path]:
        """The main source's files and those of the exports, each once."""
        return list(dict.fromkeys([*self.main.files(data), *self.found.paths]))

    def state(self, data: str | Path) -> str:
        """The main source's."""
        return self.main.state(data)

    def read(
        self,
        data: str | Path,
        target: Path,
        *,
        connection: duckdb.DuckDBPyConnection,
        settings: StoreSettings,
    ) -> Ingested:
        """Write what the main source holds, then what the exports add.

        Raises:
            BadInput: The data can't be used, or contradict each other.
        """
        beside = Beside(
            connection=connection,
            target=target,
            currency=settings.currency or self.defaults.currency,
            time_zone=settings.time_zone or self.defaults.time_zone,
        )
        if self.main.name == Ga4.name:
            return self._read_visits_last(beside, data, settings)
        ingested = self.main.read(data, target, connection=connection, settings=settings)
        beside = replace(beside, shop_id=_shop(connection, target), accounts=dict(ingested.tables))
        accounts = dict(ingested.tables)
        notes = _without_read(ingested.notes, self.found.paths)
        if self.found.spend:
            accounts["ad_spend"], more = exports_spend.read(beside, self.found.spend)
            beside = replace(beside, accounts=accounts)
            notes += more
        if self.found.events:
            added, more = ga4_sessions.read(beside, Path(data), self.found.events)
            accounts.update(added)
            notes += more
        notes += _several_shops(connection, target)
        return Ingested(accounts, ingested.bridge, notes)

    def _read_visits_last(
        self, beside: Beside, data: str | Path, settings: StoreSettings
    ) -> Ingested:
        """Spend first: it says the channel of the campaigns that visits and orders name."""
        accounts: dict[str, TableAccount] = {}
        notes: list[Note] = []
        if self.found.spend:
            accounts["ad_spend"], notes = exports_spend.read(beside, self.found.spend)
        ingested = self.main.read(
            data, beside.target, connection=beside.connection, settings=settings
        )
        return Ingested({**accounts, **ingested.tables}, ingested.bridge, [*ingested.notes, *notes])


def _shops(connection: duckdb.DuckDBPyConnection, target: Path) -> list[str]:
    orders = literal(target / "orders.parquet")
    query = f"SELECT DISTINCT shop_id FROM read_parquet({orders}) ORDER BY 1"
    return [str(row[0]) for row in connection.execute(query).fetchall()]


def _shop(connection: duckdb.DuckDBPyConnection, target: Path) -> str:
    """The shop that exports without one belong to: the only one of the orders."""
    shops = _shops(connection, target)
    return shops[0] if len(shops) == 1 else OTHER_SHOP


def _several_shops(connection: duckdb.DuckDBPyConnection, target: Path) -> list[Note]:
    """That exports name no shop, where there are several."""
    shops = _shops(connection, target)
    if len(shops) < 2:
        return []
    text = (
        f"The data hold {len(shops)} shops and the exports beside them name none: their spend and "
        f"visits stand under shop {OTHER_SHOP}"
    )
    return [Note("export_shop", text, {"shops": str(len(shops)), "shop": OTHER_SHOP})]


def _without_read(notes: Sequence[Note], paths: Sequence[Path]) -> list[Note]:
    """Notes without those that call a file unread which an export was read from."""
    names, keys = {path.name for path in paths}, ("file_unknown", "file_ignored")
    return [n for n in notes if n.key not in keys or n.values.get("file") not in names]
