"""All that is fixed before the first customer comes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.calendar import Calendar, make_calendar
from helpers.store.sample.channels import ChannelPlan, make_channel_plan
from helpers.store.sample.clock import Clock, make_clock
from helpers.store.sample.incidents import Incident, make_incidents, payment_success_by_day
from helpers.store.sample.prices import Assortment, Prices, make_assortment, make_prices
from helpers.store.sample.products import Catalogue, make_catalogue
from helpers.store.sample.settings import PAYMENT_SUCCESS, Setting
from helpers.store.sample.suppliers import TROUBLED, Suppliers, make_suppliers, supplier_id


@dataclass(frozen=True)
class World:
    """The shop before its customers.

    Attributes:
        setting: Size, span, mechanisms.
        calendar: Events by day.
        clock: Speed of demand.
        incidents: What goes wrong, and when.
        payment_success: True share of orders with an attempt that end up paid, by day.
        channels: Expected new customers and conversion.
        catalogue: Products.
        prices: Their prices over time.
        assortment: What can be bought when.
        suppliers: Who supplies them.
    """

    setting: Setting
    calendar: Calendar
    clock: Clock
    incidents: tuple[Incident, ...]
    payment_success: np.ndarray
    channels: ChannelPlan
    catalogue: Catalogue
    prices: Prices
    assortment: Assortment
    suppliers: Suppliers


def make_world(setting: Setting) -> World:
    """Everything that the seed and the setting decide without any customer."""
    calendar = make_calendar(setting)
    incidents = make_incidents(setting, supplier_id(TROUBLED))
    success = payment_success_by_day(setting, incidents, PAYMENT_SUCCESS)
    lost = success / PAYMENT_SUCCESS
    clock = make_clock(calendar, seasons=setting.mechanisms.seasons, lost=lost)
    catalogue = make_catalogue(setting)
    prices = make_prices(setting, catalogue)
    return World(
        setting=setting,
        calendar=calendar,
        clock=clock,
        incidents=incidents,
        payment_success=success,
        channels=make_channel_plan(setting, calendar, clock, lost),
        catalogue=catalogue,
        prices=prices,
        assortment=make_assortment(setting, calendar, catalogue, prices),
        suppliers=make_suppliers(setting),
    )
