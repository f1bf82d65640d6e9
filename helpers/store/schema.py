"""The canonical tables: grain, key, columns, types, units. Declared here once.

Every source is mapped to these tables; every mart reads them. Times are the shop's own local
time, money is the store's currency. Only `orders` and `order_lines` are required.

Two declarations let a store be opened as it was known on a day: a row exists from its
`dated_by` column on, and a column with `known_at` is empty until the time in that column.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MONEY = "decimal(18,2)"
UNIT_PRICE = "decimal(18,4)"
DUCKDB_TYPES = {
    "string": "VARCHAR",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    MONEY: "DECIMAL(18,2)",
    UNIT_PRICE: "DECIMAL(18,4)",
}


@dataclass(frozen=True)
class Column:
    """One column of a canonical table.

    Attributes:
        name: Its name, also in files.
        type: One of `DUCKDB_TYPES`.
        meaning: What a value says, in one phrase.
        unit: Unit of a number; money is the store's currency where the unit is `money`.
        required: A file without the column is refused.
        nullable: A row may leave it empty.
        minimum: Smallest value allowed; rows below it go to quarantine.
        values: The only values allowed; rows with others go to quarantine.
        default: Taken where an optional column is absent or empty.
        known_at: Column of the same table from whose time on the value is known.
        personal: Says who a person is: never published, only as a keyed hash.
    """

    name: str
    type: str
    meaning: str
    unit: str = ""
    required: bool = False
    nullable: bool = True
    minimum: float | None = None
    values: tuple[str, ...] = ()
    default: str | int | float | bool | None = None
    known_at: str | None = None
    personal: bool = False


@dataclass(frozen=True)
class Table:
    """One canonical table: what a row is, what names it, and when it came into being."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    dated_by: str | None = None
    required: bool = False
    references: dict[str, str] = field(default_factory=dict)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns in the order of their declaration."""
        return tuple(column.name for column in self.columns)

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Names of the columns that a file must have."""
        return tuple(column.name for column in self.columns if column.required)

    def column(self, name: str) -> Column:
        """The declaration of one column.

        Raises:
            KeyError: The table has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} has no column {name!r}; it has {self.column_names}")


def _id(name: str, meaning: str, *, required: bool = True, personal: bool = False) -> Column:
    return Column(
        name, "string", meaning, required=required, nullable=not required, personal=personal
    )


def _text(name: str, meaning: str, **rules: object) -> Column:
    return Column(name, "string", meaning, **rules)  # type: ignore[arg-type]


def _time(name: str, meaning: str, **rules: object) -> Column:
    return Column(name, "timestamp", meaning, unit="local time of the shop", **rules)  # type: ignore[arg-type]


def _day(name: str, meaning: str, **rules: object) -> Column:
    return Column(name, "date", meaning, **rules)  # type: ignore[arg-type]


def _money(name: str, meaning: str, **rules: object) -> Column:
    rules = {"minimum": 0, **rules}
    return Column(name, MONEY, meaning, unit="money", **rules)  # type: ignore[arg-type]


def _count(name: str, meaning: str, **rules: object) -> Column:
    rules = {"minimum": 0, "unit": "count", **rules}
    return Column(name, "int64", meaning, **rules)  # type: ignore[arg-type]


def _unit_price(name: str, meaning: str, **rules: object) -> Column:
    rules = {"minimum": 0, **rules}
    return Column(name, UNIT_PRICE, meaning, unit="money per piece", **rules)  # type: ignore[arg-type]


def _flag(name: str, meaning: str, **rules: object) -> Column:
    return Column(name, "boolean", meaning, **rules)  # type: ignore[arg-type]


_SHOP = Column(
    "shop_id",
    "string",
    "the shop; a customer id means something inside one shop only",
    nullable=False,
    default="main",
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
        _SHOP,
        _text("name", "name of the shop"),
        _text("platform", "marketplace or own site that the shop stands on"),
        _day("opened_on", "first day of trading"),
    ),
)

ORDERS = Table(
    "orders",
    "one parent order of one buyer",
    ("shop_id", "order_id"),
    (
        _SHOP,
        _id("order_id", "the parent order's number"),
        _id(
            "customer_id",
            "the buyer; empty where the source knows none",
            required=False,
            personal=True,
        ),
        _text("kind", "what the order is", values=ORDER_KINDS, default="sale"),
        _time("created_at", "when the order was placed", required=True, nullable=False),
        _time(
            "paid_at",
            "when it was paid in full (a pre-sale: when the balance was paid)",
            required=True,
            known_at="paid_at",
        ),
        _time(
            "deposit_paid_at", "when a pre-sale's deposit 定金 was paid", known_at="deposit_paid_at"
        ),
        _money(
            "deposit_amount",
            "the deposit 定金, part of what the buyer paid",
            known_at="deposit_paid_at",
        ),
        _time("shipped_at", "when the last parcel left", known_at="shipped_at"),
        _time("confirmed_at", "when the buyer confirmed receipt", known_at="confirmed_at"),
        _time("settled_at", "when the platform paid the shop", known_at="settled_at"),
        _text("channel", "where the buyer of this order came from"),
        _text("country", "country or region of delivery"),
        _money("shipping_charged", "postage that the buyer paid, no part of sales", default=0),
        _flag("is_fake", "order placed to inflate sales 刷单", default=False),
    ),
    dated_by="created_at",
    required=True,
)

ORDER_LINES = Table(
    "order_lines",
    "one product in one order (a sub-order)",
    ("shop_id", "order_id", "line_id"),
    (
        _SHOP,
        _id("order_id", "the parent order"),
        _id("line_id", "the line in its order"),
        _id("product_id", "what was bought"),
        _text(
            "item_class",
            "goods, or what else the line charges",
            values=ITEM_CLASSES,
            default="goods",
        ),
        Column("quantity", "int64", "pieces", "pieces", required=True, nullable=False, minimum=0),
        _unit_price("list_price", "price before every discount"),
        _money("merchant_discount", "discount given by the shop on the line", default=0),
        _money("shop_coupon", "platform coupon as far as the shop bears it", default=0),
        _money("platform_subsidy", "part of the price that the platform pays", default=0),
        _money(
            "buyer_paid",
            "what the buyer paid for the line, without postage",
            required=True,
            nullable=False,
        ),
        _money("merchant_receivable", "what the shop is owed for the line: buyer paid + subsidy"),
    ),
    required=True,
    references={"order_id": "orders"},
)

PAYMENTS = Table(
    "payments",
    "one attempt to pay one order",
    ("shop_id", "payment_id"),
    (
        _SHOP,
        _id("payment_id", "the attempt"),
        _id("order_id", "the order"),
        _time("attempted_at", "when the buyer tried", required=True, nullable=False),
        _text("method", "means of payment"),
        _flag("succeeded", "whether the money came", required=True, nullable=False),
        _money("amount", "money of the attempt"),
    ),
    dated_by="attempted_at",
    references={"order_id": "orders"},
)

RETURNS = Table(
    "returns",
    "one refund of one order line",
    ("shop_id", "return_id"),
    (
        _SHOP,
        _id("return_id", "the refund case"),
        _id("order_id", "the order refunded; empty where none can be linked", required=False),
        _id("line_id", "its line", required=False),
        _id("product_id", "the product", required=False),
        _id("customer_id", "the buyer", required=False, personal=True),
        _text("item_class", "class of the line refunded", values=ITEM_CLASSES, default="goods"),
        _text("type", "refund only 仅退款, or return and refund 退货退款", values=RETURN_TYPES),
        _text("stage", "before or after shipment", values=RETURN_STAGES),
        _time("applied_at", "when the buyer asked"),
        _time("settled_at", "when the money went back", required=True, known_at="settled_at"),
        Column("quantity", "int64", "pieces refunded", "pieces", minimum=0),
        _money("amount", "money refunded", required=True, nullable=False),
        _flag("is_quality", "refunded because of quality"),
        _flag("is_resaleable", "goods can be sold again"),
    ),
    dated_by="settled_at",
)

CUSTOMERS = Table(
    "customers",
    "one buyer or registered account in one shop",
    ("shop_id", "customer_id"),
    (
        _SHOP,
        _id("customer_id", "the customer", personal=True),
        _time("registered_at", "when the account was made"),
        _text("first_channel", "channel that brought the customer"),
        _text("region", "province or country"),
    ),
    dated_by="registered_at",
)

PRODUCTS = Table(
    "products",
    "one sellable product (SKU)",
    ("shop_id", "product_id"),
    (
        _SHOP,
        _id("product_id", "the SKU"),
        _text("name", "name, in English where there is one"),
        _text("name_zh", "name in Chinese"),
        _text("category", "category, in English"),
        _text("category_zh", "category in Chinese"),
        _text("line", "basic 基础款, fashion 时尚款 or collection 收藏款"),
        _id("supplier_id", "who supplies it", required=False),
        _day("launched_on", "first day on sale"),
    ),
    dated_by="launched_on",
)

PRICE_HISTORY = Table(
    "price_history",
    "one product from one day on",
    ("shop_id", "product_id", "valid_from"),
    (
        _SHOP,
        _id("product_id", "the SKU"),
        _day("valid_from", "first day of these figures", required=True, nullable=False),
        _unit_price("list_price", "list price"),
        _unit_price("unit_cost", "landed cost of one piece"),
    ),
    dated_by="valid_from",
)

SETTLEMENTS = Table(
    "settlements",
    "one order as the platform settled it",
    ("shop_id", "order_id"),
    (
        _SHOP,
        _id("order_id", "the order"),
        _time("settled_at", "when it was settled", required=True, known_at="settled_at"),
        _money("commission", "platform commission 扣点", default=0),
        _money("affiliate_commission", "CPS and host commission", default=0),
        _money("return_insurance", "return insurance 运费险", default=0),
        _money("instalment_fee", "instalment fee", default=0),
        _money("penalty", "penalties", default=0),
    ),
    dated_by="settled_at",
    references={"order_id": "orders"},
)

COSTS = Table(
    "costs",
    "one overhead line in one month",
    ("shop_id", "month", "cost_line"),
    (
        _SHOP,
        _day("month", "first day of the month", required=True, nullable=False),
        _text("cost_line", "what it was spent on", required=True, nullable=False),
        _money("amount", "money spent", required=True, nullable=False),
    ),
    dated_by="month",
)

TRAFFIC_DAILY = Table(
    "traffic_daily",
    "one source of traffic on one day",
    ("shop_id", "day", "channel"),
    (
        _SHOP,
        _day("day", "the day", required=True, nullable=False),
        _text("channel", "source of the traffic", required=True, nullable=False),
        _count("visitors", "visitors, each once a day", required=True, nullable=False),
        _count("sessions", "visits"),
        _count("cart_visitors", "visitors who put something in the cart"),
        _count("buyers", "visitors who paid, each once a day"),
        _count("paid_sessions", "visits with a paid order"),
    ),
    dated_by="day",
)

AD_SPEND = Table(
    "ad_spend",
    "one campaign on one day",
    ("shop_id", "day", "channel", "campaign"),
    (
        _SHOP,
        _day("day", "the day", required=True, nullable=False),
        _text("channel", "channel, as in traffic_daily", required=True, nullable=False),
        _text("campaign", "campaign", required=True, nullable=False),
        _text(
            "kind",
            "what the money is for; `care` is for customers the shop has already",
            values=SPEND_KINDS,
            default="ads",
        ),
        _money("spend", "money spent", required=True, nullable=False),
        _count("impressions", "times shown"),
        _count("clicks", "clicks"),
        _money("attributed_sales", "sales that the channel claims"),
    ),
    dated_by="day",
)

SURVEYS = Table(
    "surveys",
    "one answer to the question how likely one would recommend the shop",
    ("shop_id", "answer_id"),
    (
        _SHOP,
        _id("answer_id", "the answer"),
        _id("customer_id", "who answered", required=False, personal=True),
        _time("answered_at", "when", required=True, nullable=False),
        _count("score", "0 to 10", required=True, nullable=False),
    ),
    dated_by="answered_at",
)

SUPPLIERS = Table(
    "suppliers",
    "one supplier",
    ("shop_id", "supplier_id"),
    (
        _SHOP,
        _id("supplier_id", "the supplier"),
        _text("name", "name, in English where there is one"),
        _text("name_zh", "name in Chinese"),
        Column("lead_time_days", "int64", "agreed days from order to receipt", "days", minimum=0),
    ),
)

PURCHASE_ORDERS = Table(
    "purchase_orders",
    "one product on one purchase order",
    ("shop_id", "purchase_order_id", "line_id"),
    (
        _SHOP,
        _id("purchase_order_id", "the purchase order"),
        _id("line_id", "its line"),
        _id("supplier_id", "from whom"),
        _id("product_id", "what"),
        _id("warehouse_id", "where to", required=False),
        _time("ordered_at", "when it was ordered", required=True, nullable=False),
        _day("promised_on", "day the supplier promised", required=True, nullable=False),
        _time("received_at", "when the last piece came", required=True, known_at="received_at"),
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
        _unit_price("unit_price", "price agreed"),
    ),
    dated_by="ordered_at",
)

STOCK_LEVELS = Table(
    "stock_levels",
    "one product in one warehouse at the end of one day",
    ("shop_id", "day", "warehouse_id", "product_id"),
    (
        _SHOP,
        _day("day", "day of the count", required=True, nullable=False),
        Column("warehouse_id", "string", "the warehouse", nullable=False, default="main"),
        _id("product_id", "the product"),
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
        _SHOP,
        _id("shipment_id", "the parcel"),
        _id("order_id", "the order"),
        _text("carrier", "who carries it", required=True, nullable=False),
        _id("warehouse_id", "where it left", required=False),
        _time("shipped_at", "when it left", required=True, nullable=False),
        _time("promised_at", "latest delivery promised"),
        _time("delivered_at", "when it arrived", required=True, known_at="delivered_at"),
        _money("freight_cost", "what the shop paid the carrier"),
        _money("packaging_cost", "what the packaging cost", default=0),
        _flag("is_damaged", "arrived damaged", known_at="delivered_at"),
    ),
    dated_by="shipped_at",
    references={"order_id": "orders"},
)

WAREHOUSES = Table(
    "warehouses",
    "one warehouse",
    ("shop_id", "warehouse_id"),
    (
        _SHOP,
        _id("warehouse_id", "the warehouse"),
        _text("name", "name"),
        _text("region", "province or country"),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        SHOPS, ORDERS, ORDER_LINES, PAYMENTS, RETURNS, CUSTOMERS, PRODUCTS, PRICE_HISTORY,
        SETTLEMENTS, COSTS, TRAFFIC_DAILY, AD_SPEND, SURVEYS, SUPPLIERS, PURCHASE_ORDERS,
        STOCK_LEVELS, SHIPMENTS, WAREHOUSES,
    )
}  # fmt: skip
REQUIRED_TABLES = tuple(name for name, table in TABLES.items() if table.required)
