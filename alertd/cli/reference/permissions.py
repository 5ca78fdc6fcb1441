"""The page that says who may do what, found by asking what decides it about everybody of a made-up council."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Final

from alertd.access.may import AboutChild, may_break_glass, may_see_child, may_see_system, teams_seen
from alertd.access.viewer import Viewer, viewer_of
from alertd.alerts.handling import AlertFacts, Asked, Kind, Office, refusal, why_not_resolve
from alertd.alerts.handling import Handled as Said
from alertd.calendars.calendar import calendar_for
from alertd.cases.holding import Holding
from alertd.partners.permit import why_not
from alertd.people.directory import LINE, ROLES, Directory, Person, Team, role_words
from alertd.web.api.calls import PREFIX
from alertd.web.api.resources import CALLS
from alertd.web.app import PAGES
from alertd.web.policy import Policy

_HEAD = """# Who may do what

<!-- Generated. Do not edit; run: alertd reference permissions > docs/permissions.md -->

Found by asking the program about somebody of each role in a made-up council of two services. What somebody may do
follows from the staff directory alone, as it is at that moment: no right is kept anywhere else, and whoever leaves
loses all of them. The deputy of somebody who is away may do what they may. How people sign in stands under
[The pages](web.md)."""

_CHILDREN = """
## Whose children somebody sees

What a page says of a child, the API says to the same people. Each look is kept in the audit with the right named here.
Nobody sees a child of whom somebody must not hear (`[people] restrictions`), whatever their role; a child whom they do
not see answers as one who is not there.

*Emergency* is opening another child's page by saying why, for 4 hours; two people hear of it at once.

| role | child of theirs or of their team | child of another service | boards of teams | how alertd fares | emergency |
|---|---|---|---|---|---|"""

_BESIDE = """
Beside their role, somebody sees a child of whom an alert was handed over to them, or of whom they were told by an alert
that is still open. A contact of an agency sees the notifications to that agency and nothing else. Somebody with several
roles may do what any of them may.
"""

_SAYING = """
## What may be said of an alert

