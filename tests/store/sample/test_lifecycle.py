"""Funnel, referral, members and the test with a control group, against their truth.

The shops with one of them have the seed and the customers of the plain shop, so what each customer
would have bought without it is known: it is what the plain shop sells.
"""

import sys
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import stats

from helpers.store.sample import PLAIN, generate
from helpers.store.sample.engagement import ACTIVATES
from helpers.store.sample.experiments import CHANCES, GROUPS, group_of
from helpers.store.sample.members import join_chance
from helpers.store.sample.referral import INVITED, PROPENSITY_SHAPE

MODULE = sys.modules["helpers.store.sample.generate"]
FIRST, LAST = "DATE '2024-01-02'", "DATE '2024-12-31'"
NEW = (
    "(SELECT customer_id, day, channel FROM purchases JOIN sales USING (customer_id, day)"
    " WHERE number = 1)"
)
SIGNS = (
    "(SELECT customer_id, opened_at::DATE AS sign FROM messages WHERE opened_at IS NOT NULL"
    " UNION ALL SELECT customer_id, occurred_at::DATE FROM engagements)"
)
BROUGHT = (
    "(SELECT inviter_id, invitee_id, invited_at::DATE AS invited_on FROM invitations JOIN purchases"
    " ON customer_id = invitee_id AND number = 1 WHERE NOT is_same_person AND day -"
    " invited_at::DATE BETWEEN 0 AND 30)"
)


def interval(hits: int, n: int) -> tuple[float, float]:
    """An exact 99.9 % interval (Clopper and Pearson)."""
    found = stats.binomtest(hits, n).proportion_ci(0.999)
    return found.low, found.high


@pytest.mark.parametrize("table", ["orders", "order_lines", "traffic_daily", "ad_spend"])
def test_the_funnel_and_referral_change_no_order_and_no_traffic(plain, funnel_and_referral, table):
    name = f"{table}.parquet"
    assert (plain.folder / name).read_bytes() == (funnel_and_referral.folder / name).read_bytes()


def test_accounts_are_made_at_the_true_rate_of_the_visitors(funnel_and_referral):
    accounts, visitors = funnel_and_referral.rows(
        "SELECT (SELECT count(*) FROM customers WHERE registered_at::DATE BETWEEN"
        f" {FIRST} AND {LAST}), sum(visitors)::BIGINT FROM traffic_daily WHERE day >= {FIRST}"
    )[0]
    low, high = interval(accounts, visitors)
    assert low < funnel_and_referral.truth.metric("registration_rate") < high


def test_accounts_order_within_30_days_at_the_true_rate(funnel_and_referral):
    ordered, accounts = funnel_and_referral.rows(
        "SELECT count(*) FILTER (day - registered_at::DATE <= 30), count(*) FROM customers LEFT"
        " JOIN purchases p ON p.customer_id = customers.customer_id AND number = 1 WHERE"
        f" registered_at::DATE BETWEEN {FIRST} - 30 AND {LAST} - 30"
    )[0]
    low, high = interval(ordered, accounts)
    assert low < funnel_and_referral.truth.metric("first_order_rate") < high


def test_most_registered_accounts_that_never_order_come_by_no_order_at_all(funnel_and_referral):
    never, without = funnel_and_referral.rows(
        "SELECT count(*), count(*) FILTER (customer_id NOT IN (SELECT customer_id FROM orders))"
        " FROM customers WHERE customer_id NOT IN (SELECT customer_id FROM purchases)"
    )[0]
    assert without > 0.7 * never


def test_new_customers_of_each_channel_show_a_sign_at_their_true_rate(funnel_and_referral):
    found = funnel_and_referral.rows(
        "SELECT channel, count(*) FILTER (customer_id IN (SELECT s.customer_id FROM"
        f" {SIGNS} s WHERE s.customer_id = n.customer_id AND sign - day BETWEEN 1 AND 30)),"
        f" count(*) FROM {NEW} n WHERE day <= {LAST} - 30 GROUP BY channel ORDER BY channel"
    )
    for channel, active, customers in found:
        low, high = interval(active, customers)
        assert low < ACTIVATES[channel] < high, channel
    active, customers = (sum(row[column] for row in found) for column in (1, 2))
    low, high = interval(active, customers)
    assert low < funnel_and_referral.truth.metric("activation_rate") < high


