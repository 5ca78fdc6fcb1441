"""``alertd demo --once``: real messages, figures that agree, and no child's name anywhere."""

from __future__ import annotations

import email.policy
import mailbox
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from alertd.bootstrap import House, build
from alertd.settings import load
from alertd.synth.names import CANARY
from alertd.views import insight as view
from alertd.web.app import app
from alertd.web.signing_in import links as sign_in
from tests.support.cli import Done, Here, alertd
from tests.support.pages import Browser


def messages(folder: Path) -> list[EmailMessage]:
    """The messages kept, parsed strictly: any defect raises."""
    policy = email.policy.default.clone(raise_on_defect=True)
    kept = mailbox.Maildir(folder / "Maildir", create=False)
    found = [email.message_from_bytes(kept.get_bytes(key), policy=policy) for key in kept.iterkeys()]
    assert all(isinstance(message, EmailMessage) for message in found)
    return [message for message in found if isinstance(message, EmailMessage)]


def figures(folder: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "alertd.db")) as database:
        return database.execute(query).fetchall()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """A demo made twice in the same folder; what the second said."""
    folder = tmp_path_factory.mktemp("demo") / "new" / "folder"
    first = alertd("demo", "--once", "--children", "30", "--dir", folder)
    assert first.code == 0
    (folder / "Maildir" / "new" / "stale").write_text("Subject: of a demo before\n\n")
    second = alertd("demo", "--once", "--children", "30", "--dir", folder)
    assert second.code == 0
    return folder, second


def test_the_summary_agrees_with_the_database_and_the_maildir(shown: tuple[Path, Done]) -> None:
    folder, done = shown
    kept = messages(folder)
    assert kept
    (delivered,) = figures(folder, "select count(*) from delivery where state = 'delivered'")[0]
    assert figures(folder, "select count(*) from delivery")[0][0] == delivered == len(kept)
    (children,) = re.findall(r"(\d+) children evaluated; ", done.out)
    assert f"{children} children evaluated; {delivered} messages delivered; {len(kept)} in the Maildir." in done.out
    assert int(children) >= 30
    rows = {cells[0]: cells for line in done.out.splitlines() if (cells := line.split())}
    for rule, total in figures(folder, "select rule, count(*) from alert where state = 'open' group by rule"):
        (line,) = [line for line in done.out.splitlines() if line.split()[:1] == [rule]]
        counts = re.search(r"(\s+\d+)+\s*$", line)
        assert counts and sum(map(int, counts[0].split())) == total, rule
    by_stage = dict(figures(folder, "select stage, count(*) from alert where state = 'open' group by stage"))
    stages = ("overdue", "due", "upcoming", "unknown")
    assert rows["all"][1:] == [str(by_stage.get(stage, 0)) for stage in stages]
    sent = dict(figures(folder, "select urgent, count(*) from delivery group by urgent"))
    assert [line.split()[-1] for line in done.out.splitlines() if line.split()[:1] == ["digest"]] == [str(sent[0])]


def test_the_messages_are_whole_and_for_staff_only(shown: tuple[Path, Done]) -> None:
    folder, _ = shown
    ids = [message["Message-ID"] for message in messages(folder)]
    assert len(set(ids)) == len(ids)
    for message in messages(folder):
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["Date"].datetime
        assert len(message["To"].addresses) == 1
        assert message["To"].addresses[0].domain == "la350.example"
        text, html = message.get_body(("plain",)), message.get_body(("html",))
        assert text and text.get_content().strip()
        assert html and html.get_content().strip()


