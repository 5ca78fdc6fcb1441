"""The API: what a program sees is what the person sees in whose name it asks, and what it is answered instead."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.access import sessions
from alertd.audit.chain import verify
from alertd.db.access_tables import AuditEntry
from alertd.db.tables import Handling
from alertd.engine import sweep as sweeping
from alertd.views import alert_list
from alertd.web.app import app
from tests.support.council import Inline
from tests.support.everybody import CANARY, HIDDEN, OTHER, OWN, Everybody, everybody_at
from tests.support.pages import Browser

pytest_plugins = ["tests.support.databases"]


class Programs:
    """Programs with tokens, each in the name of somebody."""

    def __init__(self, town: Everybody) -> None:
        self.town, self.browser = town, Browser(app(town.house))
        self._tokens: dict[str, str] = {}

    def ask(
        self, who: str, method: str, path: str, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        secret = self._tokens.setdefault(who, self.town.secret(who, "token"))
        headers = {"authorization": f"Bearer {secret}", **(headers or {})}
        return self.browser.ask(method, f"/api/v1{path}", headers=headers, **more)

    def get(self, who: str, path: str, **headers: str) -> httpx.Response:
        return self.ask(who, "GET", path, {name.replace("_", "-"): value for name, value in headers.items()})

    def say(self, who: str, alert: int, **saying: Any) -> httpx.Response:
        return self.ask(who, "POST", f"/alerts/{alert}/handlings", json=saying)

    def rows(self, table: type) -> list[Any]:
        with Session(self.town.house.engine) as session:
            return list(session.scalars(select(table).order_by(table.id)))  # type: ignore[attr-defined]


def town_at(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Programs]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    town = everybody_at(tmp_path, url)
    yield Programs(town)
    town.house.engine.dispose()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Programs]:
    yield from town_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}", monkeypatch)


@pytest.fixture
def programs_anywhere(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Programs]:
    yield from town_at(tmp_path, database_url, monkeypatch)


def problem(answer: httpx.Response, status: int) -> str:
    """What an answer says is wrong, once it is one as RFC 9457 has them."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["type"], body["status"]) == ("about:blank", status) and body["title"]
    return str(body["detail"])


def test_a_program_reads_the_work_the_alert_and_the_child_that_its_person_has(programs_anywhere: Programs) -> None:
    programs = programs_anywhere
    assert programs.get("W1", "/me").json()["id"] == "W1"
    work = programs.get("W1", "/work").json()
    assert [child["child"] for child in work["children"]] == [OWN]
    assert {row["rule"] for row in work["children"][0]["rows"]} == {"notify.n5", "cla.review.first"}
    one = programs.get("W1", f"/alerts/{programs.town.alerts[OWN]}").json()
    assert one["seen_as"] == "allocated worker" and one["alert"]["said"][0]["reason"] == f"{CANARY[OWN]} was there"
    of_child = programs.get("W1", f"/children/{OWN}/alerts").json()
    assert {row["rule"] for row in of_child["open"]} == {"cla.review.first", "notify.n5"}
    assert "Ade" in {told["name"] for told in programs.get("W1", f"/children/{OWN}/told").json()["told"]}
    entries = programs.get("W1", f"/children/{OWN}/chronology").json()["entries"]
    assert [entry["day"] for entry in entries][:1] == ["2015-03-02"] and "2026-10-30" in [e["day"] for e in entries]
    of_health = programs.get("W1", f"/children/{OWN}/chronology?group=health&group=needs").json()["entries"]
    assert [(entry["group"], entry["records"]) for entry in of_health] == [("needs", ["need:N1"])]
    [followed] = programs.get("W1", f"/children/{OWN}/record").json()["record"]["followed"]
    assert followed["need"]["open"] and CANARY[OWN] in followed["need"]["what"]
    assert [team["team"] for team in programs.get("M1", "/teams").json()["teams"]] == ["T1"]
    board = programs.get("M1", "/teams/T1").json()
    assert {row["person"]: row["children"] for row in board["people"]}["W1"] == 1
    behind = programs.get("M1", "/teams/T1/alerts?person=W1").json()["children"]
    assert [child["child"] for child in behind] == [OWN]


