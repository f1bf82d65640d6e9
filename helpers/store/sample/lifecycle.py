"""What customers do besides buying of their own accord, block by block, and what it adds up to."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from helpers.store.sample.columns import concatenate
from helpers.store.sample.customers import Customers, Purchases
from helpers.store.sample.engagement import (
    Engagements,
    draw_activation,
    draw_community,
    draw_engagements,
)
from helpers.store.sample.experiments import ExperimentTally, Units, draw_units, first_day_of_test
from helpers.store.sample.history import History, make_history
from helpers.store.sample.members import Members, MemberTally, draw_members
from helpers.store.sample.messages import WELCOME_DAYS, Messages, draw_messages
from helpers.store.sample.orders import Accounts
from helpers.store.sample.referral import Invitations, Inviters, draw_invitations, no_inviters
from helpers.store.sample.repurchase_shift import RepurchaseShift
from helpers.store.sample.streams import stream
from helpers.store.sample.world import World


@dataclass
class LifecycleTotals:
    """What the blocks add up to, and who may still invite.

    Attributes:
        members: Truth of joining.
        experiment: Truth of the test.
        shift: What purchases on top of BG/NBD change of repurchase.
        inviters: Customers of the last 60 days.
    """

    members: MemberTally = field(default_factory=MemberTally)
    experiment: ExperimentTally = field(default_factory=ExperimentTally)
    shift: RepurchaseShift = field(default_factory=RepurchaseShift)
    inviters: Inviters = field(default_factory=no_inviters)


@dataclass(frozen=True)
class Moved:
    """Customers of a block whom something makes buy more.

    Attributes:
        purchases: All purchases, those on top last.
        history: The days of all purchases.
        members: Members; None where there are none.
        units: Customers in the test; None where there is none.
        expected: Expected purchases on top, by day.
    """

    purchases: Purchases
    history: History
    members: Members | None
    units: Units | None
    expected: np.ndarray


@dataclass(frozen=True)
class Contacts:
    """Messages, signs and invitations of a block; None where they are switched off.

    Attributes:
        messages: Messages.
        engagements: Signs of engagement.
        invitations: Invitations.
        accounts: Accounts of people who were invited and never order.
    """

    messages: Messages | None
    engagements: Engagements | None
    invitations: Invitations | None
    accounts: Accounts | None


def move(
    world: World, block: int, customers: Customers, purchases: Purchases, totals: LifecycleTotals
) -> Moved:
    """The purchases of a block of customers with those that membership and the test add."""
    count = len(customers.number)
    own = history = make_history(world, count, purchases)
    members, units, expected = None, None, np.zeros(world.setting.days)
    if world.setting.mechanisms.members:
        members, extra, by_day = draw_members(world, block, customers, own, totals.members)
        purchases, expected = concatenate([purchases, extra]), expected + by_day
        history = make_history(world, count, purchases)
    if first_day_of_test(world) is not None:
        units, extra, by_day = draw_units(world, block, customers, history, totals.experiment)
        purchases, expected = concatenate([purchases, extra]), expected + by_day
        history = make_history(world, count, purchases)
    if history is not own:
        totals.shift.add(world, own, history)
    return Moved(purchases, history, members, units, expected)


def draw_contacts(
    world: World,
    block: int,
    customers: Customers,
    moved: Moved,
    accounts: Accounts,
    totals: LifecycleTotals,
    next_account: int,
) -> Contacts:
    """Messages, signs and invitations of a block.

    Args:
        world: The shop.
        block: Number of the block.
        customers: Its customers.
        moved: What they buy.
        accounts: Accounts behind their orders.
        totals: Tells who may invite from earlier blocks, and learns who may later.
        next_account: First free number for accounts.
    """
    messages, engagements, invitations, made = None, None, None, None
    active = np.ones(len(customers.number), dtype=bool)
    if world.setting.mechanisms.funnel:
        random = stream(world.setting.seed, "engagement", block)
        activation = draw_activation(random, customers, moved.history, WELCOME_DAYS)
        active = activation.is_active
        messages = draw_messages(world, random, moved.history, activation)
        engagements = draw_engagements(world, random, moved.history, activation, moved.purchases)
    if moved.members is not None:
        random = stream(world.setting.seed, "community", block)
        community = draw_community(world, random, moved.history, moved.members, active)
        engagements = concatenate([engagements, community]) if engagements else community
    if world.setting.mechanisms.referral:
        invitations, made, totals.inviters = draw_invitations(
            world, block, customers, accounts, totals.inviters, next_account
        )
    return Contacts(messages, engagements, invitations, made)
