"""The canonical tables of what a shop and its customers do besides orders.

Messages and what they set off, invitations, membership of the private domain 私域, and tests with a
control group. All are optional; `schema.py` takes them up.
"""

from __future__ import annotations

from helpers.store.columns import (
    SHOP,
    Column,
    Table,
    day,
    flag,
    identifier,
    money,
    text,
    time,
    unit_price,
)

ENGAGEMENT_KINDS = ("visit", "points_used", "coupon_redeemed", "community")

CAMPAIGNS = Table(
    "campaigns",
    "one campaign to customers whom the shop knows",
    ("shop_id", "campaign_id"),
    (
        SHOP,
        identifier("campaign_id", "the campaign"),
        text("name", "name, in English where there is one"),
        text("name_zh", "name in Chinese"),
        text("type", "what kind of campaign it is"),
        day("starts_on", "first day", required=True, nullable=False),
        day("ends_on", "last day"),
    ),
    dated_by="starts_on",
)

MESSAGES = Table(
    "messages",
    "one message to one customer",
    ("shop_id", "message_id"),
    (
        SHOP,
        identifier("message_id", "the message"),
        identifier("customer_id", "to whom", personal=True),
        identifier("campaign_id", "the campaign it belongs to", required=False),
        text("medium", "email, sms, app, wechat, mail and the like"),
        time("sent_at", "when it was sent", required=True, nullable=False),
        time("opened_at", "when it was first opened", known_at="opened_at"),
        money("cost", "what it cost to send"),
    ),
    dated_by="sent_at",
)

ENGAGEMENTS = Table(
    "engagements",
    "one sign of life of one customer besides an order and a message opened",
    ("shop_id", "engagement_id"),
    (
        SHOP,
        identifier("engagement_id", "the event"),
        identifier("customer_id", "whose", personal=True),
        text("kind", "what it was", required=True, nullable=False, values=ENGAGEMENT_KINDS),
        time("occurred_at", "when", required=True, nullable=False),
        identifier("campaign_id", "the campaign that it answers", required=False),
    ),
    dated_by="occurred_at",
)

INVITATIONS = Table(
    "invitations",
    "one invitation of somebody by one customer",
    ("shop_id", "invitation_id"),
    (
        SHOP,
        identifier("invitation_id", "the invitation"),
        identifier("inviter_id", "who invited", personal=True),
        time("invited_at", "when", required=True, nullable=False),
        time("accepted_at", "when the invited person registered by it", known_at="accepted_at"),
        Column("invitee_id", "string", "account of the invited person", required=True,
               known_at="accepted_at", personal=True),
        money("reward", "what both were given for it", known_at="accepted_at"),
        flag("is_same_person", "inviter and invited share a device, address or phone",
             known_at="accepted_at"),
    ),
    dated_by="invited_at",
)  # fmt: skip

MEMBERS = Table(
    "members",
    "one customer's membership of the private domain 私域 (group, contact or club)",
    ("shop_id", "customer_id"),
    (
        SHOP,
        identifier("customer_id", "the member", personal=True),
        time("joined_at", "when the customer joined", required=True, nullable=False),
        time("left_at", "when the customer left", known_at="left_at"),
        text("intake", "what brought the customer in: parcel card, live, service and the like"),
        text("tier", "latest tier", known_at="tier_since"),
        day("tier_since", "since when the customer has it", known_at="tier_since"),
    ),
    dated_by="joined_at",
)

EXPERIMENTS = Table(
    "experiments",
    "one test of a contact with a control group",
    ("shop_id", "experiment_id"),
    (
        SHOP,
        identifier("experiment_id", "the test"),
        text("name", "name, in English where there is one"),
        text("name_zh", "name in Chinese"),
        text("control", "name of the variant that was not contacted", required=True,
             nullable=False),
        time("starts_at", "when the first customer was assigned", required=True, nullable=False),
        Column("window_days", "int64", "days after assignment in which outcomes count", "days",
               required=True, nullable=False, minimum=1),
        unit_price("contact_cost", "what one contact costs"),
    ),
    dated_by="starts_at",
)  # fmt: skip

EXPERIMENT_UNITS = Table(
    "experiment_units",
    "one customer in one test",
    ("shop_id", "experiment_id", "customer_id"),
    (
        SHOP,
        identifier("experiment_id", "the test"),
        identifier("customer_id", "the customer", personal=True),
        text("variant", "what the customer was assigned to", required=True, nullable=False),
        time("assigned_at", "when", required=True, nullable=False),
    ),
    dated_by="assigned_at",
    references={"experiment_id": "experiments"},
)

EXPERIMENT_FEATURES = Table(
    "experiment_features",
    "one thing known of one customer when the test assigned it",
    ("shop_id", "experiment_id", "customer_id", "feature"),
    (
        SHOP,
        identifier("experiment_id", "the test"),
        identifier("customer_id", "the customer", personal=True),
        text("feature", "what is known", required=True, nullable=False),
        Column("value", "float64", "the number, where it is one"),
        text("label", "the category, where it is one"),
    ),
    references={"experiment_id": "experiments"},
)

EXPERIMENT_OUTCOMES = Table(
    "experiment_outcomes",
    "one outcome of one customer in one test, where orders do not tell it; none means 0",
    ("shop_id", "experiment_id", "customer_id", "outcome"),
    (
        SHOP,
        identifier("experiment_id", "the test"),
        identifier("customer_id", "the customer", personal=True),
        text("outcome", "what was measured: visit, conversion, spend", required=True,
             nullable=False),
        Column("value", "float64", "its amount", required=True, nullable=False),
        time("observed_at", "end of the time in which it was counted", required=True,
             nullable=False),
    ),
    dated_by="observed_at",
    references={"experiment_id": "experiments"},
)  # fmt: skip
