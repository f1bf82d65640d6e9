"""Visits for small stores: what the tests of journeys and landing share."""

from __future__ import annotations

from itertools import count

_numbers = count()


def a_visit(person: str, at: str, channel: str, order: str | None = None, **more) -> dict:
    """A visit that stayed; with an order it went through cart and checkout."""
    bought = order is not None
    row = {
        "session_id": f"s{next(_numbers)}", "visitor_id": person, "started_at": at,
        "channel": channel, "order_id": order, "is_bounce": False, "added_to_cart": bought,
        "began_checkout": bought, "page_views": 3, "duration_seconds": 60, "device": "phone",
        "landing_page": "product",
    }  # fmt: skip
    return {**row, **more}