def test_no_childs_name_is_in_a_message_or_in_what_is_printed(shown: tuple[Path, Done]) -> None:
    folder, done = shown
    with closing(sqlite3.connect(folder / "authority.db")) as feed:
        names = feed.execute("select pers_forename, pers_surname from ssd_person").fetchall()
    assert any(CANARY in (surname or "") for _, surname in names), "the authority does hold names"
    assert CANARY not in done.out + done.err
    for message in messages(folder):
        parts = [part.get_content() for part in message.walk() if not part.is_multipart()]
        assert CANARY not in "\n".join([*map(str, message.values()), *parts])
    with closing(sqlite3.connect(folder / "alertd.db")) as database:
        assert not [row for row in database.iterdump() if CANARY in row]


def test_what_is_printed_into_a_pipe_is_plain_and_whole(shown: tuple[Path, Done]) -> None:
    _, done = shown
    assert "\x1b" not in done.out + done.err
    assert done.err == ""
    assert "evaluated" in done.out and "dispatched" in done.out


def test_it_has_a_year_to_look_back_on_of_which_nobody_was_told(shown: tuple[Path, Done]) -> None:
    folder, _ = shown
    past = "from alert where state = 'closed'"
    (n, workers) = figures(folder, f"select count(*), count(distinct worker) {past}")[0]
    assert isinstance(n, int) and n > 10 and isinstance(workers, int) and workers > 2
    ends = figures(folder, f"select distinct closed_as {past}")
    assert {"met", "met_late"} <= {closed_as for (closed_as,) in ends} <= {"met", "met_late", "met_recorded_late"}
    assert figures(folder, f"select count(*) from notice where alert_id in (select id {past})") == [(0,)]
    days = figures(folder, f"select json_extract(finding, '$.due'), json_extract(finding, '$.met'), closed_as {past}")
    for due, met, closed_as in days:
        assert (str(met)[:10] > str(due)[:10]) == (closed_as == "met_late"), "by what was recorded"
    house = build(load(folder / "alertd.toml"))
    try:
        found = view.Figures(house.engine, lambda: house.staff.directory, lambda: datetime.now(UTC)).now()[0].books
        assert found.service["assess.cfa"].n > 5
    finally:
        house.engine.dispose()


def test_each_sort_of_person_has_a_link_and_a_worker_finds_why_and_who_was_told_in_three_clicks(
    shown: tuple[Path, Done],
) -> None:
    folder, done = shown
    links = dict(re.findall(r"^  ([a-z ]+?)\s+(http://\S+/sign-in/\S+)$", done.out, re.M))
    assert links.keys() == {"worker", "agency", "team manager", "head of service", "iro", "data owner"}
    house = build(load(folder / "alertd.toml"))
    try:
        assert house.settings.web and house.composer.pages == house.settings.web.url, "mails lead there"
        browser = Browser(app(house))
        for url in links.values():
            browser.cookies.clear()
            assert browser.ask("POST", urlsplit(url).path).status_code == 303
        overdue = figures(folder, "select worker from alert where stage = 'overdue' and muted = '' and state = 'open'")
        if any(worker for (worker,) in overdue):
            browser.cookies.clear()
            browser.ask("POST", urlsplit(made_for(house, overdue)).path)
            work = browser.ask("GET", "/work").text
            alert = re.search(r"Overdue</strong> <a[^>]* href=\"(/alerts/\d+)\"", work)
            assert alert, "one click"
            page = browser.ask("GET", alert[1]).text
            assert "Why</h2>" in page and "Who has been told</h2>" in page and "delivered" in page
    finally:
        house.engine.dispose()


def made_for(house: House, overdue: list[tuple[object, ...]]) -> str:
    worker = next(str(one) for (one,) in overdue if str(one) in house.staff.directory.people)
    return sign_in.made_for(house.engine, house.settings.web, house.staff.directory, worker, house.clock())


def test_a_folder_that_is_not_a_demos_is_left_alone(tmp_path: Path, here: Here) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    line = here("demo", "--once", "--dir", tmp_path).one_line
    assert line == f"{tmp_path}: is not empty and was not made by a demo. Give another --dir"
    assert "is a file, not a folder" in here("demo", "--once", "--dir", mine).one_line
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert mine.read_text() == "mine"
