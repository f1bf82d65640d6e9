"""Meta Ads (Facebook, Instagram): the campaign export of Ads Manager becomes `ad_spend`.

Columns and quirks as published: UTF-8 often with a byte order mark, the currency in the names of
the money columns, and perhaps a row of totals without a campaign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from helpers.store.columns import Column, Table, count, day, money, text
from helpers.store.errors import BadInput
from helpers.store.ingest.exports_spend import SpendExport
from helpers.store.ingest.exports_text import Report
from helpers.store.ingest.source import Note

CHANNEL = "social_ads"
LONGEST_SPAN = 31
RAW = Table(
    "meta_ads",
    "one campaign in one span of days, or a part of it",
    (),
    (
        day("reporting_starts", "first day", required=True, nullable=False),
        day("reporting_ends", "last day", required=True, nullable=False),
        day("day", "the day, in an export by day"),
        text("campaign", "name of the campaign", required=True, nullable=False),
        Column("results", "float64", "what the campaign is to bring, as Meta counts it", minimum=0),
        text("result_indicator", "what the results are"),
        count("reach", "people reached in the span"),
        money("amount_spent", "money spent", required=True, nullable=False),
        count("impressions", "times shown"),
        count("link_clicks", "clicks on links"),
        count("clicks_all", "clicks of every kind"),
        Column("purchases", "float64", "purchases that Meta claims", minimum=0),
        money("purchase_value", "money that Meta claims for them"),
        count("engagements", "reactions, comments, shares, saves"),
    ),
)
NAMES = {
    "Reporting starts": "reporting_starts", "Reporting ends": "reporting_ends", "Day": "day",
    "Campaign name": "campaign", "Results": "results", "Result indicator": "result_indicator",
    "Reach": "reach", "Impressions": "impressions", "Link clicks": "link_clicks",
    "Clicks (all)": "clicks_all", "Purchases": "purchases",
    "Purchases conversion value": "purchase_value", "Post engagements": "engagements",
}  # fmt: skip
_SPENT = re.compile(r"Amount spent \(([A-Z]{3})\)")


class MetaAds(SpendExport):
    """The export `meta_ads`."""

    name = "meta_ads"
    raw = RAW
    spent = "amount_spent"
    headers = "a line with Reporting starts, Campaign name and Amount spent (currency)"
    about = (
        "Campaign export of Meta Ads Manager as CSV; it becomes `ad_spend` of channel "
        "`social_ads`. Export it by day; a row of up to 31 days is spread evenly over its days, "
        "to the cent, without its reach. Purchases are `Purchases`, or `Results` where the result "
        "indicator is a purchase. The currency in the header must be the store's. A row of totals "
        "is left out and held against the sum."
    )

    def knows(self, names: Sequence[str]) -> bool:
        """Whether these are the names of the export's columns."""
        return "Campaign name" in names and any(n.startswith("Amount spent") for n in names)

    def names_of(self, report: Report) -> Mapping[str, str]:
        """Names in the header, and what they are.

        Raises:
            BadInput: Days or the currency are missing.
        """
        for name in ("Reporting starts", "Reporting ends"):
            if name not in report.names:
                raise BadInput(
                    f"{report.label}: column {name!r} is missing (it has "
                    f"{', '.join(report.names)}); export the table again with a breakdown by day"
                )
        spent = [name for name in report.names if _SPENT.fullmatch(name)]
        if not spent:
            raise BadInput(
                f"{report.label}: no column is called 'Amount spent (CUR)', with the currency in "
                "brackets; export the table again from Ads Manager in English"
            )
        return {**NAMES, spent[0]: "amount_spent"}

    def total_of(self, cells: Mapping[str, str]) -> str | None:
        """Totals have no campaign, or, in an export by day, no day."""
        if not cells.get("campaign"):
            return ""
        return f"of {cells['campaign']}" if cells.get("day", "-") == "" else None

    def whole(self, names: Sequence[str]) -> str | None:
        """The total that adds up all rows."""
        return "" if "" in names else None

    def currencies(self, report: Report) -> Mapping[str, str]:
        """Currency by column."""
        found = {name: _SPENT.fullmatch(name) for name in report.names}
        return {name: match[1] for name, match in found.items() if match}

    def rules(self) -> Sequence[tuple[str, str]]:
        """A span must run forward."""
        return [("reporting_ends < reporting_starts", "reporting_ends is before reporting_starts")]

    def longest(self) -> tuple[str, int]:
        """Days of a row, and how many it may have."""
        return "CASE WHEN day IS NULL THEN reporting_ends - reporting_starts + 1 ELSE 1 END", (
            LONGEST_SPAN
        )

    def rows(self, accepted: str, columns: Sequence[str]) -> str:
        """SQL of the rows as `ad_spend`, one a day; what is left over goes first."""
        clicks = "link_clicks" if "link_clicks" in columns else "clicks_all"
        spent = share("CAST(amount_spent * 100 AS BIGINT)")
        value = share("CAST(purchase_value * 100 AS BIGINT)")
        is_purchase = "contains(lower(result_indicator), 'purchase')"
        bought = f"coalesce(purchases, CASE WHEN {is_purchase} THEN results END)"
        return (
            f"SELECT first_day + CAST(n AS INTEGER) AS day, '{CHANNEL}' AS channel, campaign, "
            f"{spent} / 100.0::DECIMAL(18,2) AS spend, {share('impressions')} AS impressions, "
            f"CASE WHEN days = 1 THEN reach END AS reach, {share(clicks)} AS clicks, "
            f"{share('engagements')} AS engagements, {value} / 100.0::DECIMAL(18,2) "
            f"AS attributed_sales, {bought} / days AS attributed_conversions, days, __file, __line "
            f"FROM (SELECT *, {self.longest()[0]} AS days, coalesce(day, reporting_starts) AS "
            f"first_day FROM ({accepted})), LATERAL (SELECT unnest(range(days)) AS n)"
        )

    def remarks(self, reports: Sequence[Report], currency: str) -> Iterator[Note]:
        """Nothing that the rows do not say."""
        return iter(())


def share(whole: str) -> str:
    """SQL of day n's part of a whole number spread over `days`."""
    return f"({whole} // days + CASE WHEN n < {whole} % days THEN 1 ELSE 0 END)"
