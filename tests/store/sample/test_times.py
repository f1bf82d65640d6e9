"""Times: things happen in order, inside the span, by the calendar."""

import pytest

LAST = "TIMESTAMP '2024-12-31 23:59:59'"


@pytest.mark.parametrize(
    ("table", "rule"),
    [
        ("orders", "created_at <= paid_at"),
        ("orders", "paid_at < shipped_at"),
        ("orders", "shipped_at < confirmed_at"),
        ("orders", "confirmed_at < settled_at"),
        ("orders", "created_at <= deposit_paid_at AND deposit_paid_at < paid_at"),
        ("shipments", "shipped_at < delivered_at"),
        ("shipments", "shipped_at < promised_at"),
        ("returns", "applied_at < settled_at"),
        ("purchase_orders", "ordered_at < received_at AND ordered_at::DATE <= promised_on"),
        ("messages", "sent_at < opened_at"),
        ("invitations", "invited_at <= accepted_at"),
        ("members", "joined_at + INTERVAL 180 DAY < left_at"),
        ("members", "joined_at::DATE <= tier_since"),
    ],
)
def test_one_thing_follows_the_other(full, table, rule):
    assert full.value(f"SELECT count(*) FROM {table} WHERE NOT ({rule})") == 0


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("orders", "created_at"), ("orders", "paid_at"), ("orders", "settled_at"),
        ("shipments", "shipped_at"), ("shipments", "delivered_at"), ("returns", "settled_at"),
        ("payments", "attempted_at"), ("customers", "registered_at"), ("surveys", "answered_at"),
        ("purchase_orders", "ordered_at"), ("purchase_orders", "received_at"),
        ("messages", "sent_at"), ("messages", "opened_at"), ("engagements", "occurred_at"),
        ("invitations", "invited_at"), ("invitations", "accepted_at"), ("members", "joined_at"),
        ("members", "left_at"), ("members", "tier_since"), ("experiment_outcomes", "observed_at"),
    ],
)  # fmt: skip
def test_nothing_is_known_from_after_the_last_day(full, table, column):
    assert full.value(f"SELECT max({column}) <= {LAST} FROM {table}")


def test_what_is_under_way_at_the_end_is_open(full):
    open_parcels, open_orders, open_purchases = (
        full.value(query)
        for query in (
            "SELECT count(*) FROM shipments WHERE delivered_at IS NULL",
            "SELECT count(*) FROM sales WHERE confirmed_at IS NULL AND shipped_at IS NOT NULL",
            "SELECT count(*) FROM purchase_orders WHERE received_at IS NULL"
            " AND received_quantity IS NULL",
        )
    )
    assert min(open_parcels, open_orders, open_purchases) > 0


def test_accounts_are_made_before_they_order(full):
    query = (
        "SELECT count(*) FROM customers c JOIN orders USING (customer_id)"
        " WHERE registered_at > created_at"
    )
    assert full.value(query) == 0


def test_products_are_not_sold_before_their_launch(full):
    query = (
        "SELECT count(*) FROM order_lines JOIN sales USING (order_id) JOIN products"
        " USING (product_id) WHERE day < launched_on"
    )
    assert full.value(query) == 0


def test_the_first_order_names_the_channel_of_the_customer(full):
    agree = full.value(
        "SELECT avg((arg_min = first_channel)::INT) FROM (SELECT customer_id,"
        " arg_min(channel, paid_at) AS arg_min FROM sales GROUP BY ALL) JOIN customers"
        " USING (customer_id)"
    )
    assert agree == 1


def test_the_year_has_its_events(full):
    def per_day(where: str) -> float:
        return full.value(
            f"SELECT count(*) / count(DISTINCT day) FROM sales WHERE year(day) = 2024 AND {where}"
        )

    usual = per_day("month(day) IN (4, 9)")
    assert per_day("month(day) = 11 AND day(day) IN (10, 11)") > 3 * usual
    assert per_day("month(day) = 6 AND day(day) BETWEEN 16 AND 18") > 1.7 * usual
    assert per_day("day BETWEEN DATE '2024-02-08' AND DATE '2024-02-13'") < 0.65 * usual


def test_no_parcel_leaves_or_arrives_in_the_spring_festival_rest(full):
    rest = "BETWEEN TIMESTAMP '2024-02-08' AND TIMESTAMP '2024-02-15'"
    assert full.value(f"SELECT count(*) FROM shipments WHERE shipped_at {rest}") == 0
    assert full.value(f"SELECT count(*) FROM shipments WHERE delivered_at {rest}") == 0


def test_people_buy_in_the_evening_and_not_at_night(full):
    hours = dict(full.rows("SELECT hour(paid_at), count(*) FROM sales GROUP BY 1"))
    assert hours[21] > 5 * hours[4]


def test_the_plain_shop_knows_no_seasons(plain):
    months = [
        count for (count,) in plain.rows(
            "SELECT count(*) / count(DISTINCT day) FROM sales WHERE year(day) = 2024"
            " GROUP BY month(day)"
        )
    ]  # fmt: skip
    assert max(months) / min(months) < 1.5
