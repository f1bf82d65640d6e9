"""Google Ads: the campaign report by day becomes `ad_spend`.

Columns and quirks as published: two lines before the header (title, range of days), thousands
commas, " --" where there is nothing, rows "Total: ..." at the end, UTF-16 with tabs when it was
exported for Excel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from helpers.store.columns import Column, Table, count, day, money, text
from helpers.store.errors import BadInput
from helpers.store.ingest.exports_spend import SpendExport
from helpers.store.ingest.exports_text import Report
from helpers.store.ingest.source import Note, literal

RAW = Table(
    "google_ads",
    "one campaign on one day, or a part of it",
    (),
    (
        day("day", "the day", required=True, nullable=False),
        text("campaign", "name of the campaign", required=True, nullable=False),
        text("campaign_type", "where its ads are shown"),
        count("impressions", "times shown"),
        count("clicks", "clicks"),
        money("cost", "money spent", required=True, nullable=False),
        Column("conversions", "float64", "conversions that Google claims", minimum=0),
        money("conversion_value", "money that Google claims for them"),
        text("currency", "currency of the account"),
    ),
)
NAMES = {
    "Day": "day", "Campaign": "campaign", "Campaign type": "campaign_type",
    "Impr.": "impressions", "Impressions": "impressions", "Clicks": "clicks", "Cost": "cost",
    "Conversions": "conversions", "Conv. value": "conversion_value",
    "Currency code": "currency",
}  # fmt: skip
CHANNELS = {
    "search": "search_ads",
    "shopping": "shopping_ads", "smart shopping": "shopping_ads",
    "display": "display_ads",
    "video": "video_ads",
    "performance max": "cross_network_ads", "demand gen": "cross_network_ads",
    "discovery": "cross_network_ads", "smart": "cross_network_ads", "app": "cross_network_ads",
}  # fmt: skip
"""Channel of each type of campaign; cross-network is Google's own word for what runs everywhere."""
OTHER = "other_ads"
WHOLE = ("filtered campaigns", "campaigns", "account")
"""Totals of all rows shown, the closest first; others are of a network or a status."""


class GoogleAds(SpendExport):
    """The export `google_ads`."""

    name = "google_ads"
    raw = RAW
    spent = "cost"
    headers = "a line with Day, Campaign and Cost"
    about = (
        "Campaign report of Google Ads, segmented by day, as CSV or for Excel (UTF-16); it becomes "
        "`ad_spend`. Channels by campaign type: Search `search_ads`, Shopping `shopping_ads`, "
        "Display `display_ads`, Video `video_ads`, Performance Max, Demand Gen, Smart and App "
        "`cross_network_ads`, others `other_ads`. The report names no currency: it must be the "
        "store's (a column `Currency code` is checked). Rows `Total: ...` are left out and their "
        "cost is held against the sum."
    )

    def knows(self, names: Sequence[str]) -> bool:
        """Whether these are the names of the report's columns."""
        return {"Campaign", "Cost"} <= set(names) and bool(
            {"Day", "Impr.", "Campaign type"} & set(names)
        )

    def names_of(self, report: Report) -> Mapping[str, str]:
        """Names in the header, and what they are.

        Raises:
            BadInput: The report is not by day.
        """
        if "Day" not in report.names:
            raise BadInput(
                f"{report.label}: has no column Day (it has {', '.join(report.names)}); spend is "
                "counted by day: add the segment Time > Day to the report and export it again"
            )
        return NAMES

    def total_of(self, cells: Mapping[str, str]) -> str | None:
        """The name of a row of totals."""
        first = (cells.get("day", ""), cells.get("campaign", ""))
        return next((cell for cell in first if cell.startswith("Total")), None)

    def whole(self, names: Sequence[str]) -> str | None:
        """The total that adds up the rows shown: of the campaigns, else of the account."""
        found = {name.removeprefix("Total:").strip().lower(): name for name in names}
        return next((found[name] for name in WHOLE if name in found), None)

    def currencies(self, report: Report) -> Mapping[str, str]:
        """None stands in the header."""
        return {}

    def rows(self, accepted: str, columns: Sequence[str]) -> str:
        """SQL of the rows as `ad_spend`."""
        types = " ".join(
            f"WHEN {literal(kind)} THEN {literal(channel)}" for kind, channel in CHANNELS.items()
        )
        return (
            f"SELECT day, CASE lower(campaign_type) {types} ELSE {literal(OTHER)} END AS channel, "
            "campaign, cost AS spend, impressions, NULL AS reach, clicks, NULL AS engagements, "
            "conversion_value AS attributed_sales, conversions AS attributed_conversions, "
            f"1 AS days, __file, __line FROM ({accepted})"
        )

    def remarks(self, reports: Sequence[Report], currency: str) -> Iterator[Note]:
        """That the currency is taken as the store's."""
        unsaid = [report.label for report in reports if "Currency code" not in report.names]
        if unsaid:
            files = ", ".join(unsaid)
            yield Note(
                "export_currency_assumed",
                f"{files}: names no currency; its money is taken as {currency}, the store's",
                {"files": files, "currency": currency},
            )
