"""Members against comparable others: hand counts, and a shop whose members differ by selection."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from helpers.measures import members, private_domain, private_domain_actions
from helpers.measures.comparable import comparable_rows, pool_of, risk_sets
from helpers.plan.periods import month_of
from helpers.store.errors import MissingTable
from tests.stores import a_store, an_order


def a_member(customer, joined, **more):
    """One membership."""
    return {"customer_id": customer, "joined_at": joined, "intake": "parcel_card", **more}


# The period ends on 2024-12-31: joining days up to 2024-07-04 have their 180 days over.
ORDERS = [
    # ann joins on 2024-05-10 with two purchase days behind her and buys on day 180 after.
    an_order("1", "ann", "2024-01-10 10:00", 100),
    an_order("2", "ann", "2024-05-01 10:00", 50),
    an_order("3", "ann", "2024-11-06 10:00", 70),
    # bob is like her, is no member, and buys on day 181; he joins in July.
    an_order("4", "bob", "2024-01-12 10:00", 100),
    an_order("5", "bob", "2024-05-03 10:00", 50),
    an_order("6", "bob", "2024-11-07 10:00", 70),
    # cem buys on the very day; that is history, and not what came after.
    an_order("7", "cem", "2024-01-12 10:00", 30),
    an_order("8", "cem", "2024-05-10 20:00", 30),
    # dan had joined before, eve had not bought by then, fay joins too late.
    an_order("9", "dan", "2024-01-12 10:00", 30),
    an_order("10", "eve", "2024-06-01 10:00", 30),
    an_order("11", "fay", "2024-01-12 10:00", 30),
]  # fmt: skip
MEMBERS = [
    a_member("ann", "2024-05-10 12:00"), a_member("bob", "2024-07-20 12:00"),
    a_member("dan", "2024-05-09 12:00"), a_member("eve", "2024-05-10 12:00"),
    a_member("fay", "2024-07-05 12:00"), a_member("gil", "2024-05-10 12:00"),
]  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("members")
    with a_store(folder, "2024-12", orders=ORDERS, members=MEMBERS) as found:
        yield found


def test_each_day_has_those_who_joined_and_those_who_had_not(store):
    frame, basis = risk_sets(store, store.period, window_days=180)
    assert basis == "paid_sales"
    # 9 May: dan joins; ann, bob, cem, fay had bought and not joined. 10 May: ann joins; bob, cem,
    # fay. eve and gil had not bought by then, so nothing is known of them.
    sizes = frame.groupby("day")["treated"].agg(["sum", "size"])
    assert sizes.to_numpy().tolist() == [[1, 5], [1, 4]]
    ann = frame[(frame["day"] == "2024-05-10") & frame["treated"]].iloc[0]
    known = ["purchase_days", "since_last", "since_first", "paid"]
    assert ann[known].tolist() == [2, 9, 121, 150]
    assert ann[["days_to_purchase", "days_after", "money_after"]].tolist() == [180, 1, 70]


def test_only_what_happens_after_the_day_and_inside_the_window_counts(store):
    frame, _ = risk_sets(store, store.period, window_days=180)
    others = frame[(frame["day"] == "2024-05-10") & ~frame["treated"]].sort_values("paid")
    # fay 30; cem 60 with the purchase of the day itself; bob 150, who buys a day too late and is
    # seen until he joins himself.
    assert others["paid"].tolist() == [30, 60, 150]
    assert others["since_last"].tolist() == [119, 0, 7]
    assert others["days_after"].tolist() == [0, 0, 0]
    assert others["days_to_purchase"].iloc[2] == 181
    assert others["days_to_joining"].iloc[2] == 71


def test_one_who_never_ordered_changes_nothing(tmp_path, store):
    people = [row for row in MEMBERS if row["customer_id"] != "gil"]
    with a_store(tmp_path, "2024-12", orders=ORDERS, members=people) as fewer:
        found, _ = risk_sets(fewer, fewer.period, window_days=180)
    assert found.equals(risk_sets(store, store.period, window_days=180)[0])


def test_members_nobody_is_like_are_left_out():
    # Treated: like the first other; of a day without others; with more purchases than others.
    rows = [(1, "2024-05-09", 1, 20, 20), (0, "2024-05-09", 1, 25, 60),
            (1, "2024-05-10", 1, 20, 20), (1, "2024-05-09", 4, 20, 90),
            (0, "2024-05-09", 1, 200, 200)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["treated", "day", "purchase_days", "since_last",
                                        "since_first"]).astype({"treated": bool})  # fmt: skip
    assert comparable_rows(frame).index.tolist() == [0, 1]


def test_too_few_to_compare_is_said_and_not_guessed(store):
    for measure in (
        private_domain.member_effect, private_domain.members_compared, private_domain.comparison,
        private_domain.member_balance,
    ):  # fmt: skip
        with pytest.raises(MissingTable, match="short"):
            measure(store, store.period)


def test_without_members_the_lack_is_named(tmp_path):
    with a_store(tmp_path, "2024-12", orders=ORDERS) as bare:
        for measure in (
            private_domain.member_effect, members.intake_months, members.tiers, members.activity,
            members.leavers, private_domain_actions.private_domain_actions,
        ):  # fmt: skip
            with pytest.raises(MissingTable, match="members"):
                measure(bare, bare.period)


START = date(2023, 1, 1)
DAYS = 731


def a_shop(seed=3, customers=500, factor=1.0):
    """A shop in which who bought often and lately joins, which multiplies the rate of buying.

    Every customer decides once, on a day that purchases have nothing to do with.
    """
    random = np.random.default_rng(seed)
    orders, people = [], []
    for number in range(customers):
        rate, bought = random.gamma(0.8, 1 / 200), [int(random.integers(0, 500))]
        decides = bought[0] + int(random.integers(1, 300))
        following = bought[0] + random.geometric(-np.expm1(-rate))
        while following <= decides:
            bought.append(int(following))
            following += random.geometric(-np.expm1(-rate))
        score = -2.2 + 0.9 * min(len(bought), 4) + 1.3 * np.exp((bought[-1] - decides) / 60)
        if random.random() < 1 / (1 + np.exp(-score)):
            people.append(a_member(f"c{number}", f"{START + timedelta(days=decides)} 12:00"))
            rate *= factor
            following = decides + random.geometric(-np.expm1(-rate))
        while following < DAYS:
            bought.append(int(following))
            following += random.geometric(-np.expm1(-rate))
        orders += [
            an_order(f"{number}.{day}", f"c{number}", f"{START + timedelta(days=day)} 10:00", 100)
            for day in bought if day < DAYS
        ]  # fmt: skip
    return {"orders": orders, "members": [row for row in people if row["joined_at"] < "2025"]}


@pytest.fixture(scope="module")
def selected(tmp_path_factory):
    """A shop whose members are chosen and not changed."""
    with a_store(tmp_path_factory.mktemp("s"), "2024-12", **a_shop()) as found:
        yield found


def test_members_who_were_chosen_and_not_changed_show_no_effect(selected):
    row = private_domain.members_compared(selected, selected.period).set_index("outcome")
    bought = row.loc["bought"]
    # The true effect is 0; the plain difference is what selection makes of it.
    assert bought["unadjusted"] > 0.05
    assert bought["unadjusted"] > bought["difference"] + 0.05
    assert bought["low"] < 0 < bought["high"]
    assert bought["difference"] == pytest.approx(
        bought["members_value"] - bought["comparable_value"]
    )
    assert row["grade"].eq("matched_comparison").all()


def test_the_metric_is_the_difference_of_the_shares_who_buy(selected):
    metric = private_domain.member_effect(selected, selected.period).iloc[0]
    row = private_domain.members_compared(selected, selected.period).iloc[0]
    assert metric[["value", "low", "high"]].tolist() == row[["difference", "low", "high"]].tolist()
    made = private_domain.comparison(selected, selected.period).iloc[0]
    assert metric["n"] == made["matched"]
    assert made["matched"] <= made["members"]


def test_balance_is_shown_before_and_after(selected):
    frame = private_domain.member_balance(selected, selected.period).set_index("known_of")
    assert frame["before"].abs().max() > 0.3
    assert frame["after"].abs().max() < 0.1
    made = private_domain.comparison(selected, selected.period).iloc[0]
    assert (made["verdict"], made["expected"]) == ("comparable", 0.4)
    assert made["largest_after"] >= frame["after"].abs().max()


def test_the_plain_difference_is_that_of_the_rows(selected):
    rows, _ = risk_sets(selected, selected.period, window_days=180)
    rows = comparable_rows(rows)
    pool = pool_of(rows)
    joins = rows.groupby("day")["treated"].sum()
    # Each day's others weigh as much as that day's members: what the day does to all is no effect.
    weight = pd.Series(pool.base, index=rows.index)[~rows["treated"]].groupby(rows["day"]).sum()
    assert weight.to_numpy() == pytest.approx(joins.to_numpy(float))


def test_members_unlike_everybody_get_no_number(selected, monkeypatch):
    from helpers.models import matching

    monkeypatch.setattr(matching, "LARGEST_DIFFERENCE", 1e-9)
    found = private_domain._compare(selected, selected.period)
    assert not found["is_balanced"]
    monkeypatch.setattr(private_domain, "_compared", lambda *_: found)
    assert private_domain.member_effect(selected, selected.period)["value"].isna().all()
    frame = private_domain.members_compared(selected, selected.period)
    assert frame[["difference", "low", "high", "relative"]].isna().all(axis=None)
    assert frame["reading"].eq("not_comparable").all()
    made = private_domain.comparison(selected, selected.period).iloc[0]
    assert (made["verdict"], made["reading"]) == ("not_comparable", "not_comparable")
    action = private_domain_actions.private_domain_actions(selected, selected.period).iloc[0]
    assert action["action"] == "test_blind"
    assert np.isnan(action["worth"])


def test_an_action_multiplies_the_difference_by_those_outside(selected):
    frame = private_domain_actions.private_domain_actions(selected, selected.period)
    row = frame.set_index("action").loc["test"]
    money = private_domain.members_compared(selected, selected.period).set_index("outcome")
    assert row["low"] == pytest.approx(money["low"]["money"] * row["customers"])
    assert row["low"] < 0 < row["high"]


@pytest.fixture(scope="module")
def club(tmp_path_factory):
    """Forty members by hand, at the end of June 2024."""
    orders, people, signs, sent = [], [], [], []
    for i in range(40):
        first = "2024-02-10" if i < 20 else "2024-04-05"
        orders.append(an_order(f"o{i}", f"c{i}", f"{first} 10:00", 100 if i < 20 else 300))
        joined = "2024-02-20" if i < 20 else "2024-05-20"
        tier = {"tier": "gold" if i < 20 else "basic", "tier_since": joined}
        left = "2024-06-01 10:00" if i < 10 else None
        people.append(a_member(f"c{i}", f"{joined} 10:00", left_at=left, **tier))
    orders += [an_order(f"n{i}", f"n{i}", "2024-04-06 10:00", 10) for i in range(10)]
    signs = [{"engagement_id": str(i), "customer_id": f"c{i}", "kind": "visit",
              "occurred_at": "2024-06-20 10:00"} for i in range(12, 30)]  # fmt: skip
    sent = [{"message_id": str(i), "customer_id": f"c{i}", "sent_at": "2024-06-21 10:00",
             "opened_at": "2024-06-22 10:00"} for i in range(25, 35)]  # fmt: skip
    tables = {"orders": orders, "members": people, "engagements": signs, "messages": sent}
    with a_store(tmp_path_factory.mktemp("club"), "2024-06", **tables) as found:
        yield found


def test_intake_counts_new_customers_who_join_within_30_days(club):
    frame = members.intake_months(club, club.period).set_index("month")
    assert frame.index.strftime("%Y-%m").tolist() == [f"2024-{m:02d}" for m in range(2, 7)]
    # February: 20 of 20 joined 10 days after. April: 45 days after is too late, 0 of 30.
    assert frame["value"].iloc[[0, 2]].tolist() == [1, 0]
    assert frame["new_customers"].iloc[2] == 30
    assert frame["joined"].tolist() == [20, 0, 0, 20, 0]
    # Ten left in June: 30 remain.
    assert frame["members"].tolist() == [20, 20, 20, 40, 30]


def test_an_unfinished_month_of_intake_is_blank(club):
    march = month_of(date(2024, 3, 1))
    frame = members.intake_months(club, march)
    # The 30 days of 29 February are over on 30 March, those of 31 March are not.
    assert frame["value"].isna().tolist() == [False, True]


def test_tiers_hold_those_who_stay_with_their_money(club):
    frame = members.tiers(club, club.period).set_index("tier")
    assert frame["members"].to_dict() == {"basic": 20, "gold": 10}
    assert frame["money_per_member"].to_dict() == {"basic": 300, "gold": 100}
    assert frame["money_share"]["basic"] == pytest.approx(6 / 7)
    # Eight of the ten showed a sign: the two who did not are too few to tell.
    assert np.isnan(frame["value"]["gold"])


def test_activity_is_any_sign_of_those_who_were_members_before_the_days(club):
    frame = members.activity(club, club.period).set_index(["window_days", "sign"])
    # 30 days: 30 members, all of them since 31 May or before; c12 to c34 showed a sign: 23, and
    # the 7 others are too few to tell. Engagements 18, the rest 12; opened 10, the rest 20.
    assert frame.loc[(30, "any"), "members"] == 30
    assert np.isnan(frame.loc[(30, "any"), "active"])
    assert frame.loc[(30, "engagement"), "active"] == 18
    assert frame.loc[(30, "message_opened"), "value"] == pytest.approx(10 / 30)
    # Since 90 days ten are members, of whom none opened a message and none bought.
    assert frame.loc[(90, "message_opened"), ["members", "active"]].tolist() == [10, 0]


def test_leavers_are_counted_by_how_long_they_had_been_members(club):
    frame = members.leavers(club, club.period).set_index("membership")
    # Ten of forty left, on day 102 after joining; nobody in the first 90 days.
    assert frame["left"].to_dict() == {"all": 10, "first_90_days": 0, "later": 10}
    assert frame["members"].to_dict() == {"all": 40, "first_90_days": 40, "later": 20}
    assert frame["value"]["all"] == pytest.approx(0.25)


def test_sources_below_ten_members_are_not_shown(tmp_path):
    orders = [an_order(f"{i}", f"c{i}", "2024-02-10 10:00", 10) for i in range(30)]
    people = [{**a_member(f"c{i}", "2024-02-12 10:00"), "intake": "live" if i < 9 else "card"}
              for i in range(30)]  # fmt: skip
    with (
        a_store(tmp_path, "2024-06", orders=orders, members=people) as small,
        pytest.raises(MissingTable, match="small"),
    ):
        members.intake_sources(small, small.period)