def test_a_child_of_whom_somebody_must_not_hear_is_in_no_figure_of_theirs(programs: Programs) -> None:
    def figures(who: str, path: str) -> dict[str, int]:
        return {one["team"]: sum(one["counts"].values()) for one in programs.get(who, path).json()["teams"]}

    of_two, of_four = figures("M1", "/teams"), {"SV": 4, "T1": 2, "T2": 2}
    assert of_two == {"T1": 2} and sum(programs.get("M1", "/teams/T1").json()["counts"].values()) == 2
    assert figures("H1", "/teams") == of_four
    assert figures("H1", "/teams/SV") == {team: n for team, n in of_four.items() if team != "SV"}
    assert figures("iro_manager", "/teams") == of_four


def test_whoever_looks_after_alertd_reads_how_it_fares_and_nobody_else(programs: Programs) -> None:
    found = programs.get("administrator", "/health").json()
    assert found["at"] and found["feeds"] and {one["name"] for one in found["counted"]} >= {"Messages", "Open alerts"}
    assert problem(programs.get("W1", "/health"), 403)


def test_what_is_not_theirs_and_what_is_not_there_are_one_answer(programs_anywhere: Programs) -> None:
    programs, alerts = programs_anywhere, programs_anywhere.town.alerts
    asked = [
        f"/alerts/{alerts[OTHER]}", f"/alerts/{alerts[HIDDEN]}", "/alerts/999999", "/alerts/x", f"/alerts/{'9' * 40}",
        f"/children/{OTHER}/alerts", f"/children/{HIDDEN}/told", "/children/NONE/record", "/children/%00/chronology",
        f"/children/{'x' * 300}/told",
    ]  # fmt: skip
    said = {problem(programs.get("W1", path), 403) for path in asked}
    assert len(said) == 1
    assert problem(programs.say("W1", alerts[OTHER], kind="claim", reason="x"), 403) in said
    refused = [(row.by, row.child) for row in programs.rows(AuditEntry) if row.what == "refused"]
    assert {child for _, child in refused} == {OTHER, HIDDEN, "NONE"}
    assert problem(programs.get("W1", "/teams"), 403) == "Managers see boards of teams"


def test_alerts_are_paged_by_number_and_only_those_of_children_that_may_be_seen(programs_anywhere: Programs) -> None:
    programs = programs_anywhere

    def all_of(who: str, query: str = "limit=1") -> list[tuple[int, str]]:
        found, path, pages = [], f"/alerts?{query}", 0
        while path:
            answer = programs.get(who, path)
            body = answer.json()
            found += [(row["id"], row["child"]) for row in body["alerts"]]
            path, pages = (body["next"] or "").removeprefix("/api/v1"), pages + 1
            link = answer.headers.get("link", "")
            assert link == (f'<{body["next"]}>; rel="next"' if body["next"] else "")
            assert pages < 20
        return found

    assert {child for _, child in all_of("W1")} == {OWN} and len(all_of("W1")) == 2
    assert {child for _, child in all_of("W2")} == {HIDDEN}
    assert {child for _, child in all_of("M1")} == {OWN}
    assert {child for _, child in all_of("M2")} == {OTHER}
    assert {child for _, child in all_of("H1")} == {child for _, child in all_of("iro_manager")} == {OWN, OTHER}
    assert all_of("administrator") == all_of("commissioner") == []
    ids = [id_ for id_, _ in all_of("H1")]
    assert ids == sorted(set(ids)) and len(ids) == 4
    assert {child for _, child in all_of("H1", "team=T2")} == {OTHER} and len(all_of("H1", "team=SV")) == 4
    assert all_of("H1", "team=none") == all_of("H1", "child=NONE") == []
    assert {child for _, child in all_of("H1", "state=closed")} == {OWN, OTHER}
    assert len(all_of("H1", "rule=cla.review.first")) == 2 == len(all_of("H1", f"child={OWN}"))
    assert all_of("H1", "stage=upcoming") == []
    assert len(all_of("H1", "state=all&since=2026-11-27T00:00:00Z")) == 4
    assert all_of("H1", "since=2026-11-28T00:00:00Z") == []
    assert all_of("W1", f"child={OTHER}") == all_of("W1", f"child={HIDDEN}") == []
    assert [r.child for r in programs.rows(AuditEntry) if r.by == "W1" and r.what == "refused"] == [OTHER, HIDDEN]


