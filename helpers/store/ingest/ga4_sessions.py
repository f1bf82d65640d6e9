"""Visits and daily traffic from the events of GA4.

A visit is one person's `ga_session_id`. Its source is the session's own (last click, else the first
event that names one), never the person's first. GA4 sees people who agreed to be measured: its
counts are below the shop's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.store.errors import BadInput
from helpers.store.ingest import ga4_channels, ga4_events
from helpers.store.ingest.ga4_events import value_or_null
from helpers.store.ingest.source import Note, Part, TableAccount, literal
from helpers.store.quarantine import write_declared
from helpers.store.schema import TABLES

if TYPE_CHECKING:
    import duckdb

    from helpers.store.ingest.exports_spend import Beside

SESSIONS = (
    "shop_id", "session_id", "visitor_id", "customer_id", "started_at", "channel", "campaign",
    "device", "landing_page", "page_views", "duration_seconds", "is_bounce", "added_to_cart",
    "began_checkout", "order_id",
)  # fmt: skip
TRAFFIC = ("shop_id", "day", "channel", "visitors", "sessions", "cart_visitors", "buyers",
           "paid_sessions")  # fmt: skip
DEVICES = {"mobile": "phone", "smart tv": "tv"}
PAGES = {
    "home": "^/?(index[.][a-z]+|home/?)?$",
    "cart": "/(cart|basket|bag)(/|$)",
    "checkout": "/(checkouts?|order-received|thank[-_]you|payment)(/|$)",
    "product": "/(products?|p|items?|dp|goods|detail)/[^/]+",
    "search": "/search(/|$)",
    "category": "/(collections?|categor(y|ies)|c|shop|catalog(ue)?|departments?|brands?)(/|$)",
    "live": "/live(/|$)",
    "content": "/(blogs?|news|articles?|guides?|stories|magazine|journal)(/|$)",
    "account": "/(account|login|signin|register|my-account)(/|$)",
}
"""Kind of a page by its path, the first that fits; else by what events say of it."""
OTHER = "other"
_ORIGINS = """
    SELECT visitor_id, session, arg_min(origin, priority * 1000000000000 + place) AS origin FROM (
        SELECT visitor_id, session, place, 1 AS priority, {{
            'source': last_click.cross_channel_campaign.source,
            'medium': last_click.cross_channel_campaign.medium,
            'campaign': coalesce({ads}, {cross}),
            'channel_group': last_click.cross_channel_campaign.default_channel_group}} AS origin
        FROM ga4_events WHERE {cross_source} IS NOT NULL
        UNION ALL SELECT visitor_id, session, place, 2, {{
            'source': last_click.manual_campaign.source,
            'medium': last_click.manual_campaign.medium,
            'campaign': coalesce({ads}, {manual}), 'channel_group': NULL}}
        FROM ga4_events WHERE {manual_source} IS NOT NULL
        UNION ALL SELECT visitor_id, session, place, 3, {{
            'source': CASE WHEN {clicked} THEN 'google' ELSE collected.manual_source END,
            'medium': CASE WHEN {clicked} THEN 'cpc' ELSE collected.manual_medium END,
            'campaign': {collected}, 'channel_group': NULL}}
        FROM ga4_events WHERE {collected_source} IS NOT NULL OR {clicked}
        UNION ALL SELECT visitor_id, session, place, 4, {{
            'source': source, 'medium': medium, 'campaign': {campaign}, 'channel_group': NULL}}
        FROM ga4_events WHERE {source} IS NOT NULL
    ) GROUP BY visitor_id, session"""
_VISITS = """
    CREATE OR REPLACE TEMP TABLE ga4_visits AS
    WITH origins AS ({origins}),
    orders AS (
        SELECT visitor_id, session, arg_min(transaction_id, place) AS order_id FROM (
            SELECT *, row_number() OVER (PARTITION BY transaction_id ORDER BY place) AS nth
            FROM ga4_events WHERE event_name = 'purchase' AND {transaction} IS NOT NULL)
        WHERE nth = 1 GROUP BY 1, 2),
    visits AS (
        SELECT visitor_id, session, min(happened_at) AS started_at,
            arg_min(user_id, place) FILTER (user_id IS NOT NULL) AS customer_id,
            arg_min(device, place) FILTER (device IS NOT NULL) AS device,
            arg_min(page, place) FILTER (page IS NOT NULL) AS landing,
            count(*) FILTER (event_name IN ('page_view', 'screen_view')) AS page_views,
            CAST(round(sum(engagement_msec) / 1000.0) AS BIGINT) AS duration_seconds,
            CASE WHEN {engagement_known} THEN NOT coalesce(bool_or(is_engaged), false) END
                AS is_bounce,
            bool_or(event_name = 'add_to_cart') AS added_to_cart,
            bool_or(event_name = 'begin_checkout') AS began_checkout,
            count(*) AS events
        FROM ga4_events WHERE visitor_id IS NOT NULL AND session IS NOT NULL GROUP BY 1, 2),
    seen AS (
        SELECT visitor_id, session, page, bool_or(event_name = 'view_item') AS is_product,
            bool_or(event_name = 'view_item_list') AS is_list
        FROM ga4_events WHERE event_name IN ('view_item', 'view_item_list') GROUP BY 1, 2, 3)
    SELECT {shop} AS shop_id, visitor_id || '.' || session AS session_id, visits.visitor_id,
        session, customer_id, started_at, {channel} AS channel, origin.campaign AS campaign,
        {device} AS device, {landing} AS landing_page, page_views, duration_seconds, is_bounce,
        added_to_cart, began_checkout, order_id, events
    FROM visits LEFT JOIN origins USING (visitor_id, session)
        LEFT JOIN orders USING (visitor_id, session)
        LEFT JOIN seen ON seen.visitor_id = visits.visitor_id
            AND seen.session = visits.session AND seen.page = visits.landing"""
_BY_CAMPAIGN = """
    UPDATE ga4_visits SET channel = bought.channel FROM (
        SELECT shop_id, campaign, min(channel) AS channel FROM read_parquet({spend})
        GROUP BY 1, 2 HAVING min(channel) = max(channel)) AS bought
    WHERE bought.shop_id = ga4_visits.shop_id AND bought.campaign = ga4_visits.campaign
        AND ends_with(ga4_visits.channel, '_ads')"""
_TRAFFIC = """
    SELECT shop_id, CAST(started_at AS DATE) AS day, channel,
        count(DISTINCT visitor_id) AS visitors, count(*) AS sessions,
        count(DISTINCT visitor_id) FILTER (added_to_cart) AS cart_visitors,
        count(DISTINCT visitor_id) FILTER (order_id IS NOT NULL) AS buyers,
        count(*) FILTER (order_id IS NOT NULL) AS paid_sessions
    FROM ga4_visits GROUP BY ALL ORDER BY shop_id, day, channel"""


@dataclass(frozen=True)
class Ga4Visits:
    """The export `ga4`, beside a shop's own orders."""

    name: str = ga4_events.FOLDER
    headers: str = "files events_YYYYMMDD as .parquet, .json or .jsonl (also .gz)"
    about: str = (
        "Events of Google Analytics 4 as its BigQuery export holds them (`events_YYYYMMDD`), saved "
        "as Parquet or as JSON with one event a line; they become `sessions` and `traffic_daily`, "
        "where the shop has none of its own. Channels follow GA4's default channel group: "
        "`organic_search`, `direct`, `search_ads`, `shopping_ads`, `social_ads`, `video_ads`, "
        "`display_ads`, `cross_network_ads`, `other_ads`, `organic_social`, `organic_video`, "
        "`organic_shopping`, `affiliate`, `crm` (e-mail, SMS, push), `other_sites` (links), "
        "`unassigned`; a visit by a campaign of `ad_spend` has that campaign's channel. "
        "`transaction_id` is the order's number."
    )


