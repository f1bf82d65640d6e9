"""Rows of the tables of what customers do besides ordering."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from helpers.store.sample import experiments
from helpers.store.sample.arrow import dates, money, numbered, text, times, unit_price, words
from helpers.store.sample.block_tables import Columns, customer_columns, customer_ids
from helpers.store.sample.columns import DAY, NO_TIME
from helpers.store.sample.customers import Customers
from helpers.store.sample.engagement import KINDS, Engagements
from helpers.store.sample.experiments import (
    CITY_TIERS,
    CONTACT_COST_CNY,
    EXPERIMENT,
    MESSAGE,
    VARIANTS,
    Units,
    first_day_of_test,
)
from helpers.store.sample.lifecycle import Contacts, Moved
from helpers.store.sample.members import INTAKES, TIERS, Members
from helpers.store.sample.messages import MEDIA, Messages, contact_campaigns
from helpers.store.sample.referral import Invitations
from helpers.store.sample.settings import Setting
from helpers.store.sample.totals import Totals
from helpers.store.sample.world import World


def lifecycle_columns(
    setting: Setting, customers: Customers, moved: Moved, contacts: Contacts, totals: Totals
) -> Iterator[tuple[str, Columns]]:
    """Tables and their rows of one block."""
    ids = customer_ids(setting, customers.number)
    if contacts.accounts is not None:
        yield "customers", customer_columns(setting, contacts.accounts)
    if contacts.messages is not None:
        numbers = totals.next_numbers("messages", len(contacts.messages.buyer))
        yield "messages", message_columns(setting, contacts.messages, ids, numbers)
    if contacts.engagements is not None:
        numbers = totals.next_numbers("engagements", len(contacts.engagements.buyer))
        yield "engagements", engagement_columns(setting, contacts.engagements, ids, numbers)
    if contacts.invitations is not None:
        numbers = totals.next_numbers("invitations", len(contacts.invitations.inviter))
        yield "invitations", invitation_columns(setting, contacts.invitations, numbers)
    if moved.members is not None:
        yield "members", member_columns(setting, moved.members, ids)
    if moved.units is not None:
        numbers = totals.next_numbers("messages", int((moved.units.variant == MESSAGE).sum()))
        yield "messages", message_columns_of_test(setting, moved.units, ids, numbers)
        yield "experiment_units", unit_columns(setting, moved.units, ids)
        yield "experiment_features", feature_columns(moved.units, ids)
        yield "experiment_outcomes", outcome_columns(setting, moved.units, ids)


def message_columns(
    setting: Setting, messages: Messages, ids: pa.Array, numbers: np.ndarray
) -> Columns:
    """Table `messages`."""
    campaigns = [campaign.campaign for campaign in contact_campaigns(setting)]
    return {
        "message_id": numbered("M", numbers, 9),
        "customer_id": ids.take(pa.array(messages.buyer)),
        "campaign_id": words(campaigns, messages.campaign),
        "medium": words(MEDIA, messages.medium),
        "sent_at": times(setting, messages.sent),
        "opened_at": times(setting, messages.opened),
        "cost": money(messages.cost_cents),
    }


def message_columns_of_test(
    setting: Setting, units: Units, ids: pa.Array, numbers: np.ndarray
) -> Columns:
    """Table `messages`: those of the test, sent when the customer was assigned."""
    rows = np.flatnonzero(units.variant == MESSAGE)
    cents = round(CONTACT_COST_CNY * 100)
    return {
        "message_id": numbered("M", numbers, 9),
        "customer_id": ids.take(pa.array(units.buyer[rows])),
        "campaign_id": text(experiments.CAMPAIGN, len(rows)),
        "medium": text("email", len(rows)),
        "sent_at": times(setting, units.assigned[rows]),
        "opened_at": times(setting, units.opened[rows]),
        "cost": money(np.full(len(rows), cents)),
    }


def engagement_columns(
    setting: Setting, engagements: Engagements, ids: pa.Array, numbers: np.ndarray
) -> Columns:
    """Table `engagements`."""
    campaigns = [campaign.campaign for campaign in contact_campaigns(setting)]
    none = engagements.campaign < 0
    return {
        "engagement_id": numbered("E", numbers, 9),
        "customer_id": ids.take(pa.array(engagements.buyer)),
        "kind": words(KINDS, engagements.kind),
        "occurred_at": times(setting, engagements.occurred),
        "campaign_id": words(campaigns, np.maximum(engagements.campaign, 0), none),
    }


def invitation_columns(setting: Setting, invitations: Invitations, numbers: np.ndarray) -> Columns:
    """Table `invitations`; of those not accepted nothing is known but the inviter."""
    open_ = invitations.accepted == NO_TIME
    invitee = customer_ids(setting, np.maximum(invitations.invitee, 0))
    return {
        "invitation_id": numbered("I", numbers, 8),
        "inviter_id": customer_ids(setting, invitations.inviter),
        "invited_at": times(setting, invitations.invited),
        "accepted_at": times(setting, invitations.accepted),
        "invitee_id": pa.compute.if_else(pa.array(open_), pa.scalar(None, pa.string()), invitee),
        "reward": money(invitations.reward_cents, open_),
        "is_same_person": pa.array(invitations.is_same_person, mask=open_),
    }


def member_columns(setting: Setting, members: Members, ids: pa.Array) -> Columns:
    """Table `members`."""
    return {
        "customer_id": ids.take(pa.array(members.buyer)),
        "joined_at": times(setting, members.joined),
        "left_at": times(setting, members.left),
        "intake": words(INTAKES, members.intake),
        "tier": words(TIERS, members.tier),
        "tier_since": dates(setting, members.tier_since),
    }


def unit_columns(setting: Setting, units: Units, ids: pa.Array) -> Columns:
    """Table `experiment_units`."""
    return {
        "experiment_id": text(EXPERIMENT, len(units.buyer)),
        "customer_id": ids.take(pa.array(units.buyer)),
        "variant": words(VARIANTS, units.variant),
        "assigned_at": times(setting, units.assigned),
    }


def feature_columns(units: Units, ids: pa.Array) -> Columns:
    """Table `experiment_features`: use of the app, and the tier of the customer's city."""
    size = len(units.buyer)
    number = np.concatenate([units.uses_app.astype(float), np.zeros(size)])
    is_city = np.repeat([False, True], size)
    return {
        "experiment_id": text(EXPERIMENT, 2 * size),
        "customer_id": ids.take(pa.array(np.tile(units.buyer, 2))),
        "feature": words(("uses_app", "city_tier"), is_city.astype(np.int64)),
        "value": pa.array(number, mask=is_city),
        "label": words(CITY_TIERS, np.tile(units.city, 2), ~is_city),
    }


