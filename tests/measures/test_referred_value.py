"""Value and cost of the referred on stores counted by hand."""

from __future__ import annotations

import pytest

from helpers.measures import referred_value
from helpers.store.errors import MissingTable
from tests.measures.test_referral import an_invitation
from tests.stores import a_store, an_order

NEW = 120
REFERRED = 40


def a_shop():
    """Customers of March to June 2024, of whom the referred spend more at first, and so later.

    Everybody spends once more what the first order cost: the referred are worth more, and no more
    than others of the same first order.
    """
    orders, sent = [], []
    for i in range(NEW):
        referred, month = i % 3 == 0, 3 + i // 3 % 4
        money = 100 + 10 * (i // 12) + (20 if referred else 0)
        day = f"2024-{month:02d}-{10 + i % 7:02d}"
        source = "referral" if referred and i % 2 else "search"
        orders.append(an_order(f"{i}", f"c{i}", f"{day} 10:00", money, channel=source))
        orders.append(an_order(f"{i}b", f"c{i}", f"2024-{month + 2:02d}-20 10:00", money,
                               channel=source))  # fmt: skip
        if referred:
            sent.append(an_invitation(i, "old", f"{day} 08:00", f"c{i}", reward=30))
    orders.append(an_order("old", "old", "2024-01-02 10:00", 50, channel="search"))
    # Came by the channel without an invitation on record: neither referred nor one of the others.
    orders.append(an_order("stray", "stray", "2024-03-15 10:00", 9_999, channel="referral"))
    spend = [{"day": f"2024-{month:02d}-02", "channel": channel, "campaign": "all", "spend": money}
             for month in range(1, 13)
             for channel, money in (("search", 800), ("referral", 100))]  # fmt: skip
    return {"orders": orders, "invitations": sent, "ad_spend": spend}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with a_store(tmp_path_factory.mktemp("value"), "2024", **a_shop()) as found:
        yield found


def test_the_referred_are_worth_more_and_no_more_than_others_like_them(store):
    frame = referred_value.referred_value(store, store.period).set_index("outcome")
    money = frame.loc["money"]
    assert (money["basis"], money["referred"]) == ("paid_sales", REFERRED)
    # Twice the first order: 2 x (100 + 45 + 20) and 2 x (100 + 45) on average.
    assert money["referred_value"] == pytest.approx(2 * 165)
    assert money["unadjusted"] == pytest.approx(2 * 20)
    assert money["difference"] == pytest.approx(0, abs=3)
    assert frame.loc["again", "referred_value"] == 1


def test_a_purchase_after_the_window_does_not_count(store):
    # The second purchase comes 34 to 70 days after the first.
    frame = referred_value.referred_value(store, store.period, window_days=30)
    again = frame.set_index("outcome").loc["again"]
    assert (again["referred_value"], again["difference"]) == (0, 0)


def test_the_cost_of_the_referred_is_their_rewards_and_the_channels_spend(store):
    frame = referred_value.cost_of_referred(store, store.period).set_index("channel")
    # 40 rewards of 30 and twelve months of 100.
    assert frame.loc["referral", "cost"] == pytest.approx((40 * 30 + 12 * 100) / 40)
    # First orders by search: 80 others, 20 of the referred, and the old one.
    search = frame.loc["search"]
    assert search["new_customers"] == 101
    assert search["cost"] == pytest.approx(12 * 800 / 101)
    assert search["against_referred"] == pytest.approx(search["cost"] - 60)


def test_fewer_than_thirty_referred_are_not_compared(store, monkeypatch):
    monkeypatch.setattr(referred_value, "FEWEST_REFERRED", REFERRED + 1)
    with pytest.raises(MissingTable, match="short"):
        referred_value.referred_value(store, store.period)


def test_fewer_than_ten_referred_have_no_cost(tmp_path):
    shop = a_shop()
    shop["invitations"] = shop["invitations"][:9]
    with (
        a_store(tmp_path, "2024", **shop) as few,
        pytest.raises(MissingTable, match="small"),
    ):
        referred_value.cost_of_referred(few, few.period)


def test_the_plan_says_whether_its_share_is_reached_and_what_one_more_is_worth(store, monkeypatch):
    from helpers.measures import referral

    # In 2024 the customers from 3 October 2023 to 2 October 2024 are the inviters: all of them.
    monkeypatch.setattr(store, "first_day", store.first_day.replace(year=2023))
    monkeypatch.setattr(referral, "SMALLEST_GROUP", 1)
    row = referred_value.referral_plan(store, store.period).iloc[0]
    assert row["share"] == pytest.approx(40 / 122)
    # A third is above the plan's 30 %.
    assert (row["action"], row["more_referred"]) == ("keep", 0)
    assert row["worth_each"] == pytest.approx(2 * 165 - 60)
    # Nobody is new in the last 60 days, so nobody is left to ask.
    assert (row["to_ask"], row["asked_worth"]) == (0, 0)
    monkeypatch.setattr(referred_value, "_to_ask", lambda *_: 200)
    row = referred_value.referral_plan(store, store.period).iloc[0]
    assert row["asked_worth"] == pytest.approx(20 * (2 * 165 - 60))
    assert row["asked_low"] < row["asked_worth"] < row["asked_high"]
