"""What each line of Complete Journey is and who paid for it, worked out from `raw_<file>`.

The shop receives `sales_value`: the list price less the loyalty discount and its own match of the
coupon. Of that the manufacturer pays `coupon_disc` and the buyer the rest. An example of the user
guide: two pieces at 1.67, match 0.45, coupon 0.55; the shop receives 2.89, the buyer paid 2.34.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.store.ingest.source import literal

if TYPE_CHECKING:
    import duckdb

PETROL = "GASOLINE%"
GIFT_CARDS = "%GIFT CARD%"
CENTS = "DECIMAL(18,2)"

_TYPED = f"""
    SELECT basket_id AS order_id, household_id AS customer_id, product_id, quantity,
        transaction_timestamp AS moment, sales_value AS received,
        CAST(retail_disc AS {CENTS}) AS loyalty, CAST(coupon_match_disc AS {CENTS}) AS match,
        CAST(coupon_disc AS {CENTS}) AS coupon,
        CASE WHEN quantity = 0 AND sales_value = 0
                THEN CASE WHEN coupon_disc > 0 THEN 'discount' ELSE 'adjustment' END
            WHEN product_type LIKE {literal(GIFT_CARDS)} THEN 'voucher'
            ELSE 'goods' END AS item_class,
        coalesce(product_type LIKE {literal(PETROL)}, false) AS is_petrol,
        least(sales_value, CAST(coupon_disc AS {CENTS})) AS own,
        CAST(0 AS {CENTS}) AS spread
    FROM raw_transactions
    LEFT JOIN (SELECT product_id, product_type FROM raw_products) USING (product_id)"""
"""Lines with their class. A line is goods when a piece was sold or money came for it."""

_SPREAD = f"""
    WITH room AS (SELECT order_id, product_id, coupon - own AS above,
            received - own AS left_over FROM lines),
        baskets AS (SELECT order_id, sum(left_over) AS room, least(sum(above), sum(left_over))
            AS spread FROM room GROUP BY 1 HAVING sum(above) > 0 AND sum(left_over) > 0),
        running AS (SELECT *, sum(left_over) OVER (PARTITION BY order_id ORDER BY product_id)
            AS through FROM room JOIN baskets USING (order_id))
    SELECT order_id, product_id, CAST(round(spread * through / room, 2) AS {CENTS})
        - CAST(round(spread * (through - left_over) / room, 2) AS {CENTS}) AS spread
    FROM running"""
"""Coupons above the price of their line, spread over what is left to pay of the basket.

Most of them are rung up as lines of their own, without an article. Each line bears its share of
the rest; running totals are rounded, so that the shares add up to the cent.
"""

ORDERS = """
    SELECT order_id, any_value(customer_id) AS customer_id, min(moment) AS created_at,
        min(moment) AS paid_at FROM lines GROUP BY 1 ORDER BY created_at, order_id"""

ORDER_LINES = """
    SELECT order_id, product_id AS line_id, product_id, item_class,
        CASE WHEN is_petrol THEN least(quantity, 1) ELSE quantity END AS quantity,
        (received + loyalty + match)
            / nullif(CASE WHEN is_petrol THEN least(quantity, 1) ELSE quantity END, 0)
            AS list_price,
        loyalty AS merchant_discount, match AS shop_coupon,
        own + spread AS platform_subsidy, received - own - spread AS buyer_paid,
        received AS merchant_receivable
    FROM lines ORDER BY moment, order_id, product_id"""

CUSTOMERS = "SELECT DISTINCT customer_id FROM lines ORDER BY 1"

PRODUCTS = """
    SELECT product_id, concat_ws(' ', nullif(product_type, 'NA'), '#' || product_id) AS name,
        nullif(product_category, 'NA') AS category
    FROM raw_products ORDER BY product_id"""
"""Many products share their type, so the name ends in the number; R writes nothing as NA."""

CAMPAIGNS = """
    SELECT campaign_id, 'Campaign ' || campaign_id AS name, '营销活动' || campaign_id AS name_zh,
        campaign_type AS type, start_date AS starts_on, end_date AS ends_on
    FROM raw_campaign_descriptions ORDER BY start_date, campaign_id"""

MESSAGES = """
    SELECT campaign_id || '-' || household_id AS message_id, household_id AS customer_id,
        campaign_id, 'mail' AS medium, start_date AS sent_at
    FROM raw_campaigns JOIN raw_campaign_descriptions USING (campaign_id)
    ORDER BY start_date, campaign_id, household_id"""

ENGAGEMENTS = """
    SELECT household_id || '-' || campaign_id || '-' || coupon_upc || '-' || redemption_date
            AS engagement_id,
        household_id AS customer_id, 'coupon_redeemed' AS kind, redemption_date AS occurred_at,
        campaign_id
    FROM raw_coupon_redemptions ORDER BY redemption_date, household_id, campaign_id, coupon_upc"""

REMARKS = {
    ("discounts_given", "of a list value of {list_value} the loyalty card took {loyalty} and the "
     "shop's match of coupons {match}; the shop received {received}"): """
        SELECT sum(received + loyalty + match), sum(loyalty), sum(match), sum(received)
        FROM lines""",
    ("coupons_spread", "manufacturers paid coupons of {coupons}: {own} on the line that they stand "
     "on, {spread} above its price or without an article, spread over the rest of the basket, and "
     "{left_out} above the whole basket, which nobody is credited with"): """
        SELECT sum(coupon), sum(own), sum(spread), sum(coupon - own - spread) FROM lines""",
    ("nothing_sold", "{rows} lines have no piece and no money: {coupons} are coupons and {void} "
     "are void; they are no goods"): """
        SELECT count(*), count(*) FILTER (item_class = 'discount'),
            count(*) FILTER (item_class = 'adjustment')
        FROM lines WHERE item_class IN ('discount', 'adjustment')""",
    ("petrol_pieces", "{rows} lines of petrol ({money}) name thousandths of a gallon; a filling "
     "counts as one piece"): """
        SELECT count(*), coalesce(sum(received), 0) FROM lines WHERE is_petrol""",
    ("products_unlisted", "{rows} lines of goods ({money}) have {products} product numbers that "
     "the products do not list; they count, without name and category"): """
        SELECT count(*), coalesce(sum(received), 0), count(DISTINCT product_id) FROM lines
        WHERE item_class = 'goods' AND EXISTS (FROM raw_products)
            AND product_id NOT IN (SELECT product_id FROM raw_products)""",
}  # fmt: skip
"""What is worth saying of the lines: key, text, and SQL of the figures that it names in order."""


def build(connection: duckdb.DuckDBPyConnection, time_zone: str) -> None:
    """Make table `lines` from the raw files, times in the shop's zone."""
    local = f"timezone({literal(time_zone)}, timezone('UTC', moment)) AS moment"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE lines AS SELECT * REPLACE ({local}) FROM ({_TYPED})"
    )
    connection.execute("DROP TABLE raw_transactions")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE shares AS {_SPREAD}")
    connection.execute(
        "UPDATE lines SET spread = shares.spread FROM shares "
        "WHERE lines.order_id = shares.order_id AND lines.product_id = shares.product_id"
    )