def read(
    beside: Beside, folder: Path, files: Sequence[Path]
) -> tuple[dict[str, TableAccount], list[Note]]:
    """Write `sessions` and `traffic_daily` where the shop has none of its own.

    Raises:
        BadInput: A file holds no events.
    """
    connection = beside.connection
    delivered, twice, notes = ga4_events.load(connection, files, folder, beside.time_zone)
    build(connection, beside.shop_id, beside.target if "ad_spend" in beside.accounts else None)
    labels = tuple(str(path.relative_to(folder)) for path in files)
    accounts, more = write(connection, beside.target, labels, delivered, twice, beside.accounts)
    return accounts, [*notes, *more, *_orders_unknown(beside)]


def build(connection: duckdb.DuckDBPyConnection, shop_id: str, spend: Path | None) -> None:
    """Make the table `ga4_visits` from `ga4_events`.

    Args:
        connection: Holds both.
        shop_id: Shop of the visits.
        spend: Folder of an `ad_spend` that says the channel of its campaigns; None without one.
    """
    known = connection.execute("SELECT count(is_engaged) > 0 FROM ga4_events").fetchone()
    devices = " ".join(f"WHEN {literal(a)} THEN {literal(b)}" for a, b in DEVICES.items())
    connection.execute(
        _VISITS.format(
            origins=_origins(), shop=literal(shop_id),
            transaction=value_or_null("transaction_id"),
            engagement_known="true" if known and known[0] else "false",
            channel=ga4_channels.channel(
                "origin.source", "origin.medium", "origin.campaign", "origin.channel_group"
            ),
            device=f"CASE visits.device {devices} ELSE visits.device END", landing=_landing(),
        )
    )  # fmt: skip
    if spend:
        connection.execute(_BY_CAMPAIGN.format(spend=literal(spend / "ad_spend.parquet")))


