"""Creators: who hosts live sessions and who posts, and which orders come through them.

A live session stands on each day on which live is booked, in the evening. An order of the channel
comes through one of the last three sessions, a post's order through one of the last 28 days'
posts; those with more pull and younger ones more likely. Hosts differ in what comes back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.clock import HOUR_DEMAND
from helpers.store.sample.columns import DAY
from helpers.store.sample.settings import Setting
from helpers.store.sample.streams import choose, stream
from helpers.store.sample.world import World

NOBODY = -1
SHOW_WEEKDAYS = (1, 3, 5)
OWN_SHOW_WEEKDAY = 1
SHOW_SECOND = 20 * 3600
SESSIONS_BACK = np.array([1.0, 0.35, 0.12])
POST_WEEKDAY = 2
POST_DAYS, POST_MEMORY_DAYS = 28, 7.0
POSTS_A_WEEK = {"kol": 2, "koc": 4, "own": 1}


@dataclass(frozen=True)
class Creator:
    """A host or creator and the truth about them.

    Attributes:
        name: Name.
        name_zh: Name in Chinese.
        kind: `own`, `kol` or `koc`.
        fee: Price relative to the others of their kind; 0 for own staff.
        pull: How many orders they bring relative to others.
        refunds: Factor on the share of lines that come back; hosts only.
        booked: How often they are booked relative to others.
        engages: Engagements per view.
    """

    name: str
    name_zh: str
    kind: str
    fee: float
    pull: float
    refunds: float = 1.0
    booked: float = 1.0
    engages: float = 0.04


HOSTS = (
    Creator("Lin Ke", "林可", "own", 0.0, 0.85, 0.9, 1.0, 0.031),
    Creator("Zhou Yao", "周瑶", "own", 0.0, 0.75, 0.9, 1.0, 0.028),
    Creator("Mia at Home", "米娅的家", "koc", 0.6, 1.7, 0.9, 1.0, 0.052),
    Creator("Hao Finds", "阿浩好物", "kol", 1.4, 1.4, 1.0, 1.0, 0.040),
    Creator("Queen Sasa", "莎莎女王", "kol", 2.2, 1.25, 1.7, 1.0, 0.046),
    Creator("Fang's Picks", "芳姐优选", "koc", 1.4, 0.9, 1.15, 1.0, 0.036),
)
INVITED_PAIRS, PAIR_CHANCES = np.array([[2, 4], [3, 5]]), np.array([0.45, 0.55])
CREATORS = (
    Creator("Sample shop", "示例店铺", "own", 0.0, 0.7, engages=0.021),
    Creator("Studio Nana", "娜娜工作室", "kol", 0.7, 2.2, engages=0.061),
    Creator("Mr Tidy", "整理先生", "kol", 1.0, 1.3, engages=0.047),
    Creator("Vivi Daily", "薇薇日常", "kol", 1.1, 1.1, engages=0.038),
    Creator("Star Luna", "星月露娜", "kol", 2.8, 0.8, engages=0.019),
    Creator("Cotton Diary", "棉棉日记", "koc", 1.0, 0.5, engages=0.066),
    Creator("Home of Xu", "小徐的家", "koc", 0.9, 0.45, engages=0.058),
    Creator("Plain Days", "素日", "koc", 1.1, 0.4, engages=0.071),
    Creator("Renter's Nest", "租房改造记", "koc", 0.8, 0.8, engages=0.083),
    Creator("Tea and Linen", "茶与亚麻", "koc", 1.0, 0.35, engages=0.049),
    Creator("Mum of Two", "两个娃的妈", "koc", 1.2, 0.4, engages=0.054),
)


@dataclass(frozen=True)
class Shows:
    """Live sessions, one entry each.

    Attributes:
        day: Day.
        started: When it begins, in seconds from the start.
        host: Index into `HOSTS`.
    """

    day: np.ndarray
    started: np.ndarray
    host: np.ndarray


@dataclass(frozen=True)
class Posts:
    """Posts, one entry each, by time.

    Attributes:
        published: When it was published, in seconds from the start.
        creator: Index into `CREATORS`.
        booking: Number of the booking that it belongs to.
        booked: Day of that booking.
        strength: How much this post draws beside the creator's others; mean 1.
    """

    published: np.ndarray
    creator: np.ndarray
    booking: np.ndarray
    booked: np.ndarray
    strength: np.ndarray


def _booking_days(setting: Setting, weekdays: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Days with one of the weekdays, and their weeks; a week cut off has its first day instead."""
    day = np.arange(setting.days)
    week = (day + setting.starts_on.weekday()) // 7
    is_booking = np.isin((day + setting.starts_on.weekday()) % 7, weekdays)
    is_first = np.diff(week, prepend=-1) != 0
    is_booking |= is_first & ~np.isin(week, week[is_booking])
    return np.flatnonzero(is_booking), week[is_booking]


