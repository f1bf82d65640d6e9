"""Events of GA4's BigQuery export: visits, channels, traffic, and orders where nothing else is."""

import random
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import duckdb
import pytest

from helpers.store.errors import BadInput
from helpers.store.ingest import ga4_channels, recognise
from tests.store.ingest.exports_files import (
    event,
    google_report,
    last_click,
    purchase,
    write_events,
)

AT = "2026-03-01T02:00:00"
USD = b'currency = "USD"\ntime_zone = "America/New_York"\n'


def notes(found, key):
    return [note.values for note in found.ingested.notes if note.key == key]


def balanced(found) -> bool:
    accounts = found.ingested.tables.values()
    return all(one.rows_unexplained == one.money_unexplained == 0 for one in accounts)


# Visits


@pytest.mark.parametrize("name", ["events_20260301.parquet", "events_20260301.json",
                                  "events_20260301_000000000000.jsonl.gz"])  # fmt: skip
def test_events_become_a_visit_with_all_that_it_did(read, folder, name) -> None:
    made = folder()
    write_events(
        made / "ga4" / name,
        event("session_start", "2026-03-01T17:59:00", page="/en/products/ring?utm=1",
              device={"category": "mobile"}, user_id=None,
              collected_traffic_source={"manual_source": "newsletter", "manual_medium": "email",
                                        "manual_campaign_name": "spring"}),
        event("page_view", "2026-03-01T17:59:00.000001", page="/en/products/ring",
              params={"session_engaged": "1", "engagement_time_msec": 4400}),
        event("page_view", "2026-03-01T18:01:00", page="/cart", user_id="c2",
              params={"engagement_time_msec": 3000}),
        event("add_to_cart", "2026-03-01T18:02:00", page="/cart"),
        event("begin_checkout", "2026-03-01T18:03:00", page="/checkout"),
        event("purchase", "2026-03-01T18:04:00", ecommerce={"transaction_id": "A2"}),
    )  # fmt: skip
    found = read(made)
    (visit,) = found.rows("sessions", "* EXCLUDE (shop_id)")
    assert visit == (
        "u1.1", "u1", "c2", datetime(2026, 3, 2, 1, 59), "crm", "spring", "phone", "product", 2, 7,
        False, True, True, "A2",
    )  # fmt: skip
    counts = "day::VARCHAR, channel, visitors, sessions, cart_visitors, buyers, paid_sessions"
    assert found.rows("traffic_daily", counts) == [("2026-03-02", "crm", 1, 1, 1, 1, 1)]
    one = found.ingested.tables["sessions"]
    assert (one.rows_in, one.accepted, one.classed["further_events"].rows) == (6, 1, 5)
    assert balanced(found)
    assert found.ingested.tables["orders"].accepted == 2


def test_a_visit_without_engagement_bounced_where_engagement_is_known_at_all(read, folder) -> None:
    made = folder()
    path = made / "events_20260301.jsonl"
    quiet = event("page_view", AT, "u2", 5, page="/")
    write_events(path, event("page_view", AT, params={"session_engaged": 1}), quiet)
    assert sorted(read(made).rows("sessions", "session_id, is_bounce")) == [
        ("u1.1", False), ("u2.5", True),
    ]  # fmt: skip
    write_events(path, quiet)
    assert read(made).rows("sessions", "is_bounce, duration_seconds") == [(None, None)]


def test_events_delivered_twice_and_the_running_day_count_once(read, folder) -> None:
    made = folder()
    views = [event("page_view", AT), event("page_view", "2026-03-01T02:01:00")]
    write_events(made / "ga4" / "events_20260301.jsonl", *views, views[0])
    write_events(made / "ga4" / "events_intraday_20260301.jsonl", *views)
    write_events(made / "ga4" / "events_intraday_20260302.jsonl", event("page_view", AT, "u9"))
    found = read(made)
    assert sorted(found.rows("sessions", "visitor_id, page_views")) == [("u1", 2), ("u9", 1)]
    assert found.ingested.tables["sessions"].delivered_twice == 1
    assert [one["file"] for one in notes(found, "file_ignored")] == [
        "events_intraday_20260301.jsonl"
    ]
    assert balanced(found)