def test_coupons_of_the_welcome_series_are_redeemed_after_it_began(funnel_and_referral):
    signs, early = funnel_and_referral.rows(
        "SELECT count(*), count(*) FILTER (occurred_at::DATE <= day) FROM engagements JOIN"
        " purchases USING (customer_id) WHERE number = 1 AND campaign_id = 'welcome'"
    )[0]
    assert signs > 100
    assert early == 0


def test_new_customers_of_each_channel_are_invited_at_most_at_their_true_rate(funnel_and_referral):
    """Those who had registered more than 20 days before, about 7 %, count as not invited."""
    for channel, invited, customers in funnel_and_referral.rows(
        "SELECT channel, count(*) FILTER (customer_id IN (SELECT invitee_id FROM invitations)),"
        f" count(*) FROM {NEW} WHERE day >= DATE '2021-06-01' GROUP BY channel ORDER BY channel"
    ):
        low, high = interval(invited, customers)
        assert low < 0.92 * INVITED[channel] < high, channel


def test_customers_bring_others_at_the_true_k_factor(funnel_and_referral):
    brought = np.array(
        [
            n for (n,) in funnel_and_referral.rows(
                f"SELECT count(invitee_id) FROM purchases p LEFT JOIN {BROUGHT} b ON inviter_id ="
                " customer_id AND invited_on - day BETWEEN 0 AND 60 WHERE number = 1 AND day"
                f" BETWEEN {FIRST} - 90 AND {LAST} - 90 GROUP BY customer_id"
            )
        ]
    )  # fmt: skip
    error = brought.std() / len(brought) ** 0.5
    truth = funnel_and_referral.truth.metric("k_factor")
    assert brought.mean() == pytest.approx(truth, abs=3.3 * error)
    spread = (brought.var() - brought.mean()) / brought.mean() ** 2
    assert spread == pytest.approx(1 / PROPENSITY_SHAPE, abs=1.2)


def test_the_true_share_of_the_new_customers_was_referred(funnel_and_referral):
    referred, new = funnel_and_referral.rows(
        f"SELECT count(*) FILTER (customer_id IN (SELECT invitee_id FROM {BROUGHT})), count(*)"
        f" FROM purchases WHERE number = 1 AND day >= {FIRST}"
    )[0]
    low, high = interval(referred, new)
    assert low < funnel_and_referral.truth.metric("referred_customer_share") < high


def test_an_invitation_comes_after_the_first_purchase_of_its_inviter(full, funnel_and_referral):
    for shop in (full, funnel_and_referral):
        early = shop.value(
            "SELECT count(*) FROM invitations JOIN (SELECT customer_id AS inviter_id, min(paid_at)"
            " AS first FROM sales GROUP BY 1) USING (inviter_id) WHERE invited_at <= first"
        )
        assert early == 0


def test_the_invited_person_registers_when_the_invitation_is_accepted(full):
    wrong = full.value(
        "SELECT count(*) FROM invitations LEFT JOIN customers ON customer_id = invitee_id WHERE"
        " accepted_at IS NOT NULL AND accepted_at IS DISTINCT FROM registered_at"
    )
    assert wrong == 0
    assert full.value("SELECT count(invitee_id) - count(DISTINCT invitee_id) FROM invitations") == 0
    odd = full.value(
        "SELECT count(*) FROM invitations WHERE invitee_id = inviter_id OR (accepted_at IS NULL) <>"
        " (invitee_id IS NULL) OR (accepted_at IS NULL AND reward IS NOT NULL) OR inviter_id NOT IN"
        " (SELECT customer_id FROM customers)"
    )
    assert odd == 0


def test_some_invitations_come_to_nothing_and_some_go_to_oneself(full):
    never, no_order, self = full.rows(
        "SELECT count(*) FILTER (accepted_at IS NULL), count(*) FILTER (invitee_id NOT IN (SELECT"
        " customer_id FROM purchases)), count(*) FILTER (is_same_person) FROM invitations"
    )[0]
    assert min(never, no_order, self) > 20