def make_shows(setting: Setting) -> Shows:
    """The shop's sessions: own staff on Tuesdays, invited hosts on Thursdays and Saturdays.

    The two invited hosts of a week are a pair that costs as much as the other pair, so that a host
    costs the same share of a week's slot fees each time. A week with a single session has an
    invited host, so that its slot fee belongs to somebody.
    """
    random = stream(setting.seed, "shows")
    day, week = _booking_days(setting, SHOW_WEEKDAYS)
    weekday = (day + setting.starts_on.weekday()) % 7
    alone = ~np.isin(week, week[weekday != OWN_SHOW_WEEKDAY])
    own = [row for row, of in enumerate(HOSTS) if of.kind == "own"]
    weeks = int(week.max(initial=0)) + 1
    pair = INVITED_PAIRS[choose(random, PAIR_CHANCES, weeks)]
    swapped = random.random(weeks) < 0.5
    second = (weekday == SHOW_WEEKDAYS[-1]) != swapped[week]
    guest = pair[week, second.astype(np.int64)]
    staff = np.array(own)[week % len(own)]
    is_own = (weekday == OWN_SHOW_WEEKDAY) & ~alone
    started = day * DAY + SHOW_SECOND + 60 * random.integers(-30, 31, len(day))
    return Shows(day, started, np.where(is_own, staff, guest))


def make_posts(setting: Setting) -> Posts:
    """The shop's posts: so many of each kind for each week's booking, within a week of it."""
    random = stream(setting.seed, "posts")
    booked, _ = _booking_days(setting, (POST_WEEKDAY,))
    parts = []
    for kind, count in POSTS_A_WEEK.items():
        rows = np.array([row for row, of in enumerate(CREATORS) if of.kind == kind])
        chances = np.log([CREATORS[row].booked for row in rows])
        drawn = np.argsort(-(chances + random.gumbel(size=(len(booked), len(rows)))), axis=1)
        parts.append(rows[drawn[:, : min(count, len(rows))]])
    creator = np.concatenate(parts, axis=1)
    booking = np.repeat(np.arange(len(booked)), creator.shape[1])
    count = len(booking)
    until = np.append(booked[1:], setting.days)[booking]
    day = booked[booking] + np.floor(random.random(count) * (until - booked[booking]))
    published = (day * DAY + random.triangular(9, 19, 23, count) * 3600).astype(np.int64)
    strength = np.exp(random.normal(-0.125, 0.5, count))
    order = np.lexsort((np.arange(count), published))
    return Posts(
        published[order], creator.ravel()[order], booking[order], booked[booking][order],
        strength[order],
    )  # fmt: skip


def show_of(
    random: np.random.Generator, shows: Shows, created: np.ndarray, is_live: np.ndarray
) -> np.ndarray:
    """The session that each order comes through; `NOBODY` for orders of other channels."""
    found = np.full(len(created), NOBODY)
    rows = np.flatnonzero(is_live)
    last = np.searchsorted(shows.started, created[rows], side="right") - 1
    reached = np.cumsum(_session_weights(shows, last), axis=1)
    drawn = random.random(len(rows))[:, None] * reached[:, -1:]
    back = np.minimum((drawn >= reached).sum(axis=1), len(SESSIONS_BACK) - 1)
    found[rows] = np.where(last >= 0, last - back, NOBODY)
    return found


def _session_weights(shows: Shows, last: np.ndarray) -> np.ndarray:
    """Weights of the last session and those before it; 0 where there was none."""
    candidate = last[:, None] - np.arange(len(SESSIONS_BACK))
    pull = np.array([of.pull for of in HOSTS])[shows.host[np.maximum(candidate, 0)]]
    return np.where(candidate >= 0, pull * SESSIONS_BACK, 0.0)


def spread_over_shows(shows: Shows, by_day: np.ndarray) -> np.ndarray:
    """What comes by day through live, by session, in expectation."""
    before = sum(HOUR_DEMAND[: SHOW_SECOND // 3600]) / sum(HOUR_DEMAND)
    until = np.concatenate([[0.0], np.cumsum(by_day)])
    start = until[shows.day] + before * by_day[shows.day]
    window = np.diff(np.append(start, until[-1]))
    last = np.arange(len(window))
    weight = _session_weights(shows, last)
    weight /= weight.sum(axis=1, keepdims=True)
    found = np.zeros(len(window))
    for back in range(len(SESSIONS_BACK)):
        np.add.at(found, np.maximum(last - back, 0), window * weight[:, back])
    return found


def post_of(
    random: np.random.Generator, posts: Posts, created: np.ndarray, is_content: np.ndarray
) -> np.ndarray:
    """The post that each order comes through; `NOBODY` for orders of other channels.

    Weights fall exponentially with age, so that the ratio of two posts' weights is the same at
    any time, and one running sum serves all orders.
    """
    found = np.full(len(created), NOBODY)
    rows = np.flatnonzero(is_content)
    age = posts.published / DAY - posts.published[-1:].sum() / DAY / 2
    pull = np.array([of.pull for of in CREATORS])[posts.creator] * posts.strength
    reached = np.concatenate([[0.0], np.cumsum(pull * np.exp(age / POST_MEMORY_DAYS))])
    when = created[rows]
    first = np.searchsorted(posts.published, when - POST_DAYS * DAY)
    after = np.searchsorted(posts.published, when, side="right")
    point = reached[first] + random.random(len(rows)) * (reached[after] - reached[first])
    chosen = np.clip(np.searchsorted(reached, point, side="right") - 1, first, after - 1)
    found[rows] = np.where(after > first, chosen, NOBODY)
    return found


def refund_factor(world: World, show: np.ndarray) -> np.ndarray:
    """Factor on the share of an order's lines that come back, by the session's host."""
    if not world.setting.mechanisms.creators:
        return np.ones(len(show))
    factor = np.array([of.refunds for of in HOSTS])[make_shows(world.setting).host]
    return np.where(show != NOBODY, factor[np.maximum(show, 0)], 1.0)
