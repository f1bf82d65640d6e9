"""Google Analytics 4: events of the BigQuery export, flat and each once, in a temporary table.

Source: Google, Analytics Help, [GA4] BigQuery Export schema,
https://support.google.com/analytics/answer/7029846. Tables `events_YYYYMMDD`, saved as Parquet or
as JSON with one event a line; `events_intraday_YYYYMMDD` counts only where its day is absent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.store.errors import BadInput
from helpers.store.ingest.source import Note, literal

if TYPE_CHECKING:
    import duckdb

FOLDER = "ga4"
SUFFIXES = (".parquet", ".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
_NAME = re.compile(r"events_(?P<intraday>intraday_)?(?P<day>\d{8})(?!\d)")
_PARAMETERS = (
    "STRUCT(key VARCHAR, value STRUCT(string_value VARCHAR, int_value BIGINT, "
    "float_value DOUBLE, double_value DOUBLE))[]"
)
COLUMNS = {
    "event_timestamp": "BIGINT",
    "event_name": "VARCHAR",
    "event_bundle_sequence_id": "BIGINT",
    "batch_ordering_id": "BIGINT",
    "batch_event_index": "BIGINT",
    "event_params": _PARAMETERS,
    "user_pseudo_id": "VARCHAR",
    "user_id": "VARCHAR",
    "collected_traffic_source": (
        "STRUCT(manual_campaign_name VARCHAR, manual_source VARCHAR, manual_medium VARCHAR, "
        "gclid VARCHAR, dclid VARCHAR)"
    ),
    "session_traffic_source_last_click": (
        "STRUCT(manual_campaign STRUCT(campaign_name VARCHAR, source VARCHAR, medium VARCHAR), "
        "google_ads_campaign STRUCT(campaign_name VARCHAR), "
        "cross_channel_campaign STRUCT(campaign_name VARCHAR, source VARCHAR, medium VARCHAR, "
        "default_channel_group VARCHAR))"
    ),
    "device": "STRUCT(category VARCHAR)",
    "ecommerce": (
        "STRUCT(transaction_id VARCHAR, purchase_revenue DOUBLE, shipping_value DOUBLE, "
        "tax_value DOUBLE)"
    ),
    "items": (
        "STRUCT(item_id VARCHAR, item_name VARCHAR, item_category VARCHAR, price DOUBLE, "
        "quantity BIGINT, item_revenue DOUBLE)[]"
    ),
}
"""What is read of an event, as DuckDB types; fields that a file lacks are empty."""
NEEDED = ("event_timestamp", "event_name", "event_params", "user_pseudo_id")
NO_VALUE = ("", "(not set)", "(none)", "(data not available)", "<Other>", "(other)")
_FLAT = """
    CREATE OR REPLACE TEMP TABLE ga4_events AS
    SELECT DISTINCT ON (identity) * FROM (
        SELECT hash({every}) AS identity,
            timezone({zone}, timezone('UTC', make_timestamp(event_timestamp))) AS happened_at,
            {{'at': event_timestamp, 'batch': coalesce(batch_ordering_id, 0),
                'nth': coalesce(batch_event_index, 0), 'identity': hash({every})}} AS place,
            event_name, nullif(user_pseudo_id, '') AS visitor_id, nullif(user_id, '') AS user_id,
            {session} AS session,
            coalesce({engaged_text}, CAST({engaged} AS VARCHAR)) = '1' AS is_engaged,
            {engagement} AS engagement_msec, {page} AS page,
            lower(device.category) AS device,
            session_traffic_source_last_click AS last_click,
            collected_traffic_source AS collected,
            {source} AS source, {medium} AS medium, {campaign} AS campaign,
            {currency} AS currency,
            coalesce(nullif(ecommerce.transaction_id, ''), {transaction}) AS transaction_id,
            ecommerce, items, __file
        FROM ({scan}))"""


def event_files(folder: Path) -> list[Path]:
    """Files of events in a folder and in its sub-folder `ga4`, days within days left out."""
    own = folder / FOLDER
    named = [path for path in sorted(folder.iterdir()) if _NAME.match(path.name)]
    paths = [*named, *(sorted(own.iterdir()) if own.is_dir() else [])]
    return [path for path in paths if path.is_file() and _is_readable(path)]


def is_events(path: Path) -> bool:
    """Whether a file is one of events, by its name."""
    return path.is_file() and bool(_NAME.match(path.name)) and _is_readable(path)


def _is_readable(path: Path) -> bool:
    return path.name.lower().endswith(SUFFIXES) and not path.name.startswith(".")


def load(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], folder: Path, zone: str
) -> tuple[int, int, list[Note]]:
    """Make the table `ga4_events`; how many events were delivered, how many of them twice.

    Args:
        connection: Holds the table.
        files: Files of events.
        folder: Names in messages are below it.
        zone: The store's time zone.

    Raises:
        BadInput: A file holds no events of GA4.
    """
    taken, notes = _without_intraday(files)
    scans = [_scan(connection, path, folder) for path in taken]
    every = ", ".join(COLUMNS)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE ga4_delivered AS {' UNION ALL '.join(scans)}")
    connection.execute(
        _FLAT.format(
            every=every, zone=literal(zone), scan="SELECT * FROM ga4_delivered",
            session=_parameter("ga_session_id", "int_value"),
            engaged_text=_parameter("session_engaged", "string_value"),
            engaged=_parameter("session_engaged", "int_value"),
            engagement=_parameter("engagement_time_msec", "int_value"),
            page=_parameter("page_location", "string_value"),
            source=_parameter("source", "string_value"),
            medium=_parameter("medium", "string_value"),
            campaign=_parameter("campaign", "string_value"),
            currency=_parameter("currency", "string_value"),
            transaction=_parameter("transaction_id", "string_value"),
        )
    )  # fmt: skip
    delivered = _count(connection, "ga4_delivered")
    once = _count(connection, "ga4_events")
    connection.execute("DROP TABLE ga4_delivered")
    if not once:
        raise BadInput(f"{taken[0].relative_to(folder)}: holds no event; export the days again")
    return delivered, delivered - once, notes


def value_or_null(sql: str) -> str:
    """SQL of a text without GA4's words for nothing."""
    return f"CASE WHEN {sql} NOT IN ({', '.join(map(literal, NO_VALUE))}) THEN {sql} END"


