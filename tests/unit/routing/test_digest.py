"""What a digest holds, in which order, and when it goes."""

from __future__ import annotations

import random
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

import pytest
from routing_samples import (
    CALENDAR,
    DIRECTORY,
    NO_START,
    OVERDUE_VISIT,
    REVIEW,
    REVIEW_TOMORROW,
    TODAY,
    item,
    rule_of,
    unmeasured,
    worker_items,
)

from alertd.cases.holding import Holding
from alertd.engine.findings import CannotTell
from alertd.routing.digest import (
    CHANGES,
    MANAGER_LINES,
    WORKER_LINES,
    compose_digest,
    compose_urgent,
    digest_is_due,
)
from alertd.routing.mails import Change, ClearedItem, Digest, DigestItem, LoadRow
from alertd.routing.render import render_digest


def digest(
    items: list[DigestItem], cleared: list[ClearedItem] | None = None, load: list[tuple[Holding, str]] | None = None
) -> Digest:
    return compose_digest(
        items, today=TODAY, calendar=CALENDAR, directory=DIRECTORY, cleared=cleared or [], load=load or []
    )


def families(found: Digest, section: int = 0) -> list[list[tuple[str, list[str]]]]:
    """The children of each family of a section, each with the stages of its lines."""
    return [
        [(child.reference, [line.stage for line in child.lines]) for child in family.children]
        for family in found.sections[section].families
    ]


def overdue(n: int, **more: object) -> list[DigestItem]:
    """Overdue visits, each a day later than the one before, the last due yesterday."""
    return [
        item(k, replace(OVERDUE_VISIT, child=f"C{k:03}", due=TODAY - timedelta(days=n - k)), **more)  # type: ignore[arg-type]
        for k in range(n)
    ]


def test_children_come_by_urgency_with_all_that_is_open_about_each() -> None:
    found = digest([*worker_items(), item(9, replace(NO_START, child="48213"))])
    assert [s.heading for s in found.sections] == ["Your children"]
    assert families(found) == [
        [("ref 48213", ["overdue", "unknown"])],
        [("ref 51290", ["due"])],
        [("ref 51007", ["upcoming"])],
        [("ref 49950", ["upcoming"])],
        [("ref 50311", ["unknown"])],
    ]


def test_brothers_and_sisters_stand_together_the_most_urgent_of_them_first() -> None:
    of_family = {"51007": "F1", "50311": "F1", "49950": "F2"}
    found = digest([replace(i, household=of_family.get(i.finding.child)) for i in worker_items()])
    assert [[child for child, _ in family] for family in families(found)] == [
        ["ref 48213"],
        ["ref 51290"],
        ["ref 51007", "ref 50311"],
        ["ref 49950"],
    ]


def test_two_children_without_a_known_family_are_not_put_together() -> None:
    assert all(len(family) == 1 for family in families(digest(worker_items())))


def test_what_changed_stands_on_top_with_what_was_cleared() -> None:
    changes = {"48213": "stage", "51007": "new"}
    items = [replace(i, change=changes.get(i.finding.child, "")) for i in worker_items()]
    met = replace(REVIEW_TOMORROW, child="40000", stage="met", met=date(2026, 11, 25))
    found = digest(items, cleared=[ClearedItem(met, rule_of(met), "met")])
    assert found.changes == (
        Change("ref 48213", "Child protection visit", "now overdue"),
        Change("ref 51007", "First looked-after review", "new"),
    )
    assert found.clears == (Change("ref 40000", "First looked-after review", "done in time on Wed 25 Nov"),)
    text = render_digest(found).text
    assert text.index("WHAT CHANGED") < text.index("CLEARED") < text.index("YOUR CHILDREN")


def test_where_too_much_changed_to_be_read_what_is_merely_new_is_only_counted() -> None:
    new = [replace(i, change="new", is_new=True) for i in overdue(CHANGES + 3)]
    found = digest([*new, replace(item(900, REVIEW_TOMORROW), change="stage")])
    assert [c.reference for c in found.changes] == ["ref 51007"]
    assert found.changes_more == CHANGES + 3
    assert f"{CHANGES + 3} more, each marked below." in render_digest(found).text
    only_new = render_digest(digest(new)).text
    assert f"WHAT CHANGED\n\n- {CHANGES + 3} more, each marked below." in only_new


def test_many_changes_are_counted_after_the_first_twelve() -> None:
    found = digest([replace(i, change="stage") for i in overdue(CHANGES + 3)])
    assert (len(found.changes), found.changes_more) == (CHANGES, 3)