def write(
    connection: duckdb.DuckDBPyConnection,
    target: Path,
    files: tuple[str, ...],
    delivered: int,
    twice: int,
    own: Any,
) -> tuple[dict[str, TableAccount], list[Note]]:
    """Write what the shop has not: its own count of a visit is not added to GA4's."""
    notes = list(_unmeasured(connection))
    visits, events = _row(connection, "SELECT count(*), coalesce(sum(events), 0) FROM ga4_visits")
    if not visits:
        raise BadInput(
            f"{files[0]}: no event names a person and a visit (user_pseudo_id, ga_session_id); "
            "export the events with all their columns"
        )
    parts = {"further_events": Part(events - visits)}
    if unknown := delivered - twice - events:
        parts["without_visit"] = Part(unknown)
    accounts = {
        "sessions": TableAccount(
            "sessions", files, delivered, visits, delivered_twice=twice, classed=parts
        )
    }
    days = _row(connection, f"SELECT count(*) FROM ({_TRAFFIC})")[0]
    accounts["traffic_daily"] = TableAccount("traffic_daily", files, days, days)
    queries = {
        "sessions": ("SELECT * FROM ga4_visits ORDER BY started_at, session_id", SESSIONS),
        "traffic_daily": (_TRAFFIC, TRAFFIC),
    }
    for name, (query, columns) in queries.items():
        if name in own:
            del accounts[name]
            notes.append(_has_own(name, files))
        else:
            write_declared(connection, TABLES[name], query, columns, target)
    return accounts, notes


def _origins() -> str:
    last, cross = "last_click.manual_campaign", "last_click.cross_channel_campaign"
    return _ORIGINS.format(
        ads=value_or_null("last_click.google_ads_campaign.campaign_name"),
        cross=_campaign(f"{cross}.campaign_name"), cross_source=value_or_null(f"{cross}.source"),
        manual=_campaign(f"{last}.campaign_name"), manual_source=value_or_null(f"{last}.source"),
        collected=_campaign("collected.manual_campaign_name"),
        collected_source=value_or_null("collected.manual_source"),
        clicked="coalesce(collected.gclid, '') <> '' "
        "AND coalesce(collected.manual_medium, 'organic') IN ('organic', '(not set)', '')",
        campaign=_campaign("campaign"), source=value_or_null("source"),
    )  # fmt: skip


def _campaign(sql: str) -> str:
    """SQL of a campaign's name; GA4 writes (direct), (organic), (referral) where there is none."""
    return f"CASE WHEN {sql} <> '' AND NOT regexp_matches({sql}, '^[(].*[)]$') THEN {sql} END"


def _landing() -> str:
    """SQL of the kind of the page `landing`: by its path, without a language in front of it."""
    path = "regexp_replace(lower(landing), '^[a-z-]+://[^/?#]+', '')"
    path = f"regexp_replace({path}, '[?#].*$', '')"
    path = f"regexp_replace({path}, '^/[a-z]{{2}}([-_][a-z]{{2}})?(/|$)', '/')"
    kinds = " ".join(
        f"WHEN regexp_matches({path}, {literal(pattern)}) THEN {literal(kind)}"
        for kind, pattern in PAGES.items()
    )
    return (
        f"CASE WHEN landing IS NULL THEN NULL {kinds} WHEN is_product THEN 'product' "
        f"WHEN is_list THEN 'category' ELSE {literal(OTHER)} END"
    )


def _unmeasured(connection: duckdb.DuckDBPyConnection) -> list[Note]:
    """What share of events belongs to no visit, for people who did not agree to be measured."""
    without, events = _row(
        connection,
        "SELECT count(*) FILTER (visitor_id IS NULL OR session IS NULL), count(*) FROM ga4_events",
    )
    if not without:
        return []
    share = f"{100 * without / events:.1f}"
    return [
        Note(
            "ga4_unmeasured",
            f"{without} events of GA4 ({share} %) name no person or visit, mostly of people who "
            "did not agree to be measured; visits are counted without them",
            {"events": str(without), "share": share},
        )
    ]


def _has_own(name: str, files: tuple[str, ...]) -> Note:
    shown = ", ".join(files[:3]) + (" ..." if len(files) > 3 else "")
    return Note(
        "export_not_added",
        f"{shown}: not used for {name}; the shop has a table {name} of its own, and the same "
        "visits are not counted twice",
        {"files": shown, "table": name},
    )


def _orders_unknown(beside: Beside) -> list[Note]:
    """How many visits name an order that the shop does not have."""
    orders = literal(beside.target / "orders.parquet")
    named, unknown = _row(
        beside.connection,
        "SELECT count(*), count(*) FILTER (order_id NOT IN (SELECT order_id FROM "
        f"read_parquet({orders}))) FROM ga4_visits WHERE order_id IS NOT NULL",
    )
    if not unknown:
        return []
    return [
        Note(
            "ga4_orders_unknown",
            f"{unknown} of {named} orders that GA4 saw are not among the shop's orders; they "
            "count as visits that bought: compare GA4's transaction_id with the order numbers",
            {"unknown": str(unknown), "orders": str(named)},
        )
    ]


def _row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    return connection.execute(query).fetchone() or ()
