"""Referral: new customers whom a customer invited, and invitations that come to nothing.

Of the new customers of a channel a true share was invited. The inviter is one of the customers of
the 60 days before, more likely one with a large propensity to invite. Some of those invited are
the inviter once more, by the same phone or address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers.store.sample.channels import NAMES
from helpers.store.sample.columns import DAY, NO_TIME, concatenate, day_number, take
from helpers.store.sample.customers import Customers
from helpers.store.sample.orders import Accounts
from helpers.store.sample.registrations import lead_shares
from helpers.store.sample.repurchase import YEAR_DAYS
from helpers.store.sample.streams import stream
from helpers.store.sample.world import World

INVITED = {
    "organic_search": 0.05, "direct": 0.24, "recommendation": 0.04, "onsite_ads": 0.015,
    "social_ads": 0.07, "content": 0.1, "live": 0.08, "crm": 0.3, "referral": 0.96,
    "affiliate": 0.02,
}  # fmt: skip
REFERRAL = NAMES.index("referral")
SAME_PERSON_SHARE = 0.08
INVITER_DAYS, INVITATION_DAYS = 60, 30
LONGEST_LEAD_DAYS = 20
COHORT_DAYS = 90
PROPENSITY_SHAPE = 0.6
FAILED_PER_CUSTOMER = 0.11
ACCEPTED_SHARE = 0.3
ACCEPT_MEAN_DAYS = 2.0
REWARD_CENTS = 3_000


@dataclass(frozen=True)
class Inviters:
    """Customers who may invite, one entry each, by day of the first purchase.

    Attributes:
        number: Running number of the account.
        paid: When the first purchase was paid, in seconds from the start.
        propensity: How much more than others the customer invites; mean 1.
    """

    number: np.ndarray
    paid: np.ndarray
    propensity: np.ndarray


@dataclass(frozen=True)
class Invitations:
    """Invitations of a block, one entry each; times in seconds from the start.

    Attributes:
        inviter: Account of the inviter.
        invited: When the invitation was sent.
        accepted: When the invited person registered; `NO_TIME` for never.
        invitee: Account of the invited person; -1 for none.
        reward_cents: What both got.
        is_same_person: Whether inviter and invited are one person.
    """

    inviter: np.ndarray
    invited: np.ndarray
    accepted: np.ndarray
    invitee: np.ndarray
    reward_cents: np.ndarray
    is_same_person: np.ndarray


def no_inviters() -> Inviters:
    """The inviters known before the first block."""
    none = np.zeros(0, dtype=np.int64)
    return Inviters(none, none, np.zeros(0))


def invited_shares() -> np.ndarray:
    """True share of the new customers who come by an invitation, by channel."""
    return np.array([INVITED[name] for name in NAMES])


def draw_invitations(
    world: World,
    block: int,
    customers: Customers,
    accounts: Accounts,
    before: Inviters,
    next_account: int,
) -> tuple[Invitations, Accounts, Inviters]:
    """Invitations of a block of customers.

    Args:
        world: The shop.
        block: Number of the block.
        customers: Its customers, by day of the first purchase.
        accounts: Accounts of the block, the customers' among them.
        before: Customers of earlier blocks who may still invite.
        next_account: First free number for accounts.

    Returns:
        The invitations, accounts of invited people who never order, and the customers who may
        still invite the next block's.
    """
    random = stream(world.setting.seed, "referral", block)
    paid = world.clock.seconds(customers.arrived)
    propensity = random.gamma(PROPENSITY_SHAPE, 1 / PROPENSITY_SHAPE, len(paid))
    own = Inviters(customers.number, paid, propensity)
    pool = concatenate([before, own])
    successes = _successes(random, customers, accounts, paid, pool)
    failures, made = _failures(world, random, own, customers, next_account)
    recent = day_number(pool.paid) >= day_number(paid[-1:]).max(initial=0) - INVITER_DAYS
    return concatenate([successes, failures]), made, take(pool, recent)


def _successes(
    random: np.random.Generator,
    customers: Customers,
    accounts: Accounts,
    paid: np.ndarray,
    pool: Inviters,
) -> Invitations:
    """Invitations of the block's customers; the inviter had bought on a day before they came."""
    registered = accounts.registered[np.searchsorted(accounts.number, customers.number)]
    lead = day_number(paid) - day_number(registered)
    draw = random.random(len(paid))
    chosen = (draw < invited_shares()[customers.channel]) & (lead <= LONGEST_LEAD_DAYS)
    day = day_number(pool.paid)
    reached = np.concatenate([[0.0], np.cumsum(pool.propensity)])
    low = reached[np.searchsorted(day, day_number(paid) - INVITER_DAYS)]
    high = reached[np.searchsorted(day, day_number(registered))]
    rows = np.flatnonzero(chosen & (high > low))
    point = low[rows] + (high - low)[rows] * random.random(len(rows))
    inviter = np.clip(np.searchsorted(reached, point, side="right") - 1, 0, len(day) - 1)
    since = (day_number(paid[rows]) - INVITATION_DAYS) * DAY
    earliest = np.maximum(pool.paid[inviter] + 60, since)
    accepted = registered[rows]
    wait = (accepted - earliest) * random.random(len(rows)) ** 3
    return Invitations(
        inviter=pool.number[inviter],
        invited=accepted - wait.astype(np.int64),
        accepted=accepted,
        invitee=customers.number[rows],
        reward_cents=np.full(len(rows), REWARD_CENTS),
        is_same_person=random.random(len(rows)) < SAME_PERSON_SHARE,
    )