def test_a_page_of_alerts_looks_at_so_many_and_the_next_goes_on(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_list, "LOOKS_AT", 2)
    monkeypatch.setattr(alert_list, "AT_ONCE", 2)
    found, path, short = [], "/alerts", 0
    while path:
        body = programs.get("iro_manager", path).json()
        found += [row["child"] for row in body["alerts"]]
        short += len(body["alerts"]) < 2
        path = (body["next"] or "").removeprefix("/api/v1")
    assert sorted(found) == [OTHER, OTHER, OWN, OWN] and short


def test_what_is_said_by_a_program_is_said_in_its_persons_name_and_refused_as_on_the_page(
    programs_anywhere: Programs,
) -> None:
    programs, alert = programs_anywhere, programs_anywhere.town.alerts[OWN]
    disputed = programs.say("W1", alert, kind="dispute", reason="  the date is wrong ")
    assert disputed.status_code == 201
    [row] = [one for one in programs.rows(Handling) if one.id == disputed.json()["handling"]]
    assert (row.alert_id, row.kind, row.by, row.reason) == (alert, "dispute", "W1", "the date is wrong")
    assert "disputes it already" in problem(programs.say("W1", alert, kind="dispute", reason="again"), 409)
    later = programs.say("M1", alert, kind="accept", reason="x", until="9999-12-31")
    assert "At most 6 weeks ahead" in problem(later, 409)
    over = programs.say("M1", alert, kind="hand_over", reason="a new team", to="W2")
    assert over.status_code == 201
    assert OWN in programs.get("W2", "/work").text
    with Session(programs.town.house.engine) as session:
        assert verify(session).broken == ""
    assert ("W1", "said of alert", OWN) in [(r.by, r.what, r.child) for r in programs.rows(AuditEntry)]


UNUSABLE = {
    b"{": "body/1",
    b'{"kind": "claim"}': "body/reason",
    b'{"kind": "claim", "reason": "  "}': "body/reason",
    b'{"kind": "claim", "reason": "a\\u0000b"}': "body/reason",
    b'{"kind": "close", "reason": "Zebedee"}': "body/kind",
    b'{"kind": "accept", "reason": "x"}': "body",
    b'{"kind": "hand_over", "reason": "x"}': "body",
    b'{"kind": "claim", "reason": "x", "by": "M1"}': "body/by",
}
NO_QUESTION = (
    "limit=0", "limit=201", "after=-1", "since=yesterday", "since=2026-11-27T00:00:00", "stage=late", "team=%00",
    "since=0001-01-01T00:00:00%2B14:00", "child=" + "x" * 201,
)  # fmt: skip


def test_what_cannot_be_used_is_named_by_its_place_and_not_said_back(programs: Programs) -> None:
    before = len(programs.rows(Handling))
    path = f"/alerts/{programs.town.alerts[OWN]}/handlings"
    for body, at in UNUSABLE.items():
        answer = programs.ask("W1", "POST", path, {"content-type": "application/json"}, content=body)
        assert problem(answer, 422) and [one["at"] for one in answer.json()["errors"]] == [at], body
        assert "Zebedee" not in answer.text
    no_text = programs.ask("W1", "POST", path, {"content-type": "application/json"}, content=b"\xfa")
    assert problem(no_text, 400) == "There was an error parsing the body"
    assert len(programs.rows(Handling)) == before
    for query in NO_QUESTION:
        assert problem(programs.get("W1", f"/alerts?{query}"), 422), query


def test_what_has_not_changed_is_not_sent_again_and_what_has_is(programs: Programs) -> None:
    path = f"/alerts/{programs.town.alerts[OWN]}"
    first = programs.get("W1", path)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    same = programs.get("W1", path, if_none_match=f'"other", W/{tag}')
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    looks = [row for row in programs.rows(AuditEntry) if row.what == "saw alert"]
    assert len(looks) == 2, "it was looked at twice"
    assert programs.say("W1", programs.town.alerts[OWN], kind="dispute", reason="x").status_code == 201
    assert programs.get("W1", path, if_none_match=tag).status_code == 200


