"""Truth of what customers do besides ordering: true values, and parameters by mechanism."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.store.sample import experiments, members, referral
from helpers.store.sample.engagement import ACTIVATES, ACTIVATION_DAYS, activation_metrics
from helpers.store.sample.lifecycle import LifecycleTotals
from helpers.store.sample.registrations import FIRST_ORDER_DAYS, REGISTERS, funnel_metrics
from helpers.store.sample.totals import Totals
from helpers.store.sample.traffic import Traffic
from helpers.store.sample.world import World


def lifecycle_metrics(
    world: World, totals: Totals, lifecycle: LifecycleTotals, traffic: Traffic, counted: float
) -> dict[str, tuple[float, str]]:
    """True values with their notes, of the mechanisms that are on.

    Args:
        world: The shop.
        totals: Its totals.
        lifecycle: What the blocks add up to.
        traffic: Its traffic.
        counted: Chance that a purchase counts.
    """
    on = world.setting.mechanisms
    found: dict[str, tuple[float, str]] = {}
    if on.funnel:
        invited = np.zeros(world.setting.days)
        if on.referral:
            invited = referral.expected_accepted(world)
        found |= funnel_metrics(world, totals, traffic, invited, counted)
        found |= activation_metrics(world)
    if on.referral:
        found |= referral.referral_metrics(world)
    found |= members.member_metrics(lifecycle.members, counted)
    found |= experiments.experiment_metrics(lifecycle.experiment, counted)
    return found


def lifecycle_sections(
    world: World, lifecycle: LifecycleTotals, counted: float
) -> dict[str, dict[str, Any]]:
    """Parameters of the mechanisms that are on, one section each."""
    on = world.setting.mechanisms
    sections: dict[str, dict[str, Any]] = {}
    if on.funnel:
        sections["funnel"] = {
            "registered_share_of_visitors_without_order": REGISTERS,
            "activated_share_by_channel": ACTIVATES,
            "activation_days": ACTIVATION_DAYS,
            "first_order_days": FIRST_ORDER_DAYS,
        }
    if on.referral:
        sections["referral"] = referral.as_truth()
    if on.members:
        sections["members"] = members.as_truth(lifecycle.members)
    if experiments.first_day_of_test(world) is not None:
        sections["experiments"] = experiments.as_truth(lifecycle.experiment, counted)
    return sections