def test_the_order_of_the_items_given_does_not_matter() -> None:
    items = worker_items() + [replace(i, alert_id=i.alert_id + 100) for i in overdue(9)]
    shuffled = random.Random(1).sample(items, len(items))
    assert digest(items) == digest(shuffled)


def test_the_subject_counts_and_dates_and_the_preview_only_counts() -> None:
    found = digest(worker_items())
    assert found.subject == "1 overdue, 2 due by Friday · your children · Thu 26 Nov"
    assert found.preview == "1 overdue, 2 due by Friday, 1 coming up, 1 unknown"


@pytest.mark.parametrize(
    ("due", "words"),
    [
        (TODAY, "1 due today"),
        (date(2026, 11, 27), "1 due by Friday"),
        (date(2026, 11, 29), "1 due by Sunday"),
        (date(2026, 11, 30), "1 coming up"),
    ],
)
def test_due_by_which_day(due: date, words: str) -> None:
    stage = "due" if due == TODAY else "upcoming"
    assert digest([item(1, replace(REVIEW_TOMORROW, due=due, stage=stage))]).preview == words  # type: ignore[arg-type]


def test_new_and_cleared_are_counted() -> None:
    met = [ClearedItem(replace(REVIEW_TOMORROW, child=f"4{n}", stage="met"), REVIEW, "met") for n in range(4)]
    found = digest(worker_items(), cleared=met)
    assert (found.new, found.cleared) == (2, 4)


def test_a_worker_sees_the_most_urgent_sixty_and_how_many_more_there_are() -> None:
    found = digest([*overdue(WORKER_LINES + 3), item(900, REVIEW_TOMORROW), item(901, NO_START)])
    assert [(s.heading, len(s.lines), s.more) for s in found.sections] == [("Your children", WORKER_LINES, 5)]
    assert found.sections[0].lines[0].reference == "ref C000", "the longest overdue comes first"
    assert found.subject.startswith("63 overdue, 1 due by Friday"), "the subject counts what is not shown too"


def test_a_manager_sees_the_longest_overdue_forty_and_who_holds_them() -> None:
    found = digest(overdue(MANAGER_LINES + 5, role="team_manager", how="team manager of T1"))
    section = found.sections[0]
    assert (section.heading, len(section.lines), section.more, section.brief) == ("Passed up to you", 40, 5, True)
    assert section.lines[0].reference == "ref C000"
    assert section.families[0].children[0].held_by == "Ade Worker"
    assert found.subject == "45 overdue · passed up to you · Thu 26 Nov"


def test_whatever_is_new_is_named_however_much_there_is_and_what_is_only_counted_is_not() -> None:
    old = overdue(MANAGER_LINES + 5, role="team_manager", how="team manager of T1")
    due = replace(OVERDUE_VISIT, stage="due", due=TODAY)
    new = [item(500 + n, replace(due, child=f"N{n}"), role="team_manager", is_new=True) for n in range(3)]
    found = digest([*old, *new])
    (section,) = found.sections
    assert (len(section.lines), section.more) == (MANAGER_LINES, 5)
    assert [one.reference for one in section.rest] == ["ref N0", "ref N1", "ref N2"]
    assert found.named == {i.alert_id for i in [*old[:MANAGER_LINES], *new]}
    mail = render_digest(found)
    assert all(f"ref N{n} · Child protection visit: " in mail.text for n in range(3))
    assert "New as well, in short:" in mail.html


def test_what_is_new_as_one_of_two_roles_is_new_and_so_is_named() -> None:
    """Somebody who stands in for the next step up is told again as that, however long their list is."""
    old = overdue(MANAGER_LINES + 5, role="service_manager", how="service manager of S1")
    last = replace(old[-1], role="head_of_service", is_new=True, change="escalated", late=True)
    found = digest([*old, last])
    assert last.alert_id in found.named
    assert found.sections[0].rest == (Change("ref C044", "Child protection visit", "due Wed 25 Nov, yesterday"),)
    assert [c.what for c in found.changes] == ["passed up to you"]


def test_the_load_is_a_row_a_worker_most_overdue_first() -> None:
    held = [(Holding("P1", "T1"), "upcoming"), (Holding("P2"), "overdue"), (Holding("P1"), "unknown")]
    found = digest([], load=[*held, (Holding(None, "T1"), "due"), (Holding(), "due"), (Holding("P9"), "due")])
    assert found.load == (
        LoadRow("Bo Worker", 1, 0, 0, 0),
        LoadRow("North team, no worker", 0, 1, 0, 0),
        LoadRow("P9", 0, 1, 0, 0),
        LoadRow("nobody allocated", 0, 1, 0, 0),
        LoadRow("Ade Worker", 0, 0, 1, 1),
    )