def buys_within_180_days(shop, members) -> np.ndarray:
    """Whether each member buys in the 180 days after joining, in the shop or its twin."""
    shop.connection.register("joined", members)
    return np.array(
        [
            bought for (bought,) in shop.rows(
                "SELECT bool_or(day - joined_on BETWEEN 1 AND 180) FROM joined JOIN purchases"
                " USING (customer_id) GROUP BY customer_id ORDER BY customer_id"
            )
        ]
    )  # fmt: skip


def joined_in_the_window(shop):
    return shop.connection.sql(
        "SELECT customer_id, joined_at::DATE AS joined_on FROM members WHERE joined_at::DATE"
        f" BETWEEN {LAST} - 180 - 364 AND {LAST} - 180"
    ).to_arrow_table()


def test_members_buy_more_than_without_joining_by_the_true_effect(plain, with_members):
    members = joined_in_the_window(with_members)
    more = buys_within_180_days(with_members, members).astype(int)
    more = more - buys_within_180_days(plain, members)
    assert more.min() == 0
    low, high = interval(int(more.sum()), len(more))
    truth = with_members.truth.metric("member_effect")
    assert low < truth < high
    assert 0.08 < truth < 0.11


def test_comparing_members_with_all_others_doubles_the_effect(with_members):
    truth = with_members.truth
    assert truth.metric("member_naive") > 1.7 * truth.metric("member_effect")


def test_all_but_members_buy_what_they_buy_in_the_plain_shop(plain, with_members):
    plain.connection.execute(
        f"CREATE OR REPLACE TABLE twin AS FROM '{with_members.folder / 'orders.parquet'}'"
    )
    plain.connection.execute(
        f"CREATE OR REPLACE TABLE twins AS FROM '{with_members.folder / 'members.parquet'}'"
    )
    bought = "SELECT customer_id, date_trunc('second', paid_at) FROM {} WHERE paid_at IS NOT NULL"
    missing = plain.value(
        f"SELECT count(*) FROM ({bought.format('orders')} EXCEPT {bought.format('twin')})"
    )
    assert missing == 0
    further = plain.rows(
        "SELECT count(*), count(*) FILTER (t.customer_id IN (SELECT customer_id FROM twins m WHERE"
        f" paid_at::DATE > joined_at::DATE)) FROM ({bought.format('twin')} EXCEPT"
        f" {bought.format('orders')}) AS t(customer_id, paid_at)"
    )[0]
    assert further[0] == further[1] > 100


def test_who_bought_more_often_and_lately_joins_more_often():
    count, since = np.array([1, 2, 4]), np.array([5, 60, 300])
    tenure = np.full(3, 300)
    assert (np.diff(join_chance(count, np.full(3, 60), tenure)) > 0).all()
    assert (np.diff(join_chance(np.full(3, 2), since, tenure)) < 0).all()
    assert join_chance(count, since[::-1], tenure).min() > 0.02
    assert join_chance(np.array([9]), np.array([1]), np.array([30])).max() < 0.99


def outcomes(shop, units) -> np.ndarray:
    """Whether each customer of the test buys within 30 days of assignment, in id order."""
    shop.connection.register("assigned", units)
    return np.array(
        [
            bought for (bought,) in shop.rows(
                "SELECT bool_or(day - assigned_on BETWEEN 0 AND 30)::INT FROM assigned JOIN"
                " purchases USING (customer_id) GROUP BY customer_id ORDER BY customer_id"
            )
        ]
    )  # fmt: skip


def units_of(shop):
    return shop.connection.sql(
        "SELECT customer_id, variant, assigned_at::DATE AS assigned_on, uses_app FROM"
        " experiment_units JOIN (SELECT customer_id, value = 1 AS uses_app FROM"
        " experiment_features WHERE feature = 'uses_app') USING (customer_id) ORDER BY customer_id"
    ).to_arrow_table()


def test_the_message_makes_customers_buy_by_its_true_effect(plain, with_experiment):
    units = units_of(with_experiment)
    more = outcomes(with_experiment, units) - outcomes(plain, units)
    got = np.array([variant == "message" for variant in units["variant"].to_pylist()])
    assert more[~got].max() == more.min() == 0
    low, high = interval(int(more[got].sum()), int(got.sum()))
    truth = with_experiment.truth.metric("experiment_effect")
    assert low < truth < high
    assert 0.025 < truth < 0.05