By whom, while the alert is open and they are at work. What is overdue only a manager may accept. Each needs a reason,
and goes no further ahead than [Who is told](who-is-told.md#what-can-be-said-of-an-alert) says. What was said is
taken back by its author, by whoever answers for the child, or by a manager above.

| who | claim | accept, due | accept, overdue | hand over | snooze | dispute | decide a dispute |
|---|---|---|---|---|---|---|---|"""

_NOTIFYING = """
## Who lets a notification to an agency go

Where the policy says `send: approve`, whom it names in `approved_by`, and whoever stands above the child's worker. The
same people stop one, send it again, or say that the agency is told another way.

| who | `worker` | `team_manager` | `service_manager` |
|---|---|---|---|"""

_PAGES = """
## What each page asks for

Each page and each call of the API stands behind one of these:

| it is for | that is |
|---|---|"""

_SERVED = """
| page | for |
|---|---|"""

WHO: Final[Mapping[Policy, str]] = {
    Policy.public: "anybody, also without signing in",
    Policy.signed_in: "everybody who is signed in",
    Policy.staff: "the authority's own staff, of whatever role; lists and figures hold what they may see",
    Policy.child: "who may see the child that the address names",
    Policy.alert: "who may see the child of the alert; what they may say of it is asked again",
    Policy.team: "who sees the board of that team",
    Policy.teams: "who sees the board of any team",
    Policy.system: "who sees how alertd fares; no child is shown",
    Policy.partner: "contacts of agencies, about their own agency's notifications",
    Policy.emergency: "who may open that child's page in an emergency",
}
"""What each policy is to a reader."""

_TODAY: Final = date(2026, 11, 25)
_NOW: Final = datetime(2026, 11, 25, 10, tzinfo=UTC)
_TEAMS: Final = {
    team.id: team
    for team in (
        Team("HS", "The service", None, "hs@council.example"),
        Team("S1", "Service 1", "HS", "s1@council.example"),
        Team("T1", "Team 1", "S1", "t1@council.example"),
        Team("S2", "Service 2", "HS", "s2@council.example"),
        Team("T2", "Team 2", "S2", "t2@council.example"),
    )
}
_AT: Final = {"worker": "T1", "team_manager": "T1", "service_manager": "S1"}
"""Where somebody of a role works; everybody else for the whole service."""
_OWN, _OTHER = Holding("worker", "T1"), Holding("colleague", "T2")


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_lines(_office())) + "\n"


def _office() -> Office:
    people = [Person(role, role, f"{role}@council.example", role, _AT.get(role, "HS")) for role in sorted(ROLES)]
    people += [
        Person("colleague", "colleague", "colleague@council.example", "worker", "T2"),
        Person("neighbour", "neighbour", "neighbour@council.example", "worker", "T1"),
    ]
    directory = Directory({person.id: person for person in people}, _TEAMS, "duty@council.example")
    return Office(directory, calendar_for("england-and-wales"), _NOW)


def _lines(office: Office) -> Iterator[str]:
    yield _HEAD
    yield _CHILDREN
    order = ["worker", *LINE, *sorted(ROLES - {"worker", "agency", *LINE})]
    rows = {role: _of_role(role, office) for role in order}
    for role in order:
        same = [other for other in order if rows[other] == rows[role]]
        if same[0] == role:
            named = role_words(role) if len(same) == 1 else ", ".join(role_words(other) for other in same)
            yield f"| {named} | {' | '.join(rows[role])} |"
    yield _BESIDE
    yield _SAYING
    for who, person, told in _SAYERS:
        yield f"| {who} | {' | '.join(_may_say(person, told, office))} |"
    yield _NOTIFYING
    for who, person, _ in _SAYERS[:1] + _SAYERS[2:]:
        ways = (why_not(office.directory, person, role, _OWN, "C1", _TODAY) for role in ("worker", *LINE[:2]))
        yield f"| {who} | {' | '.join('no' if why else 'yes' for why in ways)} |"
    yield _PAGES
    for policy in Policy:
        yield f"| `{policy.value}` | {WHO[policy]} |"
    yield _SERVED
    for one in PAGES:
        yield f"| `{' '.join(one.methods)} {one.path}` | `{one.policy.value}` |"
    for call in CALLS:
        yield f"| `{call.method} {PREFIX}{call.path}` | `{call.policy.value}` |"


def _of_role(role: str, office: Office) -> tuple[str, ...]:
    viewer = viewer_of(role, office.directory, _TODAY)
    assert viewer is not None, role
    boards = teams_seen(viewer, office)
    return (
        _sees(viewer, _OWN, office),
        _sees(viewer, _OTHER, office),
        "all" if boards == _TEAMS.keys() else "theirs, and below" if boards else "no",
        "yes" if may_see_system(viewer).allowed else "no",
        "yes" if may_break_glass(viewer, "C1", office).allowed else "no",
    )


def _sees(viewer: Viewer, held: Holding, office: Office) -> str:
    verdict = may_see_child(viewer, AboutChild("C1", held), office)
    return f"yes: {verdict.why}" if verdict.allowed else "no"


_SAYERS: Final = (
    ("the child's worker", "worker", True),
    ("another worker, who was told of it", "neighbour", True),
    ("another worker", "neighbour", False),
    ("the team manager", "team_manager", True),
    ("a manager above", "service_manager", True),
    ("an IRO", "iro", True),
    ("the owner of the rule", "principal_social_worker", False),
)
"""Who, by which id, and whether they were told of the alert."""


def _may_say(person: str, told: bool, office: Office) -> Iterator[str]:
    def asked(kind: Kind, stage: str = "due", to: str | None = None) -> str:
        due = date(2026, 11, 27) if stage == "due" else date(2026, 11, 20)
        alert = AlertFacts("C1", stage, True, due, _OWN, told=frozenset({person} if told else ()))
        until = date(2026, 11, 27) if kind in ("accept", "snooze") else None
        return "no" if refusal(Asked(kind, person, "because", until, to), alert, office) else "yes"

    yield asked("claim")
    yield asked("accept")
    yield asked("accept", "overdue")
    yield asked("hand_over", to="colleague")
    yield asked("snooze")
    yield asked("dispute")
    dispute = Said("dispute", "colleague", _NOW, "because")
    facts = AlertFacts("C1", "due", True, None, _OWN, "principal social worker", handled=(dispute,))
    yield "no" if why_not_resolve(dispute, person, facts, office) else "yes"