def test_events_of_people_who_did_not_agree_are_counted_and_left_out(read, folder) -> None:
    made = folder()
    write_events(made / "events_20260301.parquet", event("page_view", AT),
                 event("page_view", AT, None, None), event("scroll", AT, "u1", None),
                 event("page_view", "2026-03-01T03:00:00"))  # fmt: skip
    found = read(made)
    assert notes(found, "ga4_unmeasured") == [{"events": "2", "share": "50.0"}]
    assert found.ingested.tables["sessions"].classed["without_visit"].rows == 2
    assert balanced(found)
    assert not notes(found, "file_unknown")


def test_an_order_seen_in_two_visits_belongs_to_the_first(read, folder) -> None:
    made = folder()
    write_events(
        made / "events_20260301.jsonl",
        purchase("A1", AT), purchase("A1", "2026-03-01T09:00:00", session=2),
        purchase("(not set)", AT, person="u2"), purchase("X9", AT, person="u3"),
    )  # fmt: skip
    found = read(made)
    orders = dict(found.rows("sessions", "session_id, order_id"))
    assert orders == {"u1.1": "A1", "u1.2": None, "u2.1": None, "u3.1": "X9"}
    assert notes(found, "ga4_orders_unknown") == [{"unknown": "1", "orders": "2"}]


def test_the_shops_own_traffic_is_not_added_to_ga4s(read, folder) -> None:
    own = "day,channel,visitors\n2026-03-01,direct,100\n"
    made = folder(traffic_daily=own)
    write_events(made / "ga4" / "events_20260301.jsonl", event("page_view", AT))
    found = read(made)
    assert found.rows("traffic_daily", "visitors") == [(100,)]
    assert len(found.rows("sessions")) == 1
    assert notes(found, "export_not_added") == [
        {"files": "ga4/events_20260301.jsonl", "table": "traffic_daily"}
    ]


def test_people_days_and_visits_agree_with_a_count_in_plain_python(read, folder) -> None:
    chance = random.Random(4)
    sources = {"direct": ("(direct)", "(none)"), "organic_search": ("google", "organic"),
               "social_ads": ("facebook", "cpc")}  # fmt: skip
    zone, events = ZoneInfo("Asia/Shanghai"), []
    visits: dict[tuple, set] = defaultdict(set)
    started: dict[tuple, datetime] = {}
    for number in range(120):
        person, channel = f"u{chance.randrange(30)}", chance.choice(sorted(sources))
        start = datetime(2026, 3, 1) + timedelta(minutes=chance.randrange(4 * 1440))
        started[person, number] = start
        source, medium = sources[channel]
        for step in range(chance.randrange(1, 4)):
            at = (start + timedelta(seconds=20 * step)).isoformat()
            params = {"source": source, "medium": medium} if step == 0 else {}
            events.append(event("page_view", at, person, number, params=params))
        day = start.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone).date()
        visits[day, channel].add((person, number))
    made = folder()
    chance.shuffle(events)
    write_events(made / "events_20260301.parquet", *events)
    found = read(made)
    expected = {
        key: (len({person for person, _ in seen}), len(seen)) for key, seen in visits.items()
    }
    counted = {row[:2]: row[2:] for row in
               found.rows("traffic_daily", "day, channel, visitors, sessions")}  # fmt: skip
    assert counted == expected


def test_files_that_are_no_events_are_refused_with_the_next_step(read, folder) -> None:
    made = folder()
    (made / "events_20260301.json").write_text('[{"event_name": "page_view"}')
    with pytest.raises(BadInput, match=r"events_20260301\.json: .*one event a line|has no event_"):
        read(made)
    (made / "events_20260301.json").unlink()
    duckdb.sql(f"COPY (SELECT 1 AS a) TO '{made / 'events_20260301.parquet'}'")
    with pytest.raises(BadInput, match="has no event_timestamp, event_name"):
        read(made)


def test_a_folder_for_events_without_any_is_refused(folder) -> None:
    made = folder()
    (made / "ga4").mkdir()
    (made / "ga4" / "events.csv").write_text("event_name\npage_view\n")
    with pytest.raises(BadInput, match=r"ga4/events\.csv: is no file of GA4's events"):
        recognise(made)


# Channels