def test_nobody_comes_in_but_by_a_token_that_stands(programs: Programs) -> None:
    town, house = programs.town, programs.town.house
    for headers in (
        {"authorization": "Bearer nobody"},
        {"authorization": f"Bearer {town.secret('W1', 'link')}"},  # a browser's session has an end, a token none
        {"authorization": f"Bearer {town.secret('gone', 'token')}"},
        {"authorization": f"Basic {town.secret('W1', 'token')}"},
    ):
        answer = programs.browser.ask("GET", "/api/v1/me", headers=headers)
        assert problem(answer, 401) and answer.headers["www-authenticate"] == "Bearer"
    token = town.secret("W1", "token")
    programs.browser.cookies.set("alertd", token)
    assert programs.browser.ask("GET", "/work").status_code == 303, "a token is no cookie"
    assert programs.browser.ask("GET", "/api/v1/me").status_code == 401
    programs.browser.cookies.clear()
    with Session(house.engine) as session, session.begin():
        assert sessions.revoke(session, sessions.tokens(session)[-1].id, town.council.now) == "W1"
    answer = programs.browser.ask("GET", "/api/v1/me", headers={"authorization": f"Bearer {token}"})
    assert problem(answer, 401)


def test_a_cookie_reads_and_never_writes(programs: Programs) -> None:
    programs.browser.cookies.set("alertd", programs.town.secret("W1"))
    assert programs.browser.ask("GET", "/api/v1/me").json()["id"] == "W1"
    before = len(programs.rows(Handling))
    path = f"/api/v1/alerts/{programs.town.alerts[OWN]}/handlings"
    assert problem(programs.browser.ask("POST", path, json={"kind": "dispute", "reason": "x"}), 401)
    assert len(programs.rows(Handling)) == before


def test_a_program_that_asks_without_pause_is_told_to_wait(programs: Programs) -> None:
    answers = [programs.get("W1", "/me") for _ in range(241)]
    assert {answer.status_code for answer in answers[:-1]} == {200}
    assert problem(answers[-1], 429) and answers[-1].headers["retry-after"] == "60"
    assert programs.get("W2", "/me").status_code == 200


def test_what_is_not_served_and_what_is_too_long_are_problems_too(programs: Programs) -> None:
    assert problem(programs.get("W1", "/nothing"), 404) and problem(programs.get("W1", "/me/"), 404)
    wrong = programs.ask("W1", "DELETE", "/me")
    assert problem(wrong, 405) and wrong.headers["allow"] == "GET"
    path = f"/alerts/{programs.town.alerts[OWN]}/handlings"
    assert problem(programs.ask("W1", "POST", path, content=b"x" * 20_001), 413)
    answer = programs.get("W1", "/me")
    for name in ("content-security-policy", "x-content-type-options", "referrer-policy", "vary"):
        assert answer.headers[name] and wrong.headers[name]


def test_a_fault_is_said_without_its_traceback_and_is_in_the_log(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alertd.audit import chain

    def full(*_: object, **__: object) -> None:
        raise OSError("the disk under /srv/alertd is full")

    monkeypatch.setattr(chain, "record", full)
    with structlog.testing.capture_logs() as logged:
        answer = programs.get("W1", f"/children/{OWN}/alerts")
    said = problem(answer, 500)
    assert OWN not in answer.text and "disk" not in answer.text
    [line] = [one for one in logged if one["event"] == "api_failed"]
    assert line["id"] in said and line["fault"] == "OSError" and line["path"] == "/children/{child}/alerts"


def test_the_description_names_every_call_and_loads_nothing_from_elsewhere(programs: Programs) -> None:
    found = programs.browser.ask("GET", "/api/v1/openapi.json").json()
    assert found["servers"] == [{"url": "/api/v1"}]
    told = {(method, path) for path, methods in found["paths"].items() for method in methods}
    assert {("get", "/work"), ("post", "/alerts/{alert}/handlings"), ("get", "/children/{child}/record")} <= told
    ids = [call["operationId"] for methods in found["paths"].values() for call in methods.values()]
    assert len(ids) == len(set(ids)) and {"my_work", "say"} <= set(ids)
    for path, methods in found["paths"].items():
        for call in methods.values():
            assert call["security"] == [{"token": []}] and call["x-who"] and call["description"], path
            assert call["responses"].keys() >= {"401", "403", "422", "429"}
            assert "application/problem+json" in call["responses"]["403"]["content"]
    assert "HTTPValidationError" not in json.dumps(found), "what is wrong is always a problem of RFC 9457"
    for path in ("/api/v1/docs", "/api/v1/redoc", "/docs"):
        assert programs.browser.ask("GET", path).status_code == 404
