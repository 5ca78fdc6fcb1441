"""A template made to do harm, and markup or a formula where a child's name or reference stands: F61 and F62."""

from __future__ import annotations

import csv
import email
import email.policy
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import time
from pathlib import Path

import pytest

from alertd.engine import sweep as sweeping
from alertd.outbox.channel import Message, Outcome
from alertd.partners import store
from alertd.people.directory import Directory
from alertd.people.staff import Staff
from tests.integration.test_acknowledge_page import Browser, link
from tests.integration.test_partners_road import REVIEWERS, Town
from tests.integration.test_partners_road import nov as town_nov
from tests.support.cli import Here, alertd, here
from tests.support.council import PEOPLE, TEAMS, Council, Inline, Mail, council_at
from tests.support.fed import ONE_RULE, nov

__all__ = ["here"]

SCRIPT = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("https://evil.example";"C1")'

SETTINGS = """\
[database]
url = "sqlite:///{folder}/alertd.db"
[feed]
kind = "ssd"
url = "{folder}/ssd.db"
[people]
people = "people.csv"
teams = "teams.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]
[templates]
folder = "templates"
[email]
sender = "alertd@council.example"
host = "127.0.0.1"
port = 9
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "people.csv").write_text("id,name,email,role,team,deputy,away_from,away_to,leaves\n")
    (tmp_path / "teams.csv").write_text("id,name,parent,inbox\n")
    file = tmp_path / "alertd.toml"
    file.write_text(SETTINGS.format(folder=tmp_path) + '[rules.settings]\n"cp.visit.interval" = "10 working days"\n')
    return file


# F61: a template made to reach out or to exhaust


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("{{ mail.subject }}\n{{ mail.__class__.__mro__ }}", "urgent.md.j2:2: there is no '__class__' of Urgent"),
        ("{{ 'a' * 10**9 }}", "urgent.md.j2:1: a template may not hold mul"),
    ],
)
def test_f61_alertd_does_not_start_with_a_template_made_to_do_harm(config: Path, source: str, says: str) -> None:
    (config.parent / "templates" / "urgent.md.j2").write_text(source)
    assert says in alertd("run", "--config", config).one_line


# F62: markup and formulas in what a feed holds


class Post(Mail):
    """Keeps the HTML of each mail too."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[str] = []

    async def send(self, message: Message) -> Outcome:
        parsed = email.message_from_bytes(message.content, policy=email.policy.default)
        self.pages.append(parsed.get_body(("html",)).get_content())  # type: ignore[attr-defined]
        return await super().send(message)


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    monkeypatch.setattr(Inline, "dies_on", "")
    found = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}", ONE_RULE)
    found.mail = Post()
    found.house = replace(found.house, notifiers={"email": found.mail})
    yield found
    found.house.engine.dispose()


@pytest.mark.parametrize("bad", [SCRIPT, FORMULA])
def test_f62_a_reference_and_a_name_of_staff_are_text_in_both_forms_of_a_mail(council: Council, bad: str) -> None:
    people = {p.id: replace(p, name=bad) if p.id == "W1" else p for p in PEOPLE}
    directory = Directory(people, TEAMS, "duty@council.example")
    council.house = replace(council.house, staff=Staff((), lambda: directory))
    council.looked_after(bad)
    council.day(nov(13))
    council.day(nov(30))
    assert {to for to, _, _ in council.mail.sent} == {"ade", "cy"}
    assert isinstance(council.mail, Post)
    for (_, subject, body), page in zip(council.mail.sent, council.mail.pages, strict=True):
        assert bad not in subject
        assert bad.replace(" ", "") in "".join(body.split()), "shown as it is"
        assert "<script" not in page.lower() and 'href="https://evil' not in page


def test_f62_a_childs_name_is_in_no_mail_whatever_it_is(council: Council) -> None:
    council.looked_after()
    council.change("person", "pers_person_id = 'C1'", pers_forename=SCRIPT, pers_surname=FORMULA)
    council.day(nov(13))
    council.day(nov(30))
    assert isinstance(council.mail, Post) and len(council.mail.pages) > 1
    for text in [*council.mail.pages, *(body for _, _, body in council.mail.sent)]:
        assert "alert(1)" not in text and "HYPERLINK" not in text


def test_f62_a_formula_is_a_text_cell_in_what_is_exported(council: Council, config: Path, here: Here) -> None:
    council.looked_after(FORMULA)
    council.evaluate(nov(13))
    command = ("sources", "changes", "--since", "2026-11-01", "--format", "csv", "--config", config)
    rows = list(csv.reader(io.StringIO(here(*command).out)))
    cells = [cell for row in rows for cell in row]
    assert f"'{FORMULA}" in cells
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "@")]


def test_f62_nothing_is_markup_on_the_page_to_acknowledge_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    monkeypatch.setattr(Inline, "dies_on", "")
    town = Town(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    town.agencies(replace(REVIEWERS, name=SCRIPT))
    town.day(town_nov(3))
    town.do(store.approve, "W1", town.at(town_nov(3)))
    town.council.send(time(9, 5))
    town.council.send(time(9, 6))
    page = Browser(town).get(link(town)).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    town.council.house.engine.dispose()
