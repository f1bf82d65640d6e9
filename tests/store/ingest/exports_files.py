"""Files of Google Ads, Meta Ads and GA4, built by hand to their published headers."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

GOOGLE = ("Day", "Campaign", "Campaign type", "Impr.", "Clicks", "Cost", "Conversions")
META = (
    "Reporting starts", "Reporting ends", "Campaign name", "Campaign delivery",
    "Attribution setting", "Results", "Result indicator", "Reach", "Frequency", "Cost per results",
    "Amount spent (CNY)", "Impressions", "CPM (cost per 1,000 impressions) (CNY)", "Link clicks",
    "CPC (cost per link click) (CNY)", "CTR (link click-through rate)", "Clicks (all)", "CTR (all)",
    "CPC (all) (CNY)", "Landing page views", "Cost per landing page view (CNY)",
)  # fmt: skip
PURCHASES = "actions:offsite_conversion.fb_pixel_purchase"


def google_report(
    *rows: tuple[str, ...],
    totals: tuple[tuple[str, ...], ...] = (),
    names: tuple[str, ...] = GOOGLE,
    excel: bool = False,
) -> bytes:
    """Two lines, the header, rows, rows of totals; for Excel UTF-16 with tabs."""
    separator = "\t" if excel else ","
    lines = ["Campaign report", "March 1, 2026 - March 31, 2026"]
    for row in (names, *rows, *totals):
        cells = [f'"{cell}"' if separator in cell else cell for cell in row]
        lines.append(separator.join(cells))
    text = "\n".join(lines) + "\n"
    return text.encode("utf-16" if excel else "utf-8")


def meta_row(day: str, campaign: str, spent: str, **more: str) -> dict[str, str]:
    """One row of a Meta export; `until` is its last day."""
    given = {
        "Reporting starts": day, "Reporting ends": more.pop("until", day),
        "Campaign name": campaign, "Amount spent (CNY)": spent,
    }  # fmt: skip
    return {**given, **{name.replace("_", " ").capitalize(): cell for name, cell in more.items()}}


def meta_export(
    *rows: dict[str, str], currency: str = "CNY", mark: bool = True, extra: tuple[str, ...] = ()
) -> bytes:
    """A Meta export, with a byte order mark or without."""
    names = [*META, *extra]
    lines = [",".join(f'"{name}"' for name in names)]
    lines += [",".join(f'"{row.get(name, "")}"' for name in names) for row in rows]
    text = "\n".join(lines).replace("(CNY)", f"({currency})") + "\n"
    return text.encode("utf-8-sig" if mark else "utf-8")


def event(name: str, at: str, person: str | None = "u1", session: int | None = 1, **more) -> dict:
    """One event of GA4 as the BigQuery export writes it; `at` is UTC; `page` is a path."""
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    params: dict[str, Any] = {"ga_session_id": session, **more.pop("params", {})}
    if "page" in more:
        params["page_location"] = f"https://shop.example{more.pop('page')}"
    return {
        "event_date": moment.strftime("%Y%m%d"),
        "event_timestamp": int(moment.timestamp() * 1_000_000),
        "event_name": name,
        "event_params": [
            {"key": key, "value": _value(value)} for key, value in params.items()
            if value is not None
        ],
        "user_pseudo_id": person,
        **more,
    }  # fmt: skip


def _value(value: Any) -> dict[str, Any]:
    kinds: dict[str, Any] = dict.fromkeys(
        ("string_value", "int_value", "float_value", "double_value")
    )
    kind = "string_value" if isinstance(value, str) else "int_value"
    return {**kinds, kind: value}


def write_events(path: Path, *events: dict) -> Path:
    """Events as Parquet, or as JSON a line (also .gz), its whole numbers as text like BigQuery."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = dict.fromkeys(name for one in events for name in one)
        columns = {name: [one.get(name) for one in events] for name in names}
        pq.write_table(pa.table(columns), path)
        return path
    text = "".join(json.dumps(_as_bigquery(one)) + "\n" for one in events)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def _as_bigquery(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _as_bigquery(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_as_bigquery(v) for v in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def last_click(group: str, source: str, medium: str, campaign: str = "(not set)") -> dict:
    """What a session's last click says, with its default channel group."""
    return {
        "session_traffic_source_last_click": {
            "manual_campaign": {"campaign_name": campaign, "source": source, "medium": medium},
            "cross_channel_campaign": {
                "campaign_name": campaign, "source": source, "medium": medium,
                "default_channel_group": group,
            },
        }
    }  # fmt: skip


def purchase(order: str, at: str, *items: tuple[str, float, int], **more) -> dict:
    """A purchase event of items (id, price, pieces)."""
    sold = [
        {"item_id": item, "item_name": item.upper(), "price": price, "quantity": pieces,
         "item_revenue": round(price * pieces, 2)}
        for item, price, pieces in items
    ]  # fmt: skip
    revenue = more.pop("revenue", round(sum(one["item_revenue"] for one in sold), 2))
    return event(
        "purchase", at, items=sold,
        ecommerce={"transaction_id": order, "purchase_revenue": revenue,
                   "shipping_value": more.pop("shipping", 0.0)},
        **more,
    )  # fmt: skip
