"""Google Analytics 4: events of the BigQuery export, flat and each once, in a temporary table.

Source: Google, Analytics Help, [GA4] BigQuery Export schema,
https://support.google.com/analytics/answer/7029846. Tables `events_YYYYMMDD`, saved as Parquet or
as JSON with one event a line; `events_intraday_YYYYMMDD` counts only where its day is absent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.store.errors import BadInput
from helpers.store.ingest.source import Note, literal

if TYPE_CHECKING:
    import duckdb

FOLDER = "ga4"
LONGEST_EVENT = 1 << 26
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
_PLACES = """
    CREATE OR REPLACE TEMP TABLE ga4_places AS
    SELECT first, row_number() OVER (ORDER BY moment, batch, nth, identity) AS place FROM (
        SELECT identity, min(rowid) AS first, min(event_timestamp) AS moment,
            min(coalesce(batch_ordering_id, 0)) AS batch, min(coalesce(batch_event_index, 0)) AS nth
        FROM ga4_delivered GROUP BY identity)"""
"""The order of events, each once; events alike in all that is read are one."""
_FLAT = """
    CREATE OR REPLACE TEMP TABLE ga4_events AS
    SELECT place, timezone({zone}, timezone('UTC', make_timestamp(event_timestamp))) AS happened_at,
        event_name, nullif(user_pseudo_id, '') AS visitor_id, nullif(user_id, '') AS user_id,
        {session} AS session, coalesce({engaged_text}, CAST({engaged} AS VARCHAR)) = '1'
            AS is_engaged,
        {engagement} AS engagement_msec, {page} AS page, lower(device.category) AS device,
        session_traffic_source_last_click AS last_click, collected_traffic_source AS collected,
        {source} AS source, {medium} AS medium, {campaign} AS campaign, {currency} AS currency,
        coalesce(nullif(ecommerce.transaction_id, ''), {transaction}) AS transaction_id,
        ecommerce, items, __file
    FROM (SELECT *, rowid AS first, list_transform(event_params, lambda p: p.key) AS keys
        FROM ga4_delivered) JOIN ga4_places USING (first)"""


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
    folder = folder.absolute()
    taken, notes = _without_intraday([path.absolute() for path in files])
    scans = _scans(connection, taken, folder)
    _read(connection, " UNION ALL ".join(scans), taken, folder)
    connection.execute(_PLACES)
    connection.execute(
        _FLAT.format(
            zone=literal(zone),
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


def _scans(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], folder: Path) -> list[str]:
    """SQL of the events of all files with `COLUMNS` and `path`, one for files of one form."""
    forms: dict[tuple[str, ...], list[Path]] = {}
    for path in files:
        if path.suffix == ".parquet":
            forms.setdefault(_form(connection, path, folder), []).append(path)
    scans = [_parquet(form, paths) for form, paths in forms.items()]
    texts = [path for path in files if path.suffix != ".parquet"]
    return [*scans, _json(texts)] if texts else scans


def _form(connection: duckdb.DuckDBPyConnection, path: Path, folder: Path) -> tuple[str, ...]:
    """Names and types of a Parquet file's columns, in turn."""
    import duckdb

    try:
        query = f"DESCRIBE SELECT * FROM read_parquet({literal(path)})"
        found = connection.execute(query).fetchall()
    except duckdb.Error as error:
        raise BadInput(_unreadable(str(path.relative_to(folder)), error)) from error
    if lacking := [name for name in NEEDED if name not in {row[0] for row in found}]:
        raise BadInput(_lacking(str(path.relative_to(folder)), lacking))
    return tuple(text for row in found for text in row[:2])


def _parquet(form: Sequence[str], paths: Sequence[Path]) -> str:
    columns = [
        f"CAST({name if name in form[::2] else 'NULL'} AS {kind}) AS {name}"
        for name, kind in COLUMNS.items()
    ]
    listed = ", ".join(map(literal, paths))
    return f"SELECT {', '.join(columns)}, filename AS path FROM read_parquet([{listed}], " + (
        "filename = true)"
    )


def _json(paths: Sequence[Path]) -> str:
    columns = ", ".join(f"{name}: {literal(kind)}" for name, kind in COLUMNS.items())
    return (
        f"SELECT {', '.join(COLUMNS)}, filename AS path FROM read_json("
        f"[{', '.join(map(literal, paths))}], format = 'newline_delimited', "
        f"columns = {{{columns}}}, maximum_object_size = {LONGEST_EVENT}, filename = true)"
    )


def _read(
    connection: duckdb.DuckDBPyConnection, query: str, files: Sequence[Path], folder: Path
) -> None:
    """Make the table `ga4_delivered` of all events, with `__file` as the name below the folder."""
    import duckdb

    label = f"substr(path, {len(str(folder)) + 2})"
    try:
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE ga4_delivered AS SELECT * EXCLUDE (path), "
            f"{label} AS __file, hash({', '.join(COLUMNS)}) AS identity FROM ({query})"
        )
    except duckdb.Error as error:
        names = [str(path.relative_to(folder)) for path in files if str(path) in str(error)]
        raise BadInput(_unreadable(", ".join(names) or "events", error)) from error
    filled = ", ".join(f"count({name})" for name in NEEDED)
    for name, *counts in connection.execute(
        f"SELECT __file, {filled} FROM ga4_delivered GROUP BY 1 ORDER BY 1"
    ).fetchall():
        lacking = [name for name, n in zip(NEEDED, counts, strict=True) if not n]
        if lacking and lacking != ["user_pseudo_id"]:
            raise BadInput(_lacking(name, lacking))


def _unreadable(label: str, error: Exception) -> str:
    return (
        f"{label}: can't be read as events of GA4 ({str(error).splitlines()[0]}); save the table "
        "events_YYYYMMDD of BigQuery as Parquet, or as JSON with one event a line"
    )


def _lacking(label: str, names: Sequence[str]) -> str:
    return (
        f"{label}: has no {', '.join(names)}; events of GA4's BigQuery export have "
        f"{', '.join(NEEDED)}: save the table events_YYYYMMDD with all its columns"
    )


def _parameter(key: str, kind: str) -> str:
    """SQL of one of an event's parameters."""
    return f"event_params[list_position(keys, {literal(key)})].value.{kind}"


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(found[0]) if found else 0
