"""The canonical tables of where visitors come from and what reaches them, of plans and peers.

Visits, search terms, product pages, advertised products, live sessions, creators' posts, tests of
spend, budgets and the platform's figures of similar shops. All are optional; `schema.py` takes them
up. Money that stands here by session, post or product is part of what `ad_spend` holds by campaign:
it is never added to it.
"""

from __future__ import annotations

from helpers.store.columns import (
    SHOP,
    Column,
    Table,
    count,
    day,
    flag,
    identifier,
    money,
    text,
    time,
)

CREATOR_KINDS = ("own", "kol", "koc")
PEER_GROUPS = ("average", "best")

SESSIONS = Table(
    "sessions",
    "one visit of one person: all visits of all people, or of people drawn at random",
    ("shop_id", "session_id"),
    (
        SHOP,
        identifier("session_id", "the visit"),
        identifier("visitor_id", "the person or device", personal=True),
        identifier("customer_id", "the buyer, where known", required=False, personal=True),
        time("started_at", "when it began", required=True, nullable=False),
        text("channel", "what brought the visit, as in traffic_daily", required=True,
             nullable=False),
        text("campaign", "campaign that brought it, as in ad_spend"),
        text("device", "phone, tablet, desktop and the like"),
        text("landing_page", "kind of page that it began on: product, category, home, live ..."),
        count("page_views", "pages seen"),
        Column("duration_seconds", "int64", "time on the pages", "seconds", minimum=0),
        flag("is_bounce", "left without doing anything"),
        flag("added_to_cart", "put something in the cart"),
        flag("began_checkout", "went to the checkout"),
        identifier("order_id", "the paid order made in it; the first of several", required=False),
    ),
    dated_by="started_at",
)  # fmt: skip

SEARCH_TERMS = Table(
    "search_terms",
    "one search term that showed one product through one channel on one day",
    ("shop_id", "day", "channel", "term", "product_id"),
    (
        SHOP,
        day("day", "the day; the first one where the source counts weeks", required=True,
            nullable=False),
        text("channel", "organic_search, or the ads channel that bid on the term", required=True,
             nullable=False),
        text("term", "what was searched for, in English where there is a translation",
             required=True, nullable=False),
        text("term_zh", "the same in Chinese"),
        Column("product_id", "string", "the product shown", nullable=False, default=""),
        flag("is_brand", "the term names the shop or its brand"),
        count("impressions", "times shown", required=True, nullable=False),
        count("clicks", "clicks", required=True, nullable=False),
        Column("position", "float64", "mean place among the results, 1 is first", "rank",
               minimum=1),
        count("buyers", "buyers who came by it"),
        money("spend", "money spent on it; part of ad_spend"),
    ),
    dated_by="day",
)  # fmt: skip

LISTINGS = Table(
    "listings",
    "one product's page from one day on",
    ("shop_id", "product_id", "valid_from"),
    (
        SHOP,
        identifier("product_id", "the product"),
        day("valid_from", "first day of this state", required=True, nullable=False),
        text("title", "title that search reads, in English where there is one"),
        text("title_zh", "title in Chinese"),
        text("page_version", "name of the state of pictures and details"),
        Column("rating", "float64", "mean stars of all reviews so far, 1 to 5", "stars",
               minimum=0),
        count("reviews", "reviews so far"),
    ),
    dated_by="valid_from",
)  # fmt: skip

PRODUCT_ADS = Table(
    "product_ads",
    "one product in one campaign on one day; part of ad_spend",
    ("shop_id", "day", "channel", "campaign", "product_id"),
    (
        SHOP,
        day("day", "the day", required=True, nullable=False),
        text("channel", "channel, as in ad_spend", required=True, nullable=False),
        text("campaign", "campaign, as in ad_spend", required=True, nullable=False),
        identifier("product_id", "the product advertised"),
        money("spend", "money spent on it", required=True, nullable=False),
        count("impressions", "times shown"),
        count("clicks", "clicks"),
        money("attributed_sales", "sales that the channel claims"),
    ),
    dated_by="day",
)

