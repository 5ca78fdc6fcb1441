"""Who may have what: every route of the application, by its policy, for everybody, about a child of theirs, one of
others, and one of whom they must not hear.

What is expected is written down here by role and policy, apart from the code that decides it. A route without a
policy, a role or a policy that nobody has thought about, or a part of a path that nothing stands for, fails.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.routing import BaseRoute, Mount, Route

from alertd.access import sessions
from alertd.access.viewer import viewer_of
from alertd.alerts.handling import Office
from alertd.audit.chain import verify
from alertd.db.access_tables import EmergencyAccess
from alertd.db.partner_tables import NotificationEvent
from alertd.db.tables import Handling, Link
from alertd.engine import sweep as sweeping
from alertd.people.directory import ROLES
from alertd.views.cases import Cases
from alertd.web.api.calls import PREFIX
from alertd.web.api.resources import CALLS
from alertd.web.app import PAGES, app
from alertd.web.policy import Judge, Policy
from tests.support.council import Inline
from tests.support.everybody import CANARY, CHILDREN, DESK, HIDDEN, OTHER, OWN, URL, Everybody, everybody_at

pytest_plugins = ["tests.support.databases"]

NOT_FOR_POLICIES = {
    "/health": "says that it serves, and nothing else",
    "/ready": "says that the database answers, and nothing else",
    "/static": "the same files for everybody",
    "/acknowledge/{secret}": "the secret of a mail is the right to it",
    "/calendar/{secret}.ics": "the secret of a calendar is the right to it",
    "/callback/govuk-notify/{channel}": "the channel's own token is the right to it",
    f"{PREFIX}/openapi.json": "the description of the API, in which nobody is named",
}
"""Every route that no policy stands before, and why. Nothing else may be served so."""


@dataclass(frozen=True)
class May:
    """What somebody of a role may have. ``sees`` are the children whose records, ``breaks`` those for whom they may
    break the glass, ``teams`` those whose boards; ``runs`` says whether they see how alertd itself fares."""

    sees: frozenset[str] = frozenset()
    breaks: frozenset[str] = frozenset({OWN, OTHER})
    teams: frozenset[str] = frozenset()
    runs: bool = False
    staff: bool = True
    agency: bool = False


EVERY_TEAM = frozenset({"SV", "T1", "T2"})
BOTH = frozenset({OWN, OTHER})
PLAIN = May()
LOOKS_AT_ALL = May(sees=BOTH, teams=EVERY_TEAM, runs=True)
BY_ROLE: Mapping[str, May] = {
    "worker": May(sees=frozenset({OWN})),
    "team_manager": May(sees=frozenset({OWN}), teams=frozenset({"T1"})),
    "service_manager": May(sees=BOTH, teams=EVERY_TEAM),
    "head_of_service": LOOKS_AT_ALL,
    "director": LOOKS_AT_ALL,
    "iro": LOOKS_AT_ALL,
    "iro_manager": LOOKS_AT_ALL,
    "cp_chair": LOOKS_AT_ALL,
    "principal_social_worker": LOOKS_AT_ALL,
    "quality_assurance": LOOKS_AT_ALL,
    "virtual_head": LOOKS_AT_ALL,
    "missing_lead": LOOKS_AT_ALL,
    "administrator": May(breaks=frozenset(), runs=True),
    "data_owner": May(runs=True),
    **dict.fromkeys(
        ("agency", "case_lawyer", "commissioner", "complaints_officer", "designated_doctor", "designated_nurse", "duty",
         "information_governance", "monitoring_officer", "partner_lead", "placements", "supervisor"),
        PLAIN,
    ),
}  # fmt: skip
"""By role, for somebody who has it and no other: the worker of T1, the manager of T1, all others of the service."""

OTHERS: Mapping[str, tuple[str, May]] = {
    "worker of another team": ("W3", May(sees=frozenset({OTHER}))),
    "worker of the restricted child": ("W2", May(sees=frozenset({HIDDEN}), breaks=frozenset(CHILDREN))),
    "manager of another team": ("M2", May(sees=frozenset({OTHER}), teams=frozenset({"T2"}))),
    "contact of an agency": (DESK, May(breaks=frozenset(), staff=False, agency=True)),
}

ALLOWS: Mapping[Policy, Callable[[May, str], bool]] = {
    Policy.public: lambda _may, _child: True,
    Policy.signed_in: lambda _may, _child: True,
    Policy.staff: lambda may, _child: may.staff,
    Policy.child: lambda may, child: child in may.sees,
    Policy.alert: lambda may, child: child in may.sees,
    Policy.emergency: lambda may, child: child in may.breaks,
    Policy.team: lambda may, child: CHILDREN[child][1] in may.teams,
    Policy.teams: lambda may, _child: bool(may.teams),
    Policy.system: lambda may, _child: may.runs,
    Policy.partner: lambda may, _child: may.agency,
}
"""What each policy means, of somebody who may so much, about a child or its team."""

WALKED = (
    "worker", "team_manager", "head_of_service", "iro", "administrator", "data_owner",
    "worker of the restricted child", "manager of another team", "contact of an agency",
)  # fmt: skip
"""Those for whom every route is asked over HTTP; for the others the judge is asked, who answers for every route."""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweeping, "ProcessPoolExecutor", Inline)
        folder: Path = tmp_path_factory.mktemp("town")
        found = everybody_at(folder, f"sqlite:///{folder / 'alertd.db'}")
        yield found
        found.house.engine.dispose()


def subject_of(role: str, town: Everybody) -> str:
    """Somebody who has the role and no other: of workers and managers, of team T1."""
    at = {"worker": "T1", "team_manager": "T1"}
    people = town.house.staff.directory.people.values()
    return min(p.id for p in people if p.role == role and p.team == at.get(role, "SV"))


def everybody(town: Everybody) -> dict[str, tuple[str, May]]:
    return {**{role: (subject_of(role, town), may) for role, may in BY_ROLE.items()}, **OTHERS}


class Served(NamedTuple):
    """A route as it is served: where, by which method, and the policy before it (None: none is)."""

    path: str
    method: str
    policy: Policy | None


def served(routes: list[BaseRoute], prefix: str = "") -> Iterator[Served]:
    """Every route there is, below mounts too; what is none of these is found by the test that knows all."""
    policies = {(page.path, method): page.policy for page in PAGES for method in page.methods}
    policies |= {(f"{PREFIX}{call.path}", call.method): call.policy for call in CALLS}
    for route in routes:
        path = f"{prefix}{getattr(route, 'path', repr(route))}"
        if isinstance(route, Mount) and path not in NOT_FOR_POLICIES:
            yield from served(list(route.routes), path)
        elif isinstance(route, Route):
            for method in sorted((route.methods or {"ANY"}) - {"HEAD"}):
                yield Served(path, method, policies.get((path, method)))
        else:
            yield Served(path, "ANY", None)


def guarded(town: Everybody) -> list[Served]:
    return [one for one in served(app(town.house).routes) if one.path not in NOT_FOR_POLICIES]


def test_every_route_has_one_policy_and_nothing_is_served_beside(town: Everybody) -> None:
    found = list(served(app(town.house).routes))
    without = [one for one in found if one.policy is None and one.path not in NOT_FOR_POLICIES]
    assert not without, "name a policy for each, or say in NOT_FOR_POLICIES why it needs none"
    twice = [key for key, n in Counter((one.path, one.method) for one in found).items() if n > 1]
    assert not twice, "of two routes of one address the second is never asked"
    assert {one.path for one in found} >= {page.path for page in PAGES} | {f"{PREFIX}{call.path}" for call in CALLS}
    shadowed = [one for one in found if one.policy and one.path in NOT_FOR_POLICIES]
    assert not shadowed, "what has a policy is guarded by it"


GUARDS: Mapping[str, set[Policy]] = {
    "child": {Policy.child, Policy.emergency},
    "alert": {Policy.alert},
    "team": {Policy.team},
    "delivery": {Policy.system},
    "secret": {Policy.public},
    "reference": {Policy.partner, Policy.alert},
    "what": {Policy.alert, Policy.system},
    "number": {Policy.staff},  # of a subscription: the page itself asks whose it is, and there is one of nobody's here
    "rule": {Policy.staff},  # the rulebook is everybody's; of children behind figures the page asks one by one
    "series": {Policy.staff},
    "chart": {Policy.staff},
}
"""The policies that look at what a part of a path names: under another one nobody would ask whose it is."""


def test_whatever_a_path_names_is_looked_at_by_its_policy(town: Everybody) -> None:
    for route in guarded(town):
        for part in re.findall(r"{(\w+)", route.path):
            assert part in GUARDS, f"say which policies look at {part} in {route.path}"
            assert route.policy in GUARDS[part], f"{route.path} names a {part}, of whom {route.policy} asks nothing"


def test_every_role_and_every_policy_was_thought_about() -> None:
    assert BY_ROLE.keys() == ROLES, "say in BY_ROLE what somebody of each role may have"
    assert ALLOWS.keys() == set(Policy), "say in ALLOWS what each policy means"


def test_the_judge_says_of_everybody_what_the_table_says(town: Everybody) -> None:
    house = town.house
    office = Office(house.staff.directory, house.calendar, house.clock())
    with Session(house.engine) as session:
        judge = Judge(session, office, Cases(house))
        for name, (subject, may) in everybody(town).items():
            viewer = viewer_of(subject, office.directory, office.today)
            assert viewer is not None, name
            for policy in Policy:
                for child, (_, team) in CHILDREN.items():
                    path = {"child": child, "alert": str(town.alerts[child]), "team": team}
                    found = judge.verdict(policy, viewer, path)
                    assert found.allowed == ALLOWS[policy](may, child), (name, policy, child, found.why)
                    assert found.why, "a right and a refusal have words"
                    assert judge.verdict(policy, None, path).allowed == (policy is Policy.public)


# Over HTTP.

WHAT = {
    "/alerts/{alert}/{what}": "claim",
    "/partners/{alert}/{reference}/{what}": "again",
    "/deliveries/{delivery}/{what}": "retry",
}
ANSWERS = {"GET": {200}, "POST": {200, 303, 400, 409, 422}}
ANSWERS_OTHERWISE: Mapping[tuple[str, str], set[int]] = {
    ("GET", "/"): {303},  # on to one's own first page
    ("GET", "/sign-in"): {303},  # those who are signed in already
    ("GET", "/sign-in/{secret}"): {404},  # no such link
    ("POST", "/sign-in/{secret}"): {404},
    ("POST", "/sign-in/single"): {404},  # nobody else vouches for people here
    ("GET", "/sign-in/single/back"): {404},
    ("GET", "/deliveries/{delivery}/{what}"): {404},  # it has arrived, so there is nothing to do about it
    ("POST", "/deliveries/{delivery}/{what}"): {404},
    ("GET", "/insight/{rule}/children"): {200, 403},  # what is shown rounded is not listed
    ("GET", f"{PREFIX}/insight/{{rule}}/children"): {200, 403},
    ("GET", f"{PREFIX}/exceptions"): {200, 403},  # asked of a team that is not theirs
    ("GET", f"{PREFIX}/insight"): {200, 403},
    ("GET", "/rules/{rule}/try"): {200, 403},  # of a child that is not theirs
    ("POST", "/subscriptions/{number}/end"): {404},  # it is not theirs
    ("POST", "/subscriptions/{number}/calendar"): {404},
}


QUERIES: Mapping[str, tuple[str, ...]] = {
    "/teams/{team}/alerts": ("person={worker}", "person={worker}&stage=due"),
    "/children/{child}/chronology": ("told=yes&order=newest",),
    "/insight": ("team={team}",),
    "/insight/{rule}": ("team={team}",),
    "/insight/{rule}/children": tuple(f"scope={who}&team={{team}}" for who in ("me", "team", "similar", "service")),
    "/rules/{rule}/try": ("child={child}",),
    "/exceptions": ("by=need", "by=owner", "by=owner&team={team}"),
    f"{PREFIX}/teams/{{team}}/alerts": ("person={worker}",),
    f"{PREFIX}/exceptions": ("by=need", "by=owner&team={team}"),
    f"{PREFIX}/insight": ("team={team}",),
    f"{PREFIX}/insight/{{rule}}/children": ("scope=team&team={team}", "scope=service", "scope=similar"),
    f"{PREFIX}/alerts": ("state=all", "team=SV", "child={child}", "team={team}&limit=1"),
}
"""What else a path is asked with, because without it there is less to leak."""

ONLY_LOOK: Mapping[str, frozenset[str]] = {
    "/partners/{alert}/{reference}/{what}": frozenset({"iro"}),
}
"""Who is let in by the policy and may look, and is refused to decide: that is for the child's worker and the line above
them."""


def addresses(path: str, town: Everybody) -> dict[str, str]:
    """Every address of a route, with the child it is about."""
    found = {}
    for child, (worker, team) in CHILDREN.items():
        bare = filled(path, child, town)
        found[bare] = child
        for query in QUERIES.get(path, ()):
            found[f"{bare}?{query.format(worker=worker, child=child, team=team)}"] = child
    return found


def filled(path: str, child: str, town: Everybody) -> str:
    """A path about a child. What stands for a part of it that is not here has to be said here."""
    of = {
        "child": child,
        "alert": str((town.notices if path.startswith("/partners/") else town.alerts)[child]),
        "team": CHILDREN[child][1],
        "reference": town.notified[child],
        "delivery": town.told[child],
        "secret": "nothing",
        "what": WHAT.get(path, ""),
        "number": "1",
        "rule": "cla.review.first",
        "series": "months",
        "chart": "shares",
    }
    parts = set(re.findall(r"{(\w+)}", path))
    assert parts <= of.keys() and all(of[part] for part in parts), f"say what stands for {parts} in {path}"
    return re.sub(r"{(\w+)}", lambda part: of[part[1]], path)


@dataclass
class Asker:
    """Somebody at the application, by the pages and by the API; nobody without ``subject``."""

    town: Everybody
    client: httpx.AsyncClient
    subject: str | None
    secret: str = ""
    token: str = ""

    def come_in(self) -> None:
        if self.subject:
            self.secret = self.town.secret(self.subject)
            self.token = self.token or self.town.secret(self.subject, "token")

    async def ask(self, route: Served, path: str, forged: bool = False) -> httpx.Response:
        self.town.council.now += timedelta(seconds=1)  # as few a minute as a person asks
        more: dict[str, Any] = {}
        if route.path.startswith(PREFIX):
            if self.token:
                more["headers"] = {"authorization": f"Bearer {self.token}"}
            if route.method == "POST":
                more["json"] = {}
        else:
            if self.secret:
                more["headers"] = {"cookie": f"alertd={self.secret}"}
            if route.method == "POST":
                more["data"] = {} if forged or not self.secret else {"csrf": sessions.csrf_of(self.secret)}
        answer = await self.client.request(route.method, path, **more)
        if route.path.startswith("/sign-out"):
            self.come_in()
        return answer


def walk(town: Everybody, subject: str | None, each: Callable[[Asker, Served, str, str], Any]) -> None:
    """Ask every route about every child that its path can name."""

    async def walked() -> None:
        transport = httpx.ASGITransport(app(town.house), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            asker = Asker(town, client, subject)
            asker.come_in()
            for route in guarded(town):
                for path, child in addresses(route.path, town).items():
                    await each(asker, route, path, child)

    asyncio.run(walked())


def to_sign_in(answer: httpx.Response) -> bool:
    return answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")


def leaks(text: str, may: May, path: str) -> list[str]:
    """What of the children that somebody may not see an answer says: what was written about them, or their reference
    where it was not asked by it."""
    hidden = [child for child in CHILDREN if child not in may.sees]
    said = [CANARY[child] for child in hidden if any(word in text for word in CANARY[child].split())]
    if not may.agency:  # an agency reads the reference of a child of whom it was told
        said += [child for child in hidden if child in text and child not in path]
    return said


@pytest.mark.parametrize("name", WALKED)
def test_every_route_answers_as_the_table_says_and_tells_of_no_child_that_may_not_be_seen(
    town: Everybody, name: str
) -> None:
    subject, may = everybody(town)[name]
    asked: Counter[bool] = Counter()
    wrong: list[str] = []

    async def each(asker: Asker, route: Served, path: str, child: str) -> None:
        answer = await asker.ask(route, path)
        assert route.policy is not None
        allowed = ALLOWS[route.policy](may, child)
        allowed = allowed and name not in ONLY_LOOK.get(route.path, ())
        wanted = ANSWERS_OTHERWISE.get((route.method, route.path), ANSWERS[route.method]) if allowed else {403}
        asked[allowed] += 1
        if answer.status_code not in wanted:
            wrong.append(f"{route.method} {path} ({route.policy}): {answer.status_code}, not {wanted}")
        if found := leaks(answer.text, may, path):
            wrong.append(f"{route.method} {path} ({route.policy}) tells of {found}")

    walk(town, subject, each)
    assert not wrong, "\n".join([name, *wrong])
    assert asked[True] > 10 and asked[False] > 3, "the walk found something of both"


def test_nobody_has_anything_without_signing_in(town: Everybody) -> None:
    async def each(asker: Asker, route: Served, path: str, _child: str) -> None:
        answer = await asker.ask(route, path)
        where = f"{route.method} {path}: {answer.status_code}"
        if route.policy is not Policy.public:
            api = route.path.startswith(PREFIX)
            assert answer.status_code == 401 if api else to_sign_in(answer), where
        assert not leaks(answer.text, May(), ""), where

    walk(town, None, each)


def test_a_form_without_what_its_page_was_given_changes_nothing_anywhere(town: Everybody) -> None:
    def state() -> list[int]:
        with Session(town.house.engine) as session:
            tables = (Handling, EmergencyAccess, NotificationEvent, Link)
            return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]

    async def each(asker: Asker, route: Served, path: str, _child: str) -> None:
        if route.method == "POST" and not route.path.startswith(PREFIX):
            answer = await asker.ask(route, path, forged=True)
            assert answer.status_code == 403, f"{path}: {answer.status_code}"

    before = state()
    for subject in ("W1", "H1", DESK):
        walk(town, subject, each)
    assert state() == before


def test_whoever_may_see_a_child_does_read_what_was_written_and_all_of_it_is_in_an_unbroken_audit(
    town: Everybody,
) -> None:
    seen: dict[str, set[str]] = {}

    async def each(asker: Asker, route: Served, path: str, child: str) -> None:
        if route.policy not in (Policy.child, Policy.alert):
            return
        answer = await asker.ask(route, path)
        if CANARY[child] in answer.text:
            seen.setdefault(str(asker.subject), set()).add(route.path)

    for subject in ("W1", "W2"):
        walk(town, subject, each)
    for paths in seen.values():
        assert {"/alerts/{alert}", f"{PREFIX}/alerts/{{alert}}", f"{PREFIX}/children/{{child}}/record"} <= paths
    assert seen.keys() == {"W1", "W2"}, "a canary that nobody can see proves nothing"
    with Session(town.house.engine) as session:
        assert verify(session).broken == ""