def test_a_long_load_table_is_cut_and_says_so() -> None:
    found = digest([], load=[(Holding(f"W{n:02}"), "due") for n in range(15)])
    assert (len(found.load), found.load_more) == (12, 3)


def test_an_alert_told_in_two_roles_stands_once_as_ones_own_to_do() -> None:
    """The manager who deputises for the worker gets the line with the counting, not two lines."""
    found = digest([item(1, OVERDUE_VISIT, role="team_manager", how="b"), item(1, OVERDUE_VISIT, how="a")])
    assert [(s.heading, len(s.lines)) for s in found.sections] == [("Your children", 1)]
    assert found.why_you == ("a (1)",)


def test_the_data_owner_sees_causes_with_counts_rules_and_examples() -> None:
    windows = [replace(unmeasured("window", f"e.csv:{n}", "outside"), child=str(n)) for n in range(7)]
    items = [item(n, f, role="data_owner", how="data owner") for n, f in enumerate([*windows, unmeasured("setting")])]
    found = digest(items)
    assert found.sections == ()
    assert [(c.heading, c.count, c.rules) for c in found.causes] == [
        ("Outside what the feed covers", 7, (("Child protection visit", 7),)),
        ("A setting has no value", 1, (("Child protection visit", 1),)),
    ]
    assert found.causes[0].examples == tuple(f"e.csv:{n}: outside" for n in range(5))
    assert found.subject == "8 cannot be measured · the feed · Thu 26 Nov"


def test_rules_that_wait_for_a_feed_are_counted_by_what_is_missing_not_listed_one_by_one() -> None:
    lacks = ["core_group", "core_group", "need.closed"]
    waiting = [replace(unmeasured("feed"), occurrence=what) for what in lacks]
    found = digest([item(n, f, role="data_owner", how="data owner") for n, f in enumerate(waiting)])
    (cause,) = found.causes
    assert cause.rules == (("Core group meeting", 2), ("Need identified in an assessment: closed", 1))
    assert cause.examples == ()


def test_a_load_above_what_one_mail_shows_is_said_to_the_manager() -> None:
    found = digest([], load=[(Holding("P1"), "due")] * (WORKER_LINES + 1) + [(Holding("P2"), "due")] * WORKER_LINES)
    assert found.over == ("Ade Worker has 61 open alerts, more than the 60 that one mail shows",)
    assert "Ade Worker has 61 open alerts" in render_digest(found).text


def test_nothing_open_still_makes_a_subject() -> None:
    assert digest([]).subject == "nothing open · the feed · Thu 26 Nov"


def test_what_one_asked_to_hear_of_stands_apart_and_never_twice() -> None:
    """An alert told as their own is not repeated because they subscribe to it."""
    asked = item(1, OVERDUE_VISIT, role="subscriber", how="you subscribe to cp.*")
    assert [s.heading for s in digest([asked]).sections] == ["You subscribe to"]
    assert digest([asked]).subject == "1 overdue · you subscribe to · Thu 26 Nov"
    both = digest([asked, item(1, OVERDUE_VISIT)])
    assert [(s.heading, len(s.lines)) for s in both.sections] == [("Your children", 1)]


def test_what_somebody_said_of_an_alert_is_always_visible() -> None:
    said = replace(item(1, OVERDUE_VISIT), handled=("Ade Worker: done, not yet recorded. Holds until Tue 1 Dec.",))
    assert "Ade Worker: done, not yet recorded. Holds until Tue 1 Dec." in render_digest(digest([said])).text


def line_of(item_: DigestItem) -> dict[str, object]:
    return asdict(digest([item_]).sections[0].lines[0])


def test_a_line_says_recorded_and_never_that_it_was_not_done() -> None:
    line = line_of(item(1, OVERDUE_VISIT))
    assert line["when"] == "due Tue 24 Nov, 2 working days ago"
    assert line["state"] == "No child protection visit that clears this is recorded since Tue 10 Nov."


def test_what_was_missed_while_nobody_looked_is_marked_late_with_the_day_it_began() -> None:
    missed = replace(OVERDUE_VISIT, since=datetime(2026, 11, 20, tzinfo=UTC))
    assert line_of(replace(item(1, missed), late=True))["told_late"] == "told late: unchanged since Fri 20 Nov"
    assert line_of(item(1, missed))["told_late"] == ""
    mail = render_digest(digest([replace(item(1, missed), late=True)]))
    assert "told late: unchanged since Fri 20 Nov" in mail.text
    assert "told late: unchanged since Fri 20 Nov" in mail.html


