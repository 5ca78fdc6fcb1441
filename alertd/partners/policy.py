"""Which notifications alertd sends, and who approves them: the authority's own file, read strictly.

``notifications:`` has a key for a rule, or for every rule that begins so (``notify.n2*``). The longest that fits a
rule counts; what none fits is never sent. Some notifications are never sent without a person's approval, whatever
the file says, and it is refused where it says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from pydantic import Field

from alertd.errors import InputError
from alertd.partners.facts import EXTRACTORS
from alertd.people.directory import ROLES
from alertd.rulebook.agencies import AGENCIES, DISCLOSABLE, FAMILY
from alertd.rulebook.model import Rule, Rulebook
from alertd.rulebook.profiles import Model
from alertd.rulebook.strict_yaml import Document, Loc, read_yaml, suggest
from alertd.rulebook.written import validate

Send = Literal["never", "approve", "automatic"]

_ADOPTION: Final = frozenset(kind for kind in AGENCIES if kind.startswith("adopter_"))
_ALLEGATION: Final = frozenset({"adult_role", "allegation", "children_at_risk"})
_DEATH: Final = frozenset({"incident_form", "death_form"})


class Sending(Model):
    """How one notification is sent: ``approved_by`` is the role that approves it, ``since`` the first day of what
    alertd tells. What happened before was told another way, or was not: alertd has no record of either."""

    send: Send = "never"
    approved_by: str = "worker"
    since: date | None = None


class _File(Model):
    notifications: dict[str, Sending] = Field(default_factory=dict)


NEVER: Final = Sending()


class Policy:
    """What the file says of each rule."""

    def __init__(self, by_rule: Mapping[str, Sending] = MappingProxyType({})) -> None:
        self._by_rule = by_rule
        self.sent = frozenset(rule for rule, sending in by_rule.items() if sending.send != "never")
        """The rules whose notifications alertd sends."""

    def of(self, rule_id: str) -> Sending:
        """How a notification of that rule is sent."""
        return self._by_rule.get(rule_id, NEVER)

    def not_ours(self, rule_id: str, day: date | None) -> bool:
        """Whether it is of a rule that alertd sends, and happened before it did."""
        since = self.of(rule_id).since if rule_id in self.sent else None
        return since is not None and day is not None and day < since


def read_policy(path: Path | None, rulebook: Rulebook) -> Policy:
    """The authority's file; without one nothing is sent. Raises InputError with ``file:line: key``."""
    if path is None:
        return Policy()
    document = read_yaml(path)
    written = validate(document, _File, {"notifications": Sending}).notifications
    rules = {r.id: r for book in (rulebook, *rulebook.teams.values()) for r in book.rules if r.kind == "notification"}
    fitting = {name: [r for id_, r in rules.items() if _fits(name, id_)] for name in written}
    for name, sending in written.items():
        loc: Loc = ("notifications", name)
        if not fitting[name]:
            fix = suggest(name.removesuffix("*"), rules, "Notifications are")
            raise InputError(f"there is no notification {name}", where=document.at(loc), fix=fix)
        if sending.send != "never" and sending.since is None:
            fix = "Add `since:`, the day from which alertd tells them: what was before was told another way"
            raise InputError("`since:` is missing", where=document.at(loc), fix=fix)
        if sending.approved_by not in ROLES:
            fix = suggest(sending.approved_by, ROLES, "Roles are")
            raise InputError(f"{sending.approved_by!r} is no role", where=document.at((*loc, "approved_by")), fix=fix)
    by_rule = {}
    for id_, rule in rules.items():
        best = max((name for name in written if _fits(name, id_)), key=_weight, default=None)
        if best is not None:
            _refuse(rule, written[best], document, ("notifications", best, "send"))
            by_rule[id_] = written[best]
    return Policy(by_rule)


def _fits(name: str, rule_id: str) -> bool:
    return rule_id.startswith(name[:-1]) if name.endswith("*") else rule_id == name


def _weight(name: str) -> tuple[bool, int]:
    return (not name.endswith("*"), len(name))


def _refuse(rule: Rule, sending: Sending, document: Document, loc: Loc) -> None:
    if sending.send == "never":
        return
    if why := why_never_sent(rule):
        fix = "Name the others one by one, or write `send: never` for this one"
        raise InputError(f"{rule.id} cannot be sent: {why}", where=document.at(loc), fix=fix)
    if sending.send == "automatic" and (why := why_never_automatic(rule)):
        raise InputError(
            f"{rule.id} is never sent automatically: {why}", where=document.at(loc), fix="Write `send: approve`"
        )


def why_never_sent(rule: Rule) -> str:
    """Why alertd cannot send a notification at all; blank where it can."""
    if not sendable(rule):
        return "no record that it was sent clears it, so sending it would end nothing"
    if all(kind in FAMILY for kind in rule.tell):
        return "it tells the family, and that is the worker's to do, in person or by letter"
    return ""


def sendable(rule: Rule) -> bool:
    """Whether a record that it was sent is what clears a rule."""
    return rule.until is not None and "agency_notice" in rule.until.kinds


def why_never_automatic(rule: Rule) -> str:
    """Why a notification needs a person's approval whatever the policy; blank where it may go without."""
    if family := sorted(FAMILY.keys() & set(rule.tell)):
        return f"it also tells {', '.join(family)}, and whether that is safe is a judgement"
    if _ADOPTION & set(rule.tell) or _names_adoption(rule):
        return "it is about adoption, and one letter too many joins two families"
    if rule.for_ == "allegation" or _ALLEGATION & set(rule.disclose):
        return "it is about an allegation, and who may know of it is decided case by case"
    if rule.for_ == "serious_incident" or _DEATH & set(rule.disclose):
        return "it is about a death or serious harm, and a person answers for what is said of it"
    return ""


def _names_adoption(rule: Rule) -> bool:
    return rule.for_.startswith("adoption") or "adoption" in str(rule.where)


class Shown(Model):
    """One agency of one rule under the policy: the fields said, those asked for, and those struck out and why."""

    rule: str
    title: str
    send: Send
    approved_by: str
    kind: str
    agency: str
    said: tuple[str, ...]
    asked_for: tuple[str, ...]
    struck: tuple[str, ...]
    note: str


Agreed = Mapping[str, tuple[str, frozenset[str] | None]]


def show(policy: Policy, rulebook: Rulebook, agreed: Agreed) -> Iterator[Shown]:
    """Who would be told what. ``agreed`` gives for a kind of agency its name and the fields its agreement allows,
    or None with the reason why nobody can be told."""
    for rule in sorted((r for r in rulebook.enabled if r.kind == "notification"), key=lambda r: r.id):
        sending = policy.of(rule.id)
        for kind in rule.tell:
            name, fields = agreed.get(kind, ("no agency of this kind", None))
            may = [f for f in rule.disclose if DISCLOSABLE[f].may_go_to(kind)]
            kept = _only(may, fields or ())
            yield Shown(
                rule=rule.id,
                title=rule.title,
                send=sending.send,
                approved_by=sending.approved_by if sending.send == "approve" else "",
                kind=kind,
                agency="" if kind in FAMILY else name,
                said=tuple(f for f in kept if f in EXTRACTORS),
                asked_for=tuple(f for f in kept if f not in EXTRACTORS),
                struck=() if fields is None else tuple(f for f in rule.disclose if f not in kept),
                note="told by the worker" if kind in FAMILY else why_never_sent(rule) or why_never_automatic(rule),
            )


def _only(fields: Iterable[str], agreed: Iterable[str]) -> list[str]:
    kept = frozenset(agreed)
    return [f for f in fields if f in kept]
