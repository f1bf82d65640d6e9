"""The canonical tables: grain, key, columns, types, units. Declared here once.

Every source is mapped to these tables; every mart reads them. Times are the shop's own local
time, money is the store's currency. Only `orders` and `order_lines` are required.

Two declarations let a store be opened as it was known on a day: a row exists from its
`dated_by` column on, and a column with `known_at` is empty until the time in that column.
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
    unit_price,
)
from helpers.store.schema_relations import (
    CAMPAIGNS,
    ENGAGEMENTS,
    EXPERIMENT_FEATURES,
    EXPERIMENT_OUTCOMES,
    EXPERIMENT_UNITS,
    EXPERIMENTS,
    INVITATIONS,
    MEMBERS,
    MESSAGES,
)
from helpers.store.schema_traffic import (
    BUDGETS,
    CONTENT_POSTS,
    LISTINGS,
    LIVE_SESSIONS,
    PEERS,
    PRODUCT_ADS,
    SEARCH_TERMS,
    SESSIONS,
    SPEND_TESTS,
)

ORDER_KINDS = ("sale", "exchange", "sample", "gift")
ITEM_CLASSES = ("goods", "postage", "fee", "manual", "discount", "voucher", "adjustment", "test")
RETURN_TYPES = ("refund_only", "return_and_refund")
RETURN_STAGES = ("before_shipment", "after_shipment")
SPEND_KINDS = ("ads", "content", "slot_fee", "commission", "new_customer_coupon", "agency", "care")

SHOPS = Table(
    "shops",
    "one shop on one platform",
    ("shop_id",),
    (
        SHOP,
        text("name", "name of the shop"),
        text("platform", "marketplace or own site that the shop stands on"),
        day("opened_on", "first day of trading"),
    ),
)

ORDERS = Table(
    "orders",
    "one parent order of one buyer",
    ("shop_id", "order_id"),
    (
        SHOP,
        identifier("order_id", "the parent order's number"),
        identifier(
            "customer_id",
            "the buyer; empty where the source knows none",
            required=False,
            personal=True,
        ),
        text("kind", "what the order is", values=ORDER_KINDS, default="sale"),
        time("created_at", "when the order was placed", required=True, nullable=False),
        time(
            "paid_at",
            "when it was paid in full (a pre-sale: when the balance was paid)",
            required=True,
            known_at="paid_at",
        ),
        time(
            "deposit_paid_at", "when a pre-sale's deposit 定金 was paid", known_at="deposit_paid_at"
        ),
        money(
            "deposit_amount",
            "the deposit 定金, part of what the buyer paid",
            known_at="deposit_paid_at",
        ),
        time("shipped_at", "when the last parcel left", known_at="shipped_at"),
        time("confirmed_at", "when the buyer confirmed receipt", known_at="confirmed_at"),
        time("settled_at", "when the platform paid the shop", known_at="settled_at"),
        text("channel", "where the buyer of this order came from"),
        identifier("live_session_id", "live session that it came through", required=False),
        identifier("content_post_id", "creator's post that it came through", required=False),
        text("country", "country or region of delivery"),
        money("shipping_charged", "postage that the buyer paid, no part of sales", default=0),
        flag("is_fake", "order placed to inflate sales 刷单", default=False),
    ),
    dated_by="created_at",
    required=True,
)

ORDER_LINES = Table(
    "order_lines",
    "one product in one order (a sub-order)",
    ("shop_id", "order_id", "line_id"),
    (
        SHOP,
        identifier("order_id", "the parent order"),
        identifier("line_id", "the line in its order"),
        identifier("product_id", "what was bought"),
        text(
            "item_class",
            "goods, or what else the line charges",
            values=ITEM_CLASSES,
            default="goods",
        ),
        Column("quantity", "int64", "pieces", "pieces", required=True, nullable=False, minimum=0),
        unit_price("list_price", "price before every discount"),
        money("merchant_discount", "discount given by the shop on the line", default=0),
        money("shop_coupon", "platform coupon as far as the shop bears it", default=0),
        money("platform_subsidy", "part of the price that the platform pays", default=0),
        money(
            "buyer_paid",
            "what the buyer paid for the line, without postage",
            required=True,
            nullable=False,
        ),
        money("merchant_receivable", "what the shop is owed for the line: buyer paid + subsidy"),
    ),
    required=True,
    references={"order_id": "orders"},
)

PAYMENTS = Table(
    "payments",
    "one attempt to pay one order",
    ("shop_id", "payment_id"),
    (
        SHOP,
        identifier("payment_id", "the attempt"),
        identifier("order_id", "the order"),
        time("attempted_at", "when the buyer tried", required=True, nullable=False),
        text("method", "means of payment"),
        flag("succeeded", "whether the money came", required=True, nullable=False),
        money("amount", "money of the attempt"),
    ),
    dated_by="attempted_at",
    references={"order_id": "orders"},
)

RETURNS = Table(
    "returns",
    "one refund of one order line",
    ("shop_id", "return_id"),
    (
        SHOP,
        identifier("return_id", "the refund case"),
        identifier(
            "order_id", "the order refunded; empty where none can be linked", required=False
        ),
        identifier("line_id", "its line", required=False),
        identifier("product_id", "the product", required=False),
        identifier("customer_id", "the buyer", required=False, personal=True),
        text("item_class", "class of the line refunded", values=ITEM_CLASSES, default="goods"),
        text("type", "refund only 仅退款, or return and refund 退货退款", values=RETURN_TYPES),
        text("stage", "before or after shipment", values=RETURN_STAGES),
        time("applied_at", "when the buyer asked"),
        time("settled_at", "when the money went back", required=True, known_at="settled_at"),
        Column("quantity", "int64", "pieces refunded", "pieces", minimum=0),
        money("amount", "money refunded", required=True, nullable=False),
        flag("is_quality", "refunded because of quality"),
        flag("is_resaleable", "goods can be sold again"),
    ),
    dated_by="settled_at",
)

CUSTOMERS = Table(
    "customers",
    "one buyer or registered account in one shop",
    ("shop_id", "customer_id"),
    (
        SHOP,
        identifier("customer_id", "the customer", personal=True),
        time("registered_at", "when the account was made"),
        text("first_channel", "channel that brought the customer"),
        text("region", "province or country"),
    ),
    dated_by="registered_at",
)

PRODUCTS = Table(
    "products",
    "one sellable product (SKU)",
    ("shop_id", "product_id"),
    (
        SHOP,
        identifier("product_id", "the SKU"),
        text("name", "name, in English where there is one"),
        text("name_zh", "name in Chinese"),
        text("category", "category, in English"),
        text("category_zh", "category in Chinese"),
        text("line", "basic 基础款, fashion 时尚款 or collection 收藏款"),
        identifier("supplier_id", "who supplies it", required=False),
        day("launched_on", "first day on sale"),
    ),
    dated_by="launched_on",
)

PRICE_HISTORY = Table(
    "price_history",
    "one product from one day on",
    ("shop_id", "product_id", "valid_from"),
    (
        SHOP,
        identifier("product_id", "the SKU"),
        day("valid_from", "first day of these figures", required=True, nullable=False),
        unit_price("list_price", "list price"),
        unit_price("unit_cost", "landed cost of one piece"),
    ),
    dated_by="valid_from",
)

SETTLEMENTS = Table(
    "settlements",
    "one order as the platform settled it",
    ("shop_id", "order_id"),
    (
        SHOP,
        identifier("order_id", "the order"),
        time("settled_at", "when it was settled", required=True, known_at="settled_at"),
        money("commission", "platform commission 扣点", default=0),
        money("affiliate_commission", "CPS and host commission", default=0),
        money("return_insurance", "return insurance 运费险", default=0),
        money("instalment_fee", "instalment fee", default=0),
        money("penalty", "penalties", default=0),
    ),
    dated_by="settled_at",
    references={"order_id": "orders"},
)

COSTS = Table(
    "costs",
    "one overhead line in one month",
    ("shop_id", "month", "cost_line"),
    (
        SHOP,
        day("month", "first day of the month", required=True, nullable=False),
        text("cost_line", "what it was spent on", required=True, nullable=False),
        money("amount", "money spent", required=True, nullable=False),
    ),
    dated_by="month",
)

TRAFFIC_DAILY = Table(
    "traffic_daily",
    "one source of traffic on one day",
    ("shop_id", "day", "channel"),
    (
        SHOP,
        day("day", "the day", required=True, nullable=False),
        text("channel", "source of the traffic", required=True, nullable=False),
        count("visitors", "visitors, each once a day", required=True, nullable=False),
        count("sessions", "visits"),
        count("cart_visitors", "visitors who put something in the cart"),
        count("buyers", "visitors who paid, each once a day"),
        count("paid_sessions", "visits with a paid order"),
    ),
    dated_by="day",
)

AD_SPEND = Table(
    "ad_spend",
    "one campaign on one day",
    ("shop_id", "day", "channel", "campaign"),
    (
        SHOP,
        day("day", "the day", required=True, nullable=False),
        text("channel", "channel, as in traffic_daily", required=True, nullable=False),
        text("campaign", "campaign", required=True, nullable=False),
        text(
            "kind",
            "what the money is for; `care` is for customers the shop has already",
            values=SPEND_KINDS,
            default="ads",
        ),
        money("spend", "money spent", required=True, nullable=False),
        count("impressions", "times shown"),
        count("reach", "people reached, each once a day"),
        count("clicks", "clicks"),
        count("engagements", "likes, saves, comments and shares"),
        money("attributed_sales", "sales that the channel claims"),
        Column(
            "attributed_conversions",
            "float64",
            "orders that the channel claims; it may claim parts of one",
            "orders",
            minimum=0,
        ),
    ),
    dated_by="day",
)

SURVEYS = Table(
    "surveys",
    "one answer to the question how likely one would recommend the shop",
    ("shop_id", "answer_id"),
    (
        SHOP,
        identifier("answer_id", "the answer"),
        identifier("customer_id", "who answered", required=False, personal=True),
        time("answered_at", "when", required=True, nullable=False),
        count("score", "0 to 10", required=True, nullable=False),
    ),
    dated_by="answered_at",
)

SUPPLIERS = Table(
    "suppliers",
    "one supplier",
    ("shop_id", "supplier_id"),
    (
        SHOP,
        identifier("supplier_id", "the supplier"),
        text("name", "name, in English where there is one"),
        text("name_zh", "name in Chinese"),
        Column("lead_time_days", "int64", "agreed days from order to receipt", "days", minimum=0),
    ),
)

PURCHASE_ORDERS = Table(
    "purchase_orders",
    "one product on one purchase order",
    ("shop_id", "purchase_order_id", "line_id"),
    (
        SHOP,
        identifier("purchase_order_id", "the purchase order"),
        identifier("line_id", "its line"),
        identifier("supplier_id", "from whom"),
        identifier("product_id", "what"),
        identifier("warehouse_id", "where to", required=False),
        time("ordered_at", "when it was ordered", required=True, nullable=False),
        day("promised_on", "day the supplier promised", required=True, nullable=False),
        time("received_at", "when the last piece came", required=True, known_at="received_at"),
        Column(
            "ordered_quantity",
            "int64",
            "pieces ordered",
            "pieces",
            required=True,
            nullable=False,
            minimum=1,
        ),
        Column(
            "received_quantity",
            "int64",
            "pieces received",
            "pieces",
            required=True,
            minimum=0,
            known_at="received_at",
        ),
        Column(
            "rejected_quantity",
            "int64",
            "pieces refused for quality",
            "pieces",
            minimum=0,
            default=0,
            known_at="received_at",
        ),
        unit_price("unit_price", "price agreed"),
    ),
    dated_by="ordered_at",
)

STOCK_LEVELS = Table(
    "stock_levels",
    "one product in one warehouse at the end of one day",
    ("shop_id", "day", "warehouse_id", "product_id"),
    (
        SHOP,
        day("day", "day of the count", required=True, nullable=False),
        Column("warehouse_id", "string", "the warehouse", nullable=False, default="main"),
        identifier("product_id", "the product"),
        Column(
            "on_hand", "int64", "pieces on hand", "pieces", required=True, nullable=False, minimum=0
        ),
        Column("on_order", "int64", "pieces on the way", "pieces", minimum=0),
    ),
    dated_by="day",
)

SHIPMENTS = Table(
    "shipments",
    "one parcel",
    ("shop_id", "shipment_id"),
    (
        SHOP,
        identifier("shipment_id", "the parcel"),
        identifier("order_id", "the order"),
        text("carrier", "who carries it", required=True, nullable=False),
        identifier("warehouse_id", "where it left", required=False),
        time("shipped_at", "when it left", required=True, nullable=False),
        time("promised_at", "latest delivery promised"),
        time("delivered_at", "when it arrived", required=True, known_at="delivered_at"),
        money("freight_cost", "what the shop paid the carrier"),
        money("packaging_cost", "what the packaging cost", default=0),
        flag("is_damaged", "arrived damaged", known_at="delivered_at"),
    ),
    dated_by="shipped_at",
    references={"order_id": "orders"},
)

WAREHOUSES = Table(
    "warehouses",
    "one warehouse",
    ("shop_id", "warehouse_id"),
    (
        SHOP,
        identifier("warehouse_id", "the warehouse"),
        text("name", "name"),
        text("region", "province or country"),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        SHOPS, ORDERS, ORDER_LINES, PAYMENTS, RETURNS, CUSTOMERS, PRODUCTS, PRICE_HISTORY,
        SETTLEMENTS, COSTS, TRAFFIC_DAILY, AD_SPEND, SURVEYS, SUPPLIERS, PURCHASE_ORDERS,
        STOCK_LEVELS, SHIPMENTS, WAREHOUSES, CAMPAIGNS, MESSAGES, ENGAGEMENTS, INVITATIONS,
        MEMBERS, EXPERIMENTS, EXPERIMENT_UNITS, EXPERIMENT_FEATURES, EXPERIMENT_OUTCOMES,
        SESSIONS, SEARCH_TERMS, LISTINGS, PRODUCT_ADS, LIVE_SESSIONS, CONTENT_POSTS, SPEND_TESTS,
        BUDGETS,
        PEERS,
    )
}  # fmt: skip
REQUIRED_TABLES = tuple(name for name, table in TABLES.items() if table.required)
