"""The channel of a visit: GA4's default channel group under this project's names.

Source: Google, Analytics Help, [GA4] Default channel group,
https://support.google.com/analytics/answer/9756891: its rules in their order; the first that holds
counts. Its list of some 800 sources is not public as data: the ones that carry nearly all traffic
are named here, and where the export brings the group itself, that is taken.
"""

from __future__ import annotations

from helpers.store.ingest.source import literal

GROUPS = {
    "direct": "direct",
    "cross-network": "cross_network_ads",
    "paid shopping": "shopping_ads",
    "paid search": "search_ads",
    "paid social": "social_ads",
    "paid video": "video_ads",
    "display": "display_ads",
    "paid other": "other_ads",
    "organic shopping": "organic_shopping",
    "organic social": "organic_social",
    "organic video": "organic_video",
    "organic search": "organic_search",
    "email": "crm",
    "affiliates": "affiliate",
    "referral": "other_sites",
    "audio": "other_ads",
    "sms": "crm",
    "mobile push notifications": "crm",
}
"""Channel by default channel group. A link on another site is no referral programme 老带新."""
UNASSIGNED = "unassigned"
SEARCH = (
    "google", "bing", "yahoo", "baidu", "duckduckgo", "ecosia", "yandex", "naver", "daum", "sogou",
    "so.com", "sm.cn", "ask.com", "aol", "qwant", "startpage", "brave", "seznam",
)  # fmt: skip
SOCIAL = (
    "facebook", "fb", "instagram", "ig", "meta", "messenger", "threads", "twitter", "t.co", "x.com",
    "linkedin", "lnkd.in", "pinterest", "reddit", "tiktok", "douyin", "kuaishou", "weibo", "wechat",
    "weixin", "xiaohongshu", "rednote", "snapchat", "vk", "vk.com", "quora", "tumblr", "telegram",
    "whatsapp", "line", "discord", "zhihu", "douban", "kakao",
)  # fmt: skip
VIDEO = ("youtube", "vimeo", "twitch", "bilibili", "dailymotion", "youku", "iqiyi", "netflix")
SHOPPING = (
    "amazon", "ebay", "etsy", "walmart", "alibaba", "aliexpress", "taobao", "tmall", "jd",
    "pinduoduo", "temu", "shein", "mercadolibre", "rakuten", "shopping", "shop.app",
)  # fmt: skip
_NO_SEARCH = "^(mail|accounts|docs|drive|sites|groups|calendar|pay|checkout)[.]"
_PAID = "^(.*cp.*|ppc|retargeting|paid.*)$"
_SHOP_CAMPAIGN = "^(.*(([^a-df-z]|^)shop|shopping).*)$"


def channel(source: str, medium: str, campaign: str, group: str) -> str:
    """SQL of the channel of a visit.

    Args:
        source: SQL of its source, empty or `(direct)` where there is none.
        medium: SQL of its medium.
        campaign: SQL of its campaign's name.
        group: SQL of the default channel group, where the export says it.
    """
    said = " ".join(f"WHEN {literal(g)} THEN {literal(c)}" for g, c in GROUPS.items())
    s, m, c = (f"lower(trim(coalesce({sql}, '')))" for sql in (source, medium, campaign))
    rules = " ".join(
        f"WHEN {condition} THEN {literal(GROUPS[name])}" for condition, name in _rules(s, m, c)
    )
    return f"coalesce(CASE lower({group}) {said} END, CASE {rules} ELSE {literal(UNASSIGNED)} END)"


def _rules(source: str, medium: str, campaign: str) -> list[tuple[str, str]]:
    """Conditions and default channel groups, in Google's order."""
    paid = f"regexp_matches({medium}, {literal(_PAID)})"
    shop_campaign = f"regexp_matches({campaign}, {literal(_SHOP_CAMPAIGN)})"
    search, social, video, shopping = (
        _of(source, names) for names in (SEARCH, SOCIAL, VIDEO, SHOPPING)
    )
    search = f"({search} AND NOT regexp_matches({source}, {literal(_NO_SEARCH)}))"
    mail = _one_of("email", "e-mail", "e_mail", "e mail")
    return [
        (f"{source} IN ('(direct)', '') AND {medium} IN ('(none)', '(not set)', '')", "direct"),
        (f"contains({campaign}, 'cross-network')", "cross-network"),
        (f"({shopping} OR {shop_campaign}) AND {paid}", "paid shopping"),
        (f"{search} AND {paid}", "paid search"),
        (f"{social} AND {paid}", "paid social"),
        (f"{video} AND {paid}", "paid video"),
        (f"{medium} IN {_one_of('display', 'banner', 'expandable', 'interstitial', 'cpm')}",
         "display"),
        (paid, "paid other"),
        (f"{shopping} OR {shop_campaign}", "organic shopping"),
        (f"{social} OR {medium} IN " + _one_of(
            "social", "social-network", "social-media", "sm", "social network", "social media"
        ), "organic social"),
        (f"{video} OR contains({medium}, 'video')", "organic video"),
        (f"{search} OR {medium} = 'organic'", "organic search"),
        (f"{source} IN {mail} OR {medium} IN {mail}", "email"),
        (f"{medium} IN ('affiliate', 'affiliates')", "affiliates"),
        (f"{medium} IN ('referral', 'app', 'link')", "referral"),
        (f"{medium} = 'audio'", "audio"),
        (f"{source} = 'sms' OR {medium} = 'sms'", "sms"),
        (f"ends_with({medium}, 'push') OR contains({medium}, 'mobile') "
         f"OR contains({medium}, 'notification') OR {source} = 'firebase'",
         "mobile push notifications"),
    ]  # fmt: skip


def _of(source: str, names: tuple[str, ...]) -> str:
    """SQL: whether a source is one of the sites, by name or as part of its address."""
    words = "|".join(name.replace(".", "[.]") for name in names)
    return f"regexp_matches({source}, {literal(f'(^|[./])({words})([./:]|$)')})"


def _one_of(*names: str) -> str:
    return "(" + ", ".join(map(literal, names)) + ")"
