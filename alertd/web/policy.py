"""Which page is for whom: every route names one of these policies, and there is no other way to make a route."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from sqlalchemy.orm import Session

from alertd.access import may
from alertd.access.about import about_child
from alertd.access.may import Verdict
from alertd.access.viewer import Viewer
from alertd.alerts.handling import Office
from alertd.cases.holding import Holding, holding
from alertd.db.tables import Alert
from alertd.views.cases import Cases


class Policy(StrEnum):
    """Who may ask for a page.

    ``public``: anybody, also without signing in. ``signed_in``: everybody who is. ``staff``: the authority's own.
    ``child`` and ``alert``: who may see the child that the path names, or the alert's child; each look is kept in the
    audit. ``team``: who sees the board of the team in the path. ``teams``: who sees any. ``system``: who looks after
    alertd. ``partner``: contacts of agencies. ``emergency``: who may break the glass for the child in the path.
    """

    public = "public"
    signed_in = "signed_in"
    staff = "staff"
    child = "child"
    alert = "alert"
    team = "team"
    teams = "teams"
    system = "system"
    partner = "partner"
    emergency = "emergency"


class Judge:
    """What a policy comes to for one viewer and one path."""

    def __init__(self, session: Session, office: Office, cases: Cases) -> None:
        self._session, self._office, self._cases = session, office, cases

    def verdict(self, policy: Policy, viewer: Viewer | None, path: Mapping[str, str]) -> Verdict:
        """Whether the viewer may have what the path names. Of what does not exist it says the same as of what is not
        theirs."""
        if policy is Policy.public:
            return Verdict(True, "anybody")
        if viewer is None:
            return Verdict(False, "Sign in first")
        return _RULES[policy](self, viewer, path)

    def child_of(self, policy: Policy, path: Mapping[str, str]) -> str | None:
        """The child whose record a page under the policy shows."""
        if policy in (Policy.child, Policy.emergency):
            return path["child"] if _can_be(path["child"]) else None
        if policy is Policy.alert:
            alert = self._alert(path)
            return alert.child if alert else None
        return None

    def about(self, child: str, viewer: Viewer) -> may.AboutChild | None:
        """What decides about a child; None for one that nobody knows."""
        if not _can_be(child):
            return None
        case = self._cases.of(child)
        held = holding(case, self._office.today) if case else None
        if held is None:
            latest = self._session.query(Alert).filter_by(child=child).order_by(Alert.changed_at.desc()).first()
            if latest is None:
                return None
            held = Holding(latest.worker, latest.team)
        return about_child(self._session, child, held, viewer.id, self._office.now)

    def _alert(self, path: Mapping[str, str]) -> Alert | None:
        given = path["alert"]
        return self._session.get(Alert, int(given)) if _NUMBER.fullmatch(given) else None

    def _child(self, viewer: Viewer, path: Mapping[str, str]) -> Verdict:
        about = None if viewer.agency else self.about(path["child"], viewer)
        return may.may_see_child(viewer, about, self._office) if about else _NO_SUCH

    def _of_alert(self, viewer: Viewer, path: Mapping[str, str]) -> Verdict:
        alert = self._alert(path)
        return self._child(viewer, {"child": alert.child}) if alert else _NO_SUCH

    def _team(self, viewer: Viewer, path: Mapping[str, str]) -> Verdict:
        return may.may_see_team(viewer, path["team"], self._office)

    def _teams(self, viewer: Viewer, _path: Mapping[str, str]) -> Verdict:
        seen = may.teams_seen(viewer, self._office)
        return Verdict(True, "manages teams") if seen else Verdict(False, "Managers see boards of teams")

    def _emergency(self, viewer: Viewer, path: Mapping[str, str]) -> Verdict:
        about = None if viewer.agency else self.about(path["child"], viewer)
        return may.may_break_glass(viewer, path["child"], self._office) if about else _NO_SUCH

    def _staff(self, viewer: Viewer, _path: Mapping[str, str]) -> Verdict:
        return may.may_see_service(viewer)

    def _signed_in(self, _viewer: Viewer, _path: Mapping[str, str]) -> Verdict:
        return Verdict(True, "signed in")

    def _system(self, viewer: Viewer, _path: Mapping[str, str]) -> Verdict:
        return may.may_see_system(viewer)

    def _partner(self, viewer: Viewer, _path: Mapping[str, str]) -> Verdict:
        return Verdict(
            bool(viewer.agency), "contact of the agency" if viewer.agency else "This is for partner agencies"
        )


def _can_be(child: str) -> bool:
    """Whether a reference can be anybody's at all: a database takes neither longer ones nor such characters."""
    return len(child) <= 200 and child.isprintable()


_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_NO_SUCH: Final = Verdict(False, "There is no such child here, or it is not yours to see")

_RULES: Final[Mapping[Policy, Callable[[Judge, Viewer, Mapping[str, str]], Verdict]]] = {
    Policy.signed_in: Judge._signed_in,
    Policy.staff: Judge._staff,
    Policy.child: Judge._child,
    Policy.alert: Judge._of_alert,
    Policy.team: Judge._team,
    Policy.teams: Judge._teams,
    Policy.system: Judge._system,
    Policy.partner: Judge._partner,
    Policy.emergency: Judge._emergency,
}
