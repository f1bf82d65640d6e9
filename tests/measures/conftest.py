from dataclasses import replace

import pytest

from helpers.store.open import opened
from helpers.store.sample import PLAIN, generate
from tests import traffic_shop
from tests.stores import a_store


@pytest.fixture(scope="session")
def traffic_shop_store(tmp_path_factory):
    """The shop of `traffic_shop.py` with every table that traffic reads."""
    tables = {"orders": traffic_shop.orders(), "ad_spend": traffic_shop.spend(),
              "traffic_daily": traffic_shop.visits(), "payments": traffic_shop.payments(),
              "price_history": traffic_shop.PRICES}  # fmt: skip
    with a_store(tmp_path_factory.mktemp("shop"), "2024-03", **tables) as found:
        yield found


@pytest.fixture(scope="session")
def traffic_orders_only(tmp_path_factory):
    """The same shop as one that knows nothing but its orders."""
    rows = [{**row, "channel": None} for row in traffic_shop.orders()]
    with a_store(tmp_path_factory.mktemp("bare"), "2024-03", orders=rows) as found:
        yield found


@pytest.fixture(scope="session")
def traffic_in_pounds(tmp_path_factory):
    """The same shop in pounds, whose traffic names no organic search."""
    visits = [row for row in traffic_shop.visits() if row["channel"] != "organic_search"]
    tables = {"orders": traffic_shop.orders(), "ad_spend": traffic_shop.spend(),
              "traffic_daily": visits}  # fmt: skip
    with a_store(tmp_path_factory.mktemp("pounds"), "2024-03", currency="GBP", **tables) as found:
        yield found


@pytest.fixture(scope="session")
def value_shop(tmp_path_factory):
    """4,000 customers who buy by BG/NBD and gamma-gamma and send some back; truth; folder."""
    folder = tmp_path_factory.mktemp("plain") / "shop"
    truth = generate(folder, seed=7, customers=4_000, mechanisms=replace(PLAIN, returns=True))
    with opened(folder, cache=folder.parent / "cache") as store:
        yield store, truth, folder
