"""Rows of the tables that grow block by block."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from helpers.store.sample.arrow import joined, money, numbered, text, times, unit_price, words
from helpers.store.sample.baskets import Lines
from helpers.store.sample.blocks import Block
from helpers.store.sample.channels import NAMES
from helpers.store.sample.columns import NO_TIME, day_number
from helpers.store.sample.customers import REGION_NAMES
from helpers.store.sample.delivery import CARRIERS, WAREHOUSES, Deliveries, Parcels
from helpers.store.sample.money import Settlements
from helpers.store.sample.orders import SALE, Accounts, Orders
from helpers.store.sample.payments import METHODS, Payments
from helpers.store.sample.returns import Returns
from helpers.store.sample.settings import Setting
from helpers.store.sample.surveys import Answers
from helpers.store.sample.totals import Totals
from helpers.store.schema import ORDER_KINDS, RETURN_STAGES, RETURN_TYPES

Columns = dict[str, pa.Array]
COUNTRIES = {"Hong Kong": "HK", "Macao": "MO"}


def block_columns(setting: Setting, block: Block, totals: Totals) -> Iterator[tuple[str, Columns]]:
    """Tables and their rows of one block."""

    def numbers(table: str, rows: np.ndarray) -> np.ndarray:
        return totals.next_numbers(table, len(rows))

    lines, orders = block.lines, block.orders
    ids = order_ids(setting, orders.created, orders.number)
    yield "customers", customer_columns(setting, block.accounts)
    yield "orders", order_columns(setting, orders, ids, block.deliveries, block.settlements)
    yield "order_lines", line_columns(lines, ids)
    paid = numbers("payments", block.payments.order)
    yield "payments", payment_columns(setting, block.payments, ids, paid)
    back = numbers("returns", block.returns.line)
    yield "returns", return_columns(setting, block.returns, orders, lines, ids, back)
    yield "settlements", settlement_columns(setting, block.settlements, ids)
    sent = numbers("shipments", block.parcels.order)
    yield "shipments", shipment_columns(setting, block.parcels, ids, sent)
    said = numbers("surveys", block.answers.account)
    yield "surveys", answer_columns(setting, block.answers, said)


def scrambled(numbers: np.ndarray, digits: int) -> np.ndarray:
    """Running numbers, one to one, as numbers that do not run."""
    return (numbers * 7_368_787 + 1_904_321) % 10**digits


def customer_ids(setting: Setting, account: np.ndarray) -> pa.Array:
    """Ids of accounts."""
    digits = 7 if setting.customers < 4_000_000 else 9
    return numbered("C", scrambled(account, digits), digits)


def product_ids(product: np.ndarray) -> pa.Array:
    """Ids of products."""
    return numbered("P", product + 1, 5)


def show_ids(show: np.ndarray) -> pa.Array:
    """Ids of live sessions; empty below 0."""
    return _ids_or_empty("LS", show)


def post_ids(post: np.ndarray) -> pa.Array:
    """Ids of posts; empty below 0."""
    return _ids_or_empty("CP", post)


def _ids_or_empty(prefix: str, index: np.ndarray) -> pa.Array:
    ids = numbered(prefix, np.maximum(index, 0) + 1, 6)
    return pa.compute.if_else(pa.array(index >= 0), ids, pa.scalar(None, pa.string()))


def order_ids(setting: Setting, created: np.ndarray, number: np.ndarray) -> pa.Array:
    """Ids of orders: the day of creation and a number, as platforms give them."""
    day = np.datetime64(setting.starts_on) + day_number(created)
    month = day.astype("datetime64[M]")
    months = month.astype(int)
    day_of_month = (day - month).astype(int) + 1
    stamp = (months // 12 + 1970) % 100 * 10_000 + (months % 12 + 1) * 100 + day_of_month
    return joined(numbered("", stamp, 6), numbered("", scrambled(number, 9), 9))


def customer_columns(setting: Setting, accounts: Accounts) -> Columns:
    """Table `customers`."""
    return {
        "customer_id": customer_ids(setting, accounts.number),
        "registered_at": times(setting, accounts.registered),
        "first_channel": words(NAMES, accounts.channel),
        "region": words(REGION_NAMES, accounts.region),
    }


def order_columns(
    setting: Setting, orders: Orders, ids: pa.Array, to: Deliveries, settlements: Settlements
) -> Columns:
    """Table `orders`."""
    settled = np.full(len(orders), NO_TIME)
    settled[settlements.order] = settlements.settled
    country = [COUNTRIES.get(name, "CN") for name in REGION_NAMES]
    return {
        "order_id": ids,
        "customer_id": customer_ids(setting, orders.account),
        "kind": words(ORDER_KINDS, orders.kind),
        "created_at": times(setting, orders.created),
        "paid_at": times(setting, orders.paid),
        "deposit_paid_at": times(setting, orders.deposit_paid),
        "deposit_amount": money(orders.deposit_cents, orders.deposit_paid == NO_TIME),
        "shipped_at": times(setting, to.shipped),
        "confirmed_at": times(setting, to.confirmed),
        "settled_at": times(setting, settled),
        "channel": words(NAMES, orders.channel, orders.kind != SALE),
        "live_session_id": show_ids(orders.show),
        "content_post_id": post_ids(orders.post),
        "country": words(country, orders.region),
        "shipping_charged": money(orders.postage_cents),
        "is_fake": pa.array(orders.is_fake),
    }


def line_numbers(lines: Lines) -> np.ndarray:
    """Number of each line in its order, from 1."""
    rows = np.arange(len(lines.order))
    begins = np.append(True, lines.order[1:] != lines.order[:-1])[: len(rows)]
    return rows - np.maximum.accumulate(np.where(begins, rows, 0)) + 1


def line_columns(lines: Lines, ids: pa.Array) -> Columns:
    """Table `order_lines`."""
    return {
        "order_id": ids.take(pa.array(lines.order)),
        "line_id": numbered("", line_numbers(lines), 1),
        "product_id": product_ids(lines.product),
        "item_class": text("goods", len(lines.order)),
        "quantity": pa.array(lines.quantity),
        "list_price": unit_price(lines.list_cents * 100),
        "merchant_discount": money(lines.merchant_cents),
        "shop_coupon": money(lines.coupon_cents),
        "platform_subsidy": money(lines.subsidy_cents),
        "buyer_paid": money(lines.paid_cents),
        "merchant_receivable": money(lines.paid_cents + lines.subsidy_cents),
    }


def payment_columns(
    setting: Setting, payments: Payments, ids: pa.Array, numbers: np.ndarray
) -> Columns:
    """Table `payments`."""
    return {
        "payment_id": numbered("T", numbers, 9),
        "order_id": ids.take(pa.array(payments.order)),
        "attempted_at": times(setting, payments.attempted),
        "method": words(METHODS, payments.method),
        "succeeded": pa.array(payments.succeeded),
        "amount": money(payments.amount_cents),
    }


def return_columns(
    setting: Setting,
    returns: Returns,
    orders: Orders,
    lines: Lines,
    ids: pa.Array,
    numbers: np.ndarray,
) -> Columns:
    """Table `returns`."""
    order = lines.order[returns.line]
    return {
        "return_id": numbered("R", numbers, 8),
        "order_id": ids.take(pa.array(order)),
        "line_id": numbered("", line_numbers(lines)[returns.line], 1),
        "product_id": product_ids(lines.product[returns.line]),
        "customer_id": customer_ids(setting, orders.account[order]),
        "item_class": text("goods", len(order)),
        "type": words(RETURN_TYPES, returns.type),
        "stage": words(RETURN_STAGES, returns.stage),
        "applied_at": times(setting, returns.applied),
        "settled_at": times(setting, returns.settled),
        "quantity": pa.array(returns.quantity),
        "amount": money(returns.amount_cents),
        "is_quality": pa.array(returns.is_quality),
        "is_resaleable": pa.array(returns.is_resaleable),
    }


def settlement_columns(setting: Setting, settlements: Settlements, ids: pa.Array) -> Columns:
    """Table `settlements`."""
    return {
        "order_id": ids.take(pa.array(settlements.order)),
        "settled_at": times(setting, settlements.settled),
        "commission": money(settlements.commission_cents),
        "affiliate_commission": money(settlements.affiliate_cents),
        "return_insurance": money(settlements.insurance_cents),
        "instalment_fee": money(settlements.instalment_cents),
        "penalty": money(settlements.penalty_cents),
    }


def shipment_columns(
    setting: Setting, parcels: Parcels, ids: pa.Array, numbers: np.ndarray
) -> Columns:
    """Table `shipments`; what happens after the span is not known."""
    arrived = parcels.delivered <= setting.last_second
    start = np.datetime64(setting.starts_on, "us").astype(np.int64)
    return {
        "shipment_id": numbered("L", numbers, 9),
        "order_id": ids.take(pa.array(parcels.order)),
        "carrier": words([carrier.name for carrier in CARRIERS], parcels.carrier),
        "warehouse_id": words([row[0] for row in WAREHOUSES], parcels.warehouse),
        "shipped_at": times(setting, parcels.shipped),
        "promised_at": pa.array(start + parcels.promised * 1_000_000).cast(pa.timestamp("us")),
        "delivered_at": times(setting, parcels.delivered),
        "freight_cost": money(parcels.freight_cents),
        "packaging_cost": money(parcels.packaging_cents),
        "is_damaged": pa.array(parcels.damaged, mask=~arrived),
    }


def answer_columns(setting: Setting, answers: Answers, numbers: np.ndarray) -> Columns:
    """Table `surveys`."""
    return {
        "answer_id": numbered("A", numbers, 7),
        "customer_id": customer_ids(setting, answers.account),
        "answered_at": times(setting, answers.answered),
        "score": pa.array(answers.score),
    }
