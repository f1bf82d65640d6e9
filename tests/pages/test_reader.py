"""The reader's test: a manager's questions of docs/readers.md, answered on the pages as published.

An answer is found within one screen from the top, or by one jump: a link that the first screen
shows, whose target brings the answer's title and a number or name onto the screen.
"""

import re
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "readers.md"
QUESTIONS_A_PAGE = 10
SCREENS = {"desk": (1280, 844), "phone": (390, 844)}
FIND = """
(places) => {
    const screen = innerHeight;
    const shown = box => box.height > 0 && box.top >= -1 && box.bottom <= screen + 1;
    const pieces = answer => {
        const title = answer.querySelector('h2, h3, .sr-title, .sr-card-value') || answer;
        const said = [...answer.querySelectorAll('[data-fact], li, td, strong, a, p')];
        return {title, said: said.length ? said : [answer]};
    };
    const sees = answer => {
        const {title, said} = pieces(answer);
        const states = part => /[\\p{L}\\p{N}]/u.test(part.textContent);
        return shown(title.getBoundingClientRect())
            && said.some(part => shown(part.getBoundingClientRect()) && states(part));
    };
    const find = place => {
        const [kind, name] = place.split(':');
        if (kind === 'verdict') return document.querySelector('.sr-verdict');
        if (kind === 'card') return [...document.querySelectorAll('.sr-card')].find(card =>
            card.querySelector(`[data-fact="${name}"]`));
        const own = document.getElementById(place);
        return own && own.matches('h2') ? own.parentElement : own;
    };
    const unfolded = link => {
        const fold = link.closest('details:not([open])');
        return fold ? fold.querySelector('summary') : link;
    };
    scrollTo(0, 0);
    const links = [...document.querySelectorAll('a[href^="#"]:not(.sr-skip)')]
        .filter(link => shown(unfolded(link).getBoundingClientRect()));
    const targets = [...new Set(links.map(link => link.getAttribute('href').slice(1)))];
    const found = {};
    for (const place of places) {
        const answer = find(place);
        const own = answer ? answer.cloneNode(true) : null;
        if (own) own.querySelectorAll('.sr-notice, h2').forEach(part => part.remove());
        const said = own && !own.matches('.sr-notice') ? own.textContent : '';
        found[place] = {there: !!answer, says: said.trim().length > 20 || /\\d/.test(said)};
        found[place].top = !!answer && sees(answer);
    }
    for (const target of targets) {
        const goal = document.getElementById(target);
        if (!goal) continue;
        goal.scrollIntoView({behavior: 'instant'});
        for (const place of places) {
            const answer = find(place);
            if (answer && !found[place].jump && sees(answer)) found[place].jump = target;
        }
    }
    scrollTo(0, 0);
    return found;
}
"""


def questions():
    """Page to the places of its answers, in the document's order."""
    found: dict[str, list[str]] = {}
    page = ""
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"## .*`(\w+\.html)`", line):
            page = heading[1]
        elif row := re.match(r"\| [^|]+\? \| [^|]+？ \| `([\w:-]+)` \|", line):
            found.setdefault(page, []).append(row[1])
    return found


ASKED = questions()


@pytest.fixture(scope="module")
def answered(browser, published_sample):
    """Where a page's answers are found: at the top, by which jump, or nowhere."""
    tabs = {}

    def look(folder, name, size):
        tab = tabs.get((folder, name))
        if tab is None:
            tab = tabs[folder, name] = browser.new_page()
            tab.goto((published_sample / folder / name).as_uri())
        tab.set_viewport_size({"width": size[0], "height": size[1]})
        return tab.evaluate(FIND, ASKED[name])

    yield look
    for tab in tabs.values():
        tab.close()


def test_every_page_has_ten_questions_in_both_languages(published_sample):
    pages = {path.name for path in published_sample.glob("*.html")}
    assert {page: len(places) for page, places in ASKED.items()} == dict.fromkeys(
        pages, QUESTIONS_A_PAGE
    )


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("folder", ["", "zh"])
@pytest.mark.parametrize("name", ASKED)
def test_every_question_is_answered_at_the_top_or_one_jump_away(name, folder, screen, answered):
    found = answered(folder, name, SCREENS[screen])
    assert [place for place, one in found.items() if not one["there"]] == []
    assert [place for place, one in found.items() if not one["says"]] == []
    assert [place for place, one in found.items() if not (one["top"] or one.get("jump"))] == []