def _without_intraday(files: Sequence[Path]) -> tuple[list[Path], list[Note]]:
    """Files without the running day's where the whole day is there."""
    days = {m["day"] for p in files if (m := _NAME.match(p.name)) and not m["intraday"]}
    left_out = [
        p for p in files if (m := _NAME.match(p.name)) and m["intraday"] and m["day"] in days
    ]
    notes = [
        Note("file_ignored", f"{p.name}: not read; the day's own table holds its events",
             {"file": p.name, "read": p.name.replace("intraday_", "")})
        for p in left_out
    ]  # fmt: skip
    return [p for p in files if p not in left_out], notes


def _scan(connection: duckdb.DuckDBPyConnection, path: Path, folder: Path) -> str:
    """SQL of one file's events with `COLUMNS` and `__file`."""
    import duckdb

    label = str(path.relative_to(folder))
    try:
        query = _parquet(connection, path) if path.suffix == ".parquet" else _json(path)
        names = [row[0] for row in connection.execute(f"DESCRIBE {query}").fetchall()]
        found = _filled(connection, query) if path.suffix != ".parquet" else names
    except duckdb.Error as error:
        raise BadInput(
            f"{label}: can't be read as events of GA4 ({str(error).splitlines()[0]}); save the "
            "table events_YYYYMMDD of BigQuery as Parquet, or as JSON with one event a line"
        ) from error
    if lacking := [name for name in NEEDED if name not in found]:
        raise BadInput(
            f"{label}: has no {', '.join(lacking)}; events of GA4's BigQuery export have "
            f"{', '.join(NEEDED)}: save the table events_YYYYMMDD with all its columns"
        )
    return f"SELECT *, {literal(label)} AS __file FROM ({query})"


def _parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    scan = f"read_parquet({literal(path)})"
    found = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()}
    columns = [
        f"CAST({name if name in found else 'NULL'} AS {kind}) AS {name}"
        for name, kind in COLUMNS.items()
        if name in found or name not in NEEDED
    ]
    return f"SELECT {', '.join(columns)} FROM {scan}"


def _json(path: Path) -> str:
    columns = ", ".join(f"{name}: {literal(kind)}" for name, kind in COLUMNS.items())
    return (
        f"SELECT * FROM read_json({literal(path)}, format = 'newline_delimited', "
        f"columns = {{{columns}}}, maximum_object_size = 67108864)"
    )


def _filled(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    """Needed fields that any event of a JSON file has; all where it holds no event."""
    counts = ", ".join(f"count({name})" for name in NEEDED)
    row: Any = connection.execute(f"SELECT count(*), {counts} FROM ({query})").fetchone()
    return [name for name, filled in zip(NEEDED, row[1:], strict=True) if filled or not row[0]]


def _parameter(key: str, kind: str) -> str:
    """SQL of one of an event's parameters."""
    found = f"list_filter(event_params, lambda p: p.key = {literal(key)})"
    return f"({found})[1].value.{kind}"


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(found[0]) if found else 0
