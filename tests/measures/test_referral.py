"""Referral on stores counted by hand."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.weightstats import DescrStatsW

from helpers.measures import referral
from helpers.plan.periods import month_of
from helpers.store.errors import MissingTable
from tests.stores import a_store, an_order


def an_invitation(number, inviter, invited, invitee=None, **more):
    """One invitation, accepted on its own day where it names the invited person."""
    accepted = invited if invitee else None
    return {"invitation_id": str(number), "inviter_id": inviter, "invited_at": invited,
            "accepted_at": accepted, "invitee_id": invitee, **more}  # fmt: skip


ORDERS = [
    # The cohort of April 2024 (90 days end in it): first purchases of 2 to 31 January, with p1
    # and ann2 below.
    an_order("1", "ann", "2024-01-02 10:00", 100),
    an_order("2", "bob", "2024-01-31 10:00", 100),
    an_order("3", "cem", "2024-01-15 10:00", 100),
    # A day too early and a day too late for it.
    an_order("4", "dan", "2024-01-01 10:00", 100),
    an_order("5", "eve", "2024-02-01 10:00", 100),
    # Whom they invited.
    an_order("6", "p1", "2024-01-20 10:00", 50),
    an_order("7", "p2", "2024-04-01 23:00", 50),
    an_order("8", "p3", "2024-03-11 10:00", 50),
    an_order("9", "p4", "2024-02-10 10:00", 50),
    an_order("10", "ann2", "2024-01-12 10:00", 50),
    an_order("11", "p6", "2024-02-15 10:00", 50),
]  # fmt: skip
INVITATIONS = [
    an_invitation(1, "ann", "2024-01-10 10:00", "p1", reward=20),
    # Sent on day 60, bought on day 30 after: both still count.
    an_invitation(2, "ann", "2024-03-02 10:00", "p2", reward=20),
    # Sent on day 61.
    an_invitation(3, "ann", "2024-03-03 10:00", "p3", reward=20),
    # Bought on day 31 after the invitation.
    an_invitation(4, "bob", "2024-02-01 09:00", None),
    an_invitation(5, "cem", "2024-01-10 10:00", "p4"),
    an_invitation(6, "cem", "2024-01-16 10:00", "p6"),
    # Herself twice: under a second account, and plainly.
    an_invitation(7, "ann", "2024-01-11 10:00", "ann2", is_same_person=True, reward=20),
    an_invitation(8, "ann", "2024-01-11 11:00", "ann", reward=20),
    # Cem invites somebody whom ann has already invited: the first accepted wins.
    an_invitation(9, "cem", "2024-01-18 10:00", "p1"),
    # Somebody who has bought before the invitation.
    an_invitation(10, "bob", "2024-02-20 10:00", "dan"),
    # Not accepted before the end of April.
    {**an_invitation(11, "bob", "2024-02-05 10:00", "p4"), "accepted_at": "2024-05-02 10:00"},
]  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("referral")
    with a_store(folder, "2024-04", orders=ORDERS, invitations=INVITATIONS) as found:
        yield found


@pytest.fixture
def any_size(monkeypatch):
    """Groups of any size are shown: these stores are small enough to count by hand."""
    monkeypatch.setattr(referral, "SMALLEST_GROUP", 1)


def test_k_counts_other_people_brought_within_the_fixed_window(store, any_size):
    # ann brought p1 and p2; p3 was invited on day 61, ann2 and ann are herself. cem's p4 was
    # invited before cem's first purchase, p6 within 30 days exactly; p1 was ann's first.
    row = referral.k_factor(store, store.period).iloc[0]
    assert (row["numerator"], row["denominator"], row["value"]) == (3, 5, 0.6)
    # One value a customer: ann 2, bob 0, cem 1, p1 and ann2 0; the t interval of their mean.
    low, high = DescrStatsW(np.array([2.0, 0.0, 1.0, 0.0, 0.0])).tconfint_mean()
    assert (row["low"], row["high"]) == (max(low, 0), pytest.approx(high))


def test_k_is_invitations_per_customer_times_their_conversion(store, any_size):
    pieces = referral.k_pieces(store, store.period).set_index("piece")
    # Within 60 days: ann 2 (two more to herself), bob 3, cem 2.
    sent = pieces.loc["invitations_per_customer"]
    assert (sent["numerator"], sent["denominator"]) == (7, 5)
    assert pieces.loc["invitation_conversion", ["numerator", "denominator"]].tolist() == [3, 7]
    assert pieces["value"]["k_factor"] == pytest.approx(
        sent["value"] * pieces["value"]["invitation_conversion"]
    )


def test_self_referrals_are_left_out_and_counted_with_their_reward(store, any_size):
    row = referral.inviting(store, store.period).iloc[0]
    assert (row["to_self"], row["self_inviters"], row["self_reward"]) == (2, 1, 40)
    assert (row["customers"], row["inviters"], row["brought"]) == (5, 3, 3)


def test_customers_whose_window_is_not_over_are_left_out_and_counted(store, any_size):
    # First purchases after 31 January: eve, p2, p3, p4, p6.
    assert referral.inviting(store, store.period)["immature"].iloc[0] == 5
    with pytest.raises(MissingTable, match="short"):
        referral.k_factor(store, month_of(store.first_day))


def test_a_month_of_inviters_appears_when_its_window_is_over(store, any_size):
    frame = referral.k_by_month(store, store.period)
    # January's 90 days end on 30 April; it has dan, ann, cem, bob and p1, ann2.
    assert frame["cohort"].dt.strftime("%Y-%m").tolist() == ["2024-01"]
    assert (frame["customers"].iloc[0], frame["value"].iloc[0]) == (6, 3 / 6)


def test_the_referred_are_new_customers_invited_in_the_30_days_before(store, any_size):
    january = month_of(store.first_day)
    # Of dan, ann, ann2, cem, p1, bob: p1 alone.
    row = referral.referred_customer_share(store, january).iloc[0]
    assert (row["numerator"], row["denominator"]) == (1, 6)
    # March: p3, invited on the 3rd, bought on the 11th, whatever the age of the inviter.
    march = month_of(store.period.start.replace(month=3))
    assert referral.referred_customer_share(store, march)["value"].iloc[0] == 1


def test_an_early_period_reads_nothing_of_later_days(tmp_path, any_size):
    early = [row for row in ORDERS if row["paid_at"] < "2024-04"]
    sent = [row for row in INVITATIONS if (row["accepted_at"] or "") < "2024-04"]
    with (
        a_store(tmp_path / "late", "2024-04", orders=ORDERS, invitations=INVITATIONS) as late,
        a_store(tmp_path / "then", "2024-03", orders=early, invitations=sent) as then,
    ):
        for measure in (referral.referred_customer_share, referral.generations):
            asked = measure(late, then.period)
            assert asked.equals(measure(then, then.period)), measure.__name__


def test_nothing_is_said_of_fewer_than_ten_inviters(store):
    for measure in (
        referral.k_factor, referral.k_pieces, referral.inviting, referral.k_by_month,
        referral.generations, referral.referred_shares,
    ):  # fmt: skip
        with pytest.raises(MissingTable):
            measure(store, store.period)


def _family(generations):
    """A chain of groups: each customer of a group invites one of the next."""
    orders, sent = [], []
    for depth, size in enumerate(generations):
        month = f"2024-{depth + 1:02d}"
        for i in range(size):
            orders.append(an_order(f"{depth}.{i}", f"g{depth}.{i}", f"{month}-20 10:00", 50))
            if depth:
                inviter = f"g{depth - 1}.{i % generations[depth - 1]}"
                sent.append(an_invitation(f"{depth}.{i}", inviter, f"{month}-05 10:00",
                                          f"g{depth}.{i}"))  # fmt: skip
    return {"orders": orders, "invitations": sent}


def test_generations_follow_the_chain_of_invitations(tmp_path):
    with a_store(tmp_path, "2024-12", **_family([40, 30, 20, 12, 11, 4])) as family:
        frame = referral.generations(family, family.period).set_index("generation")
    # The last four are merged into the generation before: nobody counts 4 customers.
    assert frame["customers"].to_dict() == {"0": 40, "1": 30, "2": 20, "3": 12, "4+": 15}
    assert frame["share"].sum() == pytest.approx(1)
    assert frame["of_previous"]["2"] == pytest.approx(20 / 30)


def test_a_small_last_generation_is_merged_until_it_can_be_shown(tmp_path):
    with a_store(tmp_path, "2024-12", **_family([40, 12, 4])) as family:
        frame = referral.generations(family, family.period)
    assert frame["generation"].tolist() == ["0", "1+"]
    assert frame["customers"].tolist() == [40, 16]


def test_two_who_invited_each_other_end_somewhere(tmp_path):
    orders = [an_order(f"{i}{who}", f"{i}{who}", "2024-02-10 10:00", 10)
              for i in range(10) for who in "ab"]  # fmt: skip
    orders += [an_order(f"c{i}", f"c{i}", "2024-02-10 10:00", 10) for i in range(10)]
    sent = [an_invitation(f"{i}{a}", f"{i}{a}", "2024-02-01 10:00", f"{i}{b}")
            for i in range(10) for a, b in ("ab", "ba")]  # fmt: skip
    with a_store(tmp_path, "2024-12", orders=orders, invitations=sent) as circle:
        frame = referral.generations(circle, circle.period)
    assert frame["customers"].tolist() == [10, 20]


def test_the_channel_stands_in_for_the_share_and_says_so(tmp_path):
    orders = [
        an_order(str(i), f"c{i}", "2024-04-10 10:00", 10,
                 channel="referral" if i < 15 else "search")
        for i in range(100)
    ] + [an_order("old", "old", "2024-01-01 10:00", 10, channel="search")]  # fmt: skip
    with a_store(tmp_path, "2024-04", orders=orders) as bare:
        row = referral.referred_shares(bare, bare.period).iloc[0]
        with pytest.raises(MissingTable, match="invitations"):
            referral.referred_customer_share(bare, bare.period)
    assert (row["basis"], row["referred"], row["customers"]) == ("channel", 15, 100)
    # Wilson's interval of 15 of 100 ends at 0.233, below the plan's 30 %.
    assert (row["expected"], row["reading"]) == (0.30, "below")


def test_without_invitations_or_the_channel_the_lack_is_named(tmp_path):
    with a_store(tmp_path, "2024-04", orders=ORDERS) as bare:
        for measure in (referral.referred_shares, referral.k_factor, referral.generations):
            with pytest.raises(MissingTable, match="invitations"):
                measure(bare, bare.period)


edges = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 70)), min_size=1, max_size=8
)


@settings(max_examples=6, deadline=None)
@given(sent=edges)
def test_one_who_never_ordered_changes_nothing(tmp_path_factory, sent):
    orders = [an_order(str(i), f"c{i}", f"2024-01-{2 + 6 * i:02d} 10:00", 10) for i in range(5)]
    orders.append(an_order("0", "old", "2023-12-01 10:00", 10))
    rows = [
        an_invitation(i, f"c{a}", f"2024-{1 + day // 28:02d}-{1 + day % 28:02d} 09:00", f"c{b}")
        for i, (a, b, day) in enumerate(sent)
    ]
    more = [an_invitation("x", "c0", "2023-12-01 09:00", "nobody")]
    found = []
    for invitations, customers in ((rows, []), (rows + more, [{"customer_id": "nobody"}])):
        folder = tmp_path_factory.mktemp("p")
        tables = {"orders": orders, "invitations": invitations}
        if customers:
            tables["customers"] = customers
        with (
            a_store(folder, "2024-04", **tables) as store,
            patch.object(referral, "SMALLEST_GROUP", 1),
        ):
            found.append(referral.k_factor(store, store.period).iloc[0])
    assert found[0]["value"] == found[1]["value"]
    # Nobody is brought twice: the people brought are at most the other customers.
    assert found[0]["numerator"] <= 5