@pytest.mark.parametrize(
    ("source", "medium", "campaign", "channel"),
    [
        ("(direct)", "(none)", None, "direct"),
        (None, None, None, "direct"),
        ("google", "cpc", "cross-network", "cross_network_ads"),
        ("google", "cpc", "brand", "search_ads"),
        ("baidu", "PPC", None, "search_ads"),
        ("google", "cpc", "spring shopping", "shopping_ads"),
        ("amazon.com", "paid", None, "shopping_ads"),
        ("google", "cpc", "workshop", "search_ads"),
        ("m.facebook.com", "paid_social", None, "social_ads"),
        ("facebook", "cpc", "e-shop", "shopping_ads"),
        ("youtube.com", "cpv", None, "video_ads"),
        ("youtube.com", "cpc", None, "video_ads"),
        ("partner.example", "banner", None, "display_ads"),
        ("partner.example", "cpm", None, "display_ads"),
        ("partner.example", "cpc", None, "other_ads"),
        ("l.instagram.com", "referral", None, "organic_social"),
        ("anything", "social", None, "organic_social"),
        ("vimeo.com", "referral", None, "organic_video"),
        ("google", "organic", None, "organic_search"),
        ("cn.bing.com", "referral", None, "organic_search"),
        ("newsletter", "e-mail", None, "crm"),
        ("impact", "affiliate", None, "affiliate"),
        ("blog.example", "referral", None, "other_sites"),
        ("mail.google.com", "referral", None, "other_sites"),
        ("sms", "text", None, "crm"),
        ("app", "push", None, "crm"),
        ("spotify", "audio", None, "other_ads"),
        ("flyer", "qr", None, "unassigned"),
    ],
)
def test_a_visits_channel_follows_googles_rules_in_their_order(
    source, medium, campaign, channel
) -> None:
    sql = ga4_channels.channel("s", "m", "c", "g")
    (found,) = duckdb.execute(
        f"SELECT {sql} FROM (SELECT ?::VARCHAR s, ?::VARCHAR m, ?::VARCHAR c, NULL::VARCHAR g)",
        [source, medium, campaign],
    ).fetchone()
    assert found == channel


def test_the_sessions_own_group_and_source_win_over_those_of_events(read, folder) -> None:
    made = folder()
    clicked = {"collected_traffic_source": {"gclid": "x", "manual_source": "google",
                                            "manual_medium": "organic"}}  # fmt: skip
    write_events(
        made / "events_20260301.parquet",
        event("page_view", AT, "u1", params={"source": "bing", "medium": "organic"},
              **last_click("Paid Social", "meta", "cpc", "Feed")),
        event("page_view", AT, "u2", **clicked),
        event("page_view", AT, "u3"),
        event("page_view", "2026-03-01T02:01:00", "u3", params={"source": "x.com",
                                                               "medium": "referral"}),
        event("page_view", AT, "u4", traffic_source={"source": "google", "medium": "organic"}),
    )  # fmt: skip
    rows = dict(read(made).rows("sessions", "visitor_id, channel"))
    assert rows == {
        "u1": "social_ads", "u2": "search_ads", "u3": "organic_social", "u4": "direct",
    }  # fmt: skip


def test_a_visit_by_a_campaign_of_the_ads_has_the_campaigns_channel(read, folder) -> None:
    made = folder(**{
        "report.csv": google_report(("2026-03-01", "Max", "Performance Max", "9", "1", "5", "0"))
    })  # fmt: skip
    write_events(
        made / "events_20260301.jsonl",
        event("page_view", AT, **last_click("Paid Search", "google", "cpc", "Max")),
        event("page_view", AT, "u2", **last_click("Organic Search", "google", "organic", "Max")),
    )
    rows = dict(read(made).rows("sessions", "visitor_id, channel"))
    assert rows == {"u1": "cross_network_ads", "u2": "organic_search"}


PAGES = {
    "/": "home",
    "/zh-cn/": "home",
    "/?gclid=1": "home",
    "/collections/rings": "category",
    "/collections/rings/products/a": "product",
    "/de/p/123": "product",
    "/search?q=ring": "search",
    "/blogs/care/silver": "content",
    "/checkout/thank_you": "checkout",
    "/silver-ring.html": "other",
}


def test_the_landing_page_is_told_by_its_path(read, folder) -> None:
    made = folder()
    views = [event("page_view", AT, page, page=page) for page in PAGES]
    write_events(made / "events_20260301.jsonl", *views)
    assert dict(read(made).rows("sessions", "visitor_id, landing_page")) == PAGES


def test_a_page_without_a_telling_path_is_what_its_events_say(read, folder) -> None:
    made = folder()
    page = "/silver-ring.html"
    write_events(made / "events_20260301.jsonl", event("page_view", AT, page=page),
                 event("view_item", "2026-03-01T02:00:01", page=page))  # fmt: skip
    assert read(made).rows("sessions", "landing_page") == [("product",)]


# GA4 alone