def _failures(
    world: World,
    random: np.random.Generator,
    inviters: Inviters,
    customers: Customers,
    next_account: int,
) -> tuple[Invitations, Accounts]:
    """Invitations never accepted, or accepted by people who never order."""
    times = random.poisson(FAILED_PER_CUSTOMER * inviters.propensity)
    who = np.repeat(np.arange(len(times)), times)
    wait = random.random(len(who)) * INVITER_DAYS * DAY
    invited = inviters.paid[who] + 60 + wait.astype(np.int64)
    delay = random.exponential(ACCEPT_MEAN_DAYS * DAY, len(who)).astype(np.int64) + 30
    accepts = random.random(len(who)) < ACCEPTED_SHARE
    keep = invited <= world.setting.last_second
    who, invited = who[keep], invited[keep]
    accepted = np.where(accepts[keep], invited + delay[keep], NO_TIME)
    accepted[accepted > world.setting.last_second] = NO_TIME
    made = np.flatnonzero(accepted != NO_TIME)
    invitee = np.full(len(who), -1)
    invitee[made] = next_account + np.arange(len(made))
    accounts = Accounts(
        number=invitee[made],
        registered=accepted[made],
        channel=np.full(len(made), REFERRAL),
        region=customers.region[who[made]],
    )
    nothing = np.zeros(len(who), dtype=np.int64)
    return (
        Invitations(
            inviters.number[who], invited, accepted, invitee, nothing, nothing.astype(bool)
        ),
        accounts,
    )


def expected_accepted(world: World) -> np.ndarray:
    """Expected accounts by day of invited people who never order."""
    new = world.channels.new_customers.sum(axis=1)
    until = np.concatenate([[0.0], np.cumsum(new)])
    day = np.arange(len(new))
    newest = np.maximum(day - round(ACCEPT_MEAN_DAYS), 0)
    oldest = np.maximum(newest - INVITER_DAYS, 0)
    by_day = (until[newest] - until[oldest]) / INVITER_DAYS
    return by_day * FAILED_PER_CUSTOMER * ACCEPTED_SHARE


def referral_metrics(world: World) -> dict[str, tuple[float, str]]:
    """True K-factor and share of new customers referred, with their notes.

    The share is that of the last 365 days; the K-factor that of the customers whose 90 days after
    the first purchase end in them.
    """
    days = world.setting.days
    new = world.channels.new_customers
    invited = new @ invited_shares() * (1 - SAME_PERSON_SHARE)
    lead = lead_shares(world)[: LONGEST_LEAD_DAYS + 1]
    year = slice(max(days - YEAR_DAYS, 0), days)
    first, after = year.start - COHORT_DAYS, days - COHORT_DAYS
    brought, whole = 0.0, new[max(first, 0) : max(after, 0)].sum()
    for ahead, share in enumerate(lead):
        brought += share * _brought(new.sum(axis=1), invited, ahead, first, after)
    metrics = {
        "referred_customer_share": (
            float(lead.sum() * invited[year].sum() / new[year].sum()),
            "new customers whom another one invited in the 30 days before",
        )
    }
    if whole > 0:
        note = "customers brought in the 60 days after the first purchase / new customers"
        metrics["k_factor"] = (float(brought / whole), note)
    return metrics


def _brought(new: np.ndarray, invited: np.ndarray, ahead: int, first: int, after: int) -> float:
    """Expected customers, registered so many days ahead, whom those of days in a span bring.

    An inviter is one of the customers of the 60 days before, up to the day before registration.
    """
    until = np.concatenate([[0.0], np.cumsum(new)])
    day = np.arange(len(new))
    high = np.maximum(day - ahead, 0)
    low = np.minimum(np.maximum(day - INVITER_DAYS, 0), high)
    pool = until[high] - until[low]
    inside_high = np.clip(high, max(first, 0), max(after, 0))
    inside_low = np.clip(low, max(first, 0), max(after, 0))
    share = (until[inside_high] - until[inside_low]) / np.where(pool > 0, pool, np.inf)
    return float(invited @ share)


def as_truth() -> dict[str, Any]:
    """The parameters of referral, for `truth.json`."""
    return {
        "invited_share_by_channel": INVITED,
        "same_person_share": SAME_PERSON_SHARE,
        "failed_invitations_per_customer": FAILED_PER_CUSTOMER,
        "accepted_share_of_failed": ACCEPTED_SHARE,
        "propensity_gamma_shape": PROPENSITY_SHAPE,
        "reward_cny": REWARD_CENTS / 100,
    }