LIVE_SESSIONS = Table(
    "live_sessions",
    "one live session 直播场次",
    ("shop_id", "live_session_id"),
    (
        SHOP,
        identifier("live_session_id", "the session; orders name it"),
        time("started_at", "when it began", required=True, nullable=False),
        time("ended_at", "when it ended"),
        text("host", "who hosted it", required=True, nullable=False),
        text("host_zh", "the same in Chinese"),
        text("host_kind", "own staff, or an invited host 达人", values=CREATOR_KINDS),
        count("views", "times watched 观看次数"),
        count("viewers", "people who watched 观看人数"),
        count("engagements", "likes, comments and shares"),
        count("product_clicks", "clicks on goods"),
        money("slot_fee", "slot fee 坑位费; part of ad_spend", default=0),
        money("boost_spend", "money spent to send viewers in; part of ad_spend", default=0),
    ),
    dated_by="started_at",
)

CONTENT_POSTS = Table(
    "content_posts",
    "one post of one creator 种草笔记, its counts so far",
    ("shop_id", "content_post_id"),
    (
        SHOP,
        identifier("content_post_id", "the post; orders name it"),
        time("published_at", "when it was published", required=True, nullable=False),
        text("creator", "who published it", required=True, nullable=False),
        text("creator_zh", "the same in Chinese"),
        text("creator_kind", "own account, KOL or KOC", values=CREATOR_KINDS),
        text("channel", "channel, as in traffic_daily", required=True, nullable=False),
        count("views", "times seen"),
        count("reach", "people who saw it"),
        count("engagements", "likes, saves, comments and shares"),
        count("clicks", "clicks to the shop"),
        money("fee", "what the creator was paid; part of ad_spend", default=0),
    ),
    dated_by="published_at",
)

SPEND_TESTS = Table(
    "spend_tests",
    "one test that changed a channel's spend beside a control",
    ("shop_id", "test_id"),
    (
        SHOP,
        identifier("test_id", "the test"),
        text("channel", "channel, as in ad_spend", required=True, nullable=False),
        text("method", "what the control is: regions left out, on and off, and the like"),
        day("starts_on", "first day of the changed spend", required=True, nullable=False),
        day("ends_on", "last day on which its outcome counts", required=True, nullable=False),
        Column("extra_spend", "float64", "spend above the control; below 0 where it was cut",
               "money", required=True, nullable=False),
        Column("extra_new_customers", "float64", "new customers above the control", "customers",
               required=True, nullable=False),
        Column("standard_error", "float64", "standard error of the new customers", "customers",
               required=True, nullable=False, minimum=0),
    ),
    dated_by="ends_on",
)  # fmt: skip

BUDGETS = Table(
    "budgets",
    "one line of the budget in one month",
    ("shop_id", "month", "line", "channel"),
    (
        SHOP,
        day("month", "first day of the month", required=True, nullable=False),
        text("line", "what is planned: marketing, net_sales, paid_sales, or a cost line of costs",
             required=True, nullable=False),
        Column("channel", "string", "channel of a marketing line; empty for the whole shop",
               nullable=False, default=""),
        money("amount", "money planned", required=True, nullable=False),
    ),
    dated_by="month",
)  # fmt: skip

PEERS = Table(
    "peers",
    "one metric of shops like this one in one month, as the platform shows it 同行同层",
    ("shop_id", "month", "metric", "peer_group"),
    (
        SHOP,
        day("month", "first day of the month", required=True, nullable=False),
        text("metric", "metric as in helpers/plan/metrics.toml: conversion_rate, order_value ...",
             required=True, nullable=False),
        text("peer_group", "average 同行平均 or best 同行优秀", required=True, nullable=False,
             values=PEER_GROUPS),
        Column("value", "float64", "their value, in the metric's unit; rates 0 to 1",
               required=True, nullable=False, minimum=0),
    ),
    dated_by="month",
)  # fmt: skip