def alone(tmp_path, *events, toml=USD):
    made = tmp_path / "site"
    made.mkdir(exist_ok=True)
    (made / "store.toml").write_bytes(toml)
    write_events(made / "events_20260301.parquet", *events)
    return made


def test_purchases_alone_become_orders_and_lines(read, tmp_path) -> None:
    made = alone(
        tmp_path,
        purchase("T1", AT, ("ring", 19.99, 2), ("box", 5.0, 1), shipping=4.9, user_id="c1",
                 params={"currency": "USD", "source": "google", "medium": "organic"}),
        purchase("T1", "2026-03-01T02:30:00", ("ring", 19.99, 2), ("box", 5.0, 1)),
        purchase("T2", "2026-03-01T04:00:00", ("ring", 19.99, 3), person="u2", revenue=50.0),
        purchase("", AT, ("ring", 19.99, 1), person="u3"),
    )  # fmt: skip
    source = recognise(made)
    assert source.name == "ga4"
    found = read(made)
    columns = "order_id, customer_id, paid_at::VARCHAR, channel, shipping_charged"
    assert found.rows("orders", columns) == [
        ("T1", "c1", "2026-02-28 21:00:00", "organic_search", Decimal("4.90")),
        ("T2", "u2", "2026-02-28 23:00:00", "direct", Decimal("0.00")),
    ]  # fmt: skip
    columns = "order_id, product_id, quantity, list_price, buyer_paid, merchant_discount"
    assert found.rows("order_lines", columns) == [
        ("T1", "ring", 2, Decimal("19.9900"), Decimal("39.98"), Decimal("0.00")),
        ("T1", "box", 1, Decimal("5.0000"), Decimal("5.00"), Decimal("0.00")),
        ("T2", "ring", 3, Decimal("19.9900"), Decimal("50.00"), Decimal("9.97")),
    ]
    one = found.ingested.tables["orders"]
    assert (one.rows_in, one.accepted, one.delivered_twice) == (4, 2, 1)
    assert one.classed["without_transaction_id"].rows == 1
    assert balanced(found)
    assert sorted(found.rows("products", "product_id, name")) == [("box", "BOX"), ("ring", "RING")]
    assert found.ingested.bridge[-1].money == Decimal("94.98")
    assert notes(found, "ga4_no_accounting") == [{"orders": "2"}]
    assert notes(found, "ga4_discounts_spread") == [{"money": "9.97"}]


def test_a_discount_on_the_whole_order_is_spread_to_the_cent(read, tmp_path) -> None:
    items = [(f"p{n}", 3.33, 1) for n in range(7)]
    found = read(alone(tmp_path, purchase("T1", AT, *items, revenue=20.0)))
    paid = [row[0] for row in found.rows("order_lines", "buyer_paid")]
    assert sum(paid) == Decimal("20.00")
    assert max(paid) - min(paid) <= Decimal("0.07")


def test_a_purchase_without_items_is_one_line_of_an_unknown_product(read, tmp_path) -> None:
    found = read(alone(tmp_path, purchase("T1", AT, revenue=12.5)))
    assert found.rows("order_lines", "product_id, quantity, buyer_paid") == [
        ("(not set)", 1, Decimal("12.50"))
    ]
    assert notes(found, "ga4_products_unknown") == [{"rows": "1"}]


def test_purchases_in_another_currency_are_refused(read, tmp_path) -> None:
    bought = purchase("T1", AT, ("ring", 1.0, 1), params={"currency": "EUR"})
    with pytest.raises(BadInput, match=r'are in EUR, and .* is USD; write currency = "EUR"'):
        read(alone(tmp_path, bought))
    other = purchase("T2", AT, ("ring", 1.0, 1), params={"currency": "USD"})
    with pytest.raises(BadInput, match=r"several currencies: bring the shop's own orders"):
        read(alone(tmp_path, bought, other))


def test_ads_beside_ga4_alone_give_spend_and_the_channel_of_orders(read, tmp_path) -> None:
    made = alone(
        tmp_path,
        purchase("T1", AT, ("ring", 9.0, 1), **last_click("Paid Search", "google", "cpc", "Max")),
    )
    (made / "report.csv").write_bytes(
        google_report(("2026-03-01", "Max", "Performance Max", "9", "1", "5.00", "0"))
    )
    found = read(made)
    assert found.rows("orders", "channel") == [("cross_network_ads",)]
    assert found.rows("ad_spend", "channel, spend") == [("cross_network_ads", Decimal("5.00"))]