def test_a_limit_not_read_in_the_law_is_called_local() -> None:
    assert "a local standard" in str(line_of(item(1, OVERDUE_VISIT))["why"])
    assert line_of(item(1, REVIEW_TOMORROW))["why"] == "20 working days from Fri 30 Oct (SI 2010/959 reg 33(1))."


def test_an_earlier_local_limit_leaves_the_laws_date_in_sight() -> None:
    earlier = replace(REVIEW_TOMORROW, binding="local", local=date(2026, 11, 27), statutory=date(2026, 12, 4))
    assert "a local standard; the law allows until Fri 4 Dec (SI" in str(line_of(item(1, earlier))["why"])


def test_a_date_of_birth_never_shows() -> None:
    """A clock that counts from a birthday shows neither that day nor a window that begins on it."""
    born = date(2026, 9, 3)
    by_age = replace(
        REVIEW_TOMORROW, rule="leaver.pathway.first", start=born, limit="3 months", due=date(2026, 12, 3)
    )  # fmt: skip
    window = replace(
        by_age, stage="unknown", due=None, cannot_tell=CannotTell("window", "x", "a.csv:1", f"this needs {born}")
    )
    for finding in (by_age, window):
        text = str(line_of(item(1, finding)))
        assert "3 Sep" not in text and "2026-09-03" not in text
    assert "2026-09-03" not in str(digest([item(1, window, role="data_owner")]).causes)


def test_times_are_told_in_london() -> None:
    """Noon UTC in July is one o'clock in London."""
    by_hour = replace(REVIEW_TOMORROW, due=datetime(2026, 7, 1, 12, 0, tzinfo=UTC), stage="overdue")
    assert str(line_of(item(1, by_hour))["when"]).startswith("due Wed 1 Jul 13:00, 1")


def test_a_date_of_another_year_shows_its_year() -> None:
    far = replace(REVIEW_TOMORROW, due=date(2027, 1, 4))
    assert line_of(item(1, far))["when"] == "by Mon 4 Jan 2027, 24 working days left"


def test_the_urgent_subject_has_title_reference_and_date() -> None:
    urgent = compose_urgent(item(1, OVERDUE_VISIT), today=TODAY, calendar=CALENDAR)
    assert urgent.subject == "Overdue: Child protection visit · ref 48213 · due 24 Nov"
    due = compose_urgent(item(1, replace(OVERDUE_VISIT, stage="due", due=TODAY)), today=TODAY, calendar=CALENDAR)
    assert due.subject == "Due today: Child protection visit · ref 48213 · due 26 Nov"


@pytest.mark.parametrize(
    ("now", "last", "waiting", "overdue", "sent"),
    [
        ("2026-11-26T07:30+00:00", None, 1, 0, True),
        ("2026-11-26T07:29+00:00", None, 1, 0, False),
        ("2026-07-01T06:30+00:00", None, 1, 0, True),  # 07:30 in London
        ("2026-11-26T23:30+00:00", None, 1, 0, True),  # down all day: still today's
        ("2026-11-26T12:00+00:00", date(2026, 11, 26), 9, 9, False),
        ("2026-11-26T12:00+00:00", date(2026, 11, 25), 9, 9, True),
        ("2026-11-28T12:00+00:00", None, 1, 1, False),  # Saturday
        ("2026-12-25T12:00+00:00", None, 1, 1, False),  # Christmas Day
        ("2026-11-26T12:00+00:00", None, 0, 5, False),  # Thursday, nothing new
        ("2026-11-23T12:00+00:00", None, 0, 5, True),  # Monday, still overdue
        ("2026-11-23T12:00+00:00", None, 0, 0, False),
        ("2026-12-29T12:00+00:00", None, 0, 1, True),  # Tuesday after the substitute for Boxing Day
        ("2026-12-30T12:00+00:00", None, 0, 1, False),
    ],
)
def test_when_a_digest_is_due(now: str, last: date | None, waiting: int, overdue: int, sent: bool) -> None:
    moment = datetime.fromisoformat(now)
    found, reason = digest_is_due(
        moment, at=time(7, 30), calendar=CALENDAR, last=last, waiting=waiting, overdue=overdue
    )
    assert found is sent
    assert reason


def test_a_teams_own_day_off_has_no_digest_and_does_not_begin_its_week() -> None:
    monday, tuesday = datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 24, 9, tzinfo=UTC)
    due = partial(digest_is_due, at=time(8), calendar=CALENDAR, last=None, closed={date(2026, 11, 23)})
    assert due(monday, waiting=3, overdue=1) == (False, "no digest on a day off of the team")
    assert due(tuesday, waiting=0, overdue=1)[0]