def test_half_of_the_customers_of_two_years_get_the_message(with_experiment):
    got, all_ = with_experiment.rows(
        "SELECT count(*) FILTER (variant = 'message'), count(*) FROM experiment_units"
    )[0]
    low, high = interval(got, all_)
    assert low < 0.5 < high
    eligible = with_experiment.value(
        "SELECT count(*) FROM (SELECT customer_id FROM purchases WHERE day < DATE '2024-10-08'"
        " GROUP BY 1 HAVING max(day) >= DATE '2024-10-08' - 730 AND min(day) <="
        " DATE '2024-10-08' - 31)"
    )
    assert all_ == eligible
    assert with_experiment.value(
        "SELECT count(*) FROM experiment_units FULL JOIN messages USING (customer_id) WHERE"
        " (variant = 'message') <> (message_id IS NOT NULL)"
    ) == 0  # fmt: skip


def test_the_window_of_the_test_is_over_by_the_end_of_november(with_experiment):
    days = with_experiment.rows(
        "SELECT min(assigned_at) >= any_value(starts_at), max(assigned_at::DATE) +"
        " any_value(window_days)::INT <= DATE '2024-11-30', any_value(contact_cost)::DOUBLE"
        " FROM experiment_units JOIN experiments USING (experiment_id)"
    )[0]
    assert days == (True, True, 0.35)


def test_lapsed_customers_of_several_purchases_are_moved_most():
    group = group_of(np.array([1, 2, 3, 1, 2, 1]), np.array([10, 59, 60, 240, 241, 700]))
    assert [GROUPS[index] for index in group] == [
        "recent", "recent", "lapsed_repeat", "lapsed_once", "long_lapsed_repeat", "long_lapsed_once"
    ]  # fmt: skip
    assert max(CHANCES) == CHANCES[GROUPS.index("lapsed_repeat")]
    assert CHANCES[GROUPS.index("recent")] == CHANCES[GROUPS.index("long_lapsed_once")] == 0


def test_who_bought_in_the_window_also_visited(full):
    missing = full.value(
        "SELECT count(*) FROM experiment_units u JOIN purchases p ON p.customer_id = u.customer_id"
        " AND day - assigned_at::DATE BETWEEN 0 AND 30 ANTI JOIN experiment_outcomes o ON"
        " o.customer_id = u.customer_id"
    )
    assert missing == 0


def test_repurchase_of_the_full_shop_follows_its_truth_with_members_and_test(full):
    counted = "order_id NOT IN (SELECT order_id FROM returns WHERE stage = 'before_shipment')"
    again, buyers = full.rows(
        "SELECT count(*) FILTER (n >= 2), count(*) FROM (SELECT count(DISTINCT day) AS n FROM sales"
        f" WHERE {counted} AND day >= {FIRST} GROUP BY customer_id)"
    )[0]
    low, high = interval(again, buyers)
    assert low < full.truth.metric("repurchase_rate") < high


def test_extra_purchases_are_a_few_per_cent(plain, with_members, with_experiment):
    orders = [shop.value("SELECT count(*) FROM sales") for shop in
              (plain, with_members, with_experiment)]  # fmt: skip
    assert 1 < orders[1] / orders[0] < 1.03
    assert 1 < orders[2] / orders[0] < 1.02


def test_a_span_too_short_for_the_test_has_none(tmp_path):
    mechanisms = replace(PLAIN, experiments=True, members=True, referral=True)
    truth = generate(tmp_path / "shop", seed=1, customers=60, months=5, mechanisms=mechanisms)
    assert "experiments" not in truth.sections
    with pytest.raises(KeyError, match="experiment_effect"):
        truth.metric("experiment_effect")


def test_inviters_of_one_block_invite_customers_of_the_next(tmp_path, monkeypatch):
    mechanisms = replace(PLAIN, referral=True)
    generate(tmp_path / "one", seed=2, customers=1500, mechanisms=mechanisms)
    monkeypatch.setattr(MODULE, "CUSTOMERS_IN_BLOCK", 100)
    generate(tmp_path / "many", seed=2, customers=1500, mechanisms=mechanisms)
    counts = []
    for name in ("one", "many"):
        rows = pq.read_table(tmp_path / name / "invitations.parquet", columns=["reward"])
        counts.append(sum(1 for value in rows["reward"].to_pylist() if value))
    assert counts[1] == pytest.approx(counts[0], abs=4 * counts[0] ** 0.5)