def outcome_columns(setting: Setting, units: Units, ids: pa.Array) -> Columns:
    """Table `experiment_outcomes`: visits; orders tell the rest."""
    rows = np.flatnonzero(units.visits)
    day = units.assigned[rows] // DAY + experiments.WINDOW_DAYS
    return {
        "experiment_id": text(EXPERIMENT, len(rows)),
        "customer_id": ids.take(pa.array(units.buyer[rows])),
        "outcome": text("visit", len(rows)),
        "value": pa.array(np.ones(len(rows))),
        "observed_at": times(setting, (day + 1) * DAY - 1),
    }


def campaign_columns(world: World) -> Columns | None:
    """Table `campaigns`; None where nobody is written to."""
    setting = world.setting
    rows = [
        (of.campaign, of.name, of.name_zh, of.type, of.first, of.last)
        for of in (contact_campaigns(setting) if setting.mechanisms.funnel else ())
    ]
    day = first_day_of_test(world)
    if day is not None:
        names = ("Win-back test", "召回测试")
        rows.append((experiments.CAMPAIGN, *names, "win_back", day, day))
    if not rows:
        return None
    ids, names, names_zh, types, first, last = zip(*rows, strict=True)
    ends = np.array(last)
    ended = pa.array((ends >= 0) & (ends < setting.days))
    return {
        "campaign_id": pa.array(ids),
        "name": pa.array(names),
        "name_zh": pa.array(names_zh),
        "type": pa.array(types),
        "starts_on": dates(setting, np.array(first)),
        "ends_on": pa.compute.if_else(ended, dates(setting, ends), pa.scalar(None, pa.date32())),
    }


def experiment_columns(world: World) -> Columns | None:
    """Table `experiments`; None where there is no test."""
    day = first_day_of_test(world)
    if day is None:
        return None
    return {
        "experiment_id": text(EXPERIMENT, 1),
        "name": text("Win-back message, autumn", 1),
        "name_zh": text("秋季召回消息测试", 1),
        "control": text(VARIANTS[experiments.CONTROL], 1),
        "starts_at": times(world.setting, np.array([day * DAY + 9 * 3600])),
        "window_days": pa.array([experiments.WINDOW_DAYS]),
        "contact_cost": unit_price(np.array([round(CONTACT_COST_CNY * 10_000)])),
    }
