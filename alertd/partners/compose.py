"""From what is owed to one message for each agency: planned, approved, composed, followed to its end.

:func:`compose_notifications` is called where everything else is composed, in the same transaction.
What is true of a case, an agency and its agreement is looked up at that moment, and not when it was planned.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.calendars.clock import shift
from alertd.calendars.durations import Duration
from alertd.cases.holding import Holding, agency_links, holding
from alertd.cases.records import CaseFile, local_day
from alertd.db.links import new_link, secret
from alertd.db.partner_tables import Notification
from alertd.db.tables import Alert
from alertd.engine.findings import Finding
from alertd.errors import InputError
from alertd.intake.kept import followed
from alertd.outbox import store as outbox
from alertd.outbox.channel import Letter
from alertd.outbox.deliver import Composer
from alertd.partners import store
from alertd.partners.disclosure import Disclosure, PartnerMail, allowed, disclose, partner_mail
from alertd.partners.facts import Case, Contact, find, why_veiled
from alertd.partners.notes import Note, tell_staff
from alertd.partners.notices import happened
from alertd.partners.plan import ALERTD, Owed, plan
from alertd.partners.policy import Policy, sendable
from alertd.partners.reference import new_reference
from alertd.partners.render import render_partner
from alertd.people.agencies import AgencyContact, NotKnown
from alertd.people.directory import Directory
from alertd.routing import lint
from alertd.rulebook.model import Rule, Rulebook

A_DAY = timedelta(days=1)
_TELLABLE = ("upcoming", "due", "overdue")


@dataclass(frozen=True, slots=True)
class Partners:
    """What telling agencies needs to know: the ``composer`` with the directory as it is now, the agencies in it;
    ``case`` gives a child's records as they are kept; ``authority`` is our name and ``contact`` whom to ring there;
    ``page`` makes the address of a link's page, None where alertd has no pages."""

    policy: Policy
    composer: Composer
    case: Callable[[str], CaseFile | None]
    authority: str
    contact: Contact | None = None
    page: Callable[[str], str] | None = None
    merged: Mapping[str, str] = field(default_factory=dict)
    """Person numbers, and those they were merged into: a child is told of once under both."""
    random_bits: Callable[[int], int] = secrets.randbits

    @property
    def directory(self) -> Directory:
        """The staff and agencies."""
        return self.composer.directory


@dataclass(slots=True)
class PartnersComposed:
    """How many messages were made, and what is held, each with who must do what."""

    sent: int = 0
    held: list[str] = field(default_factory=list)


def compose_notifications(session: Session, partners: Partners, now: datetime) -> PartnersComposed:
    """Follow what was sent, plan what is owed, make the messages that may go; in the caller's transaction."""
    done = PartnersComposed()
    notes: list[Note] = []
    for row in store.follow(session, now):
        notes += [Note(row.id, role, "bounced") for role in ("worker", "team_manager", "data_owner")]
    _plan(session, partners, now, notes)
    waiting = select(Notification).where(
        Notification.state.in_(("ready", "held")), Notification.agency != "", Notification.delivery_id.is_(None)
    )
    rows = session.scalars(waiting.order_by(Notification.id)).all()
    by = store.moved_by(session, [row.id for row in rows if row.state == "held"])
    for row in rows:
        if row.state == "held" and by[row.id] != ALERTD:
            continue
        why, owner = _compose(session, partners, row, now)
        if not why:
            done.sent += 1
        elif (row.state, row.why) != ("held", why):
            store.move(session, row, "held", now, by=ALERTD, why=why)
            notes.append(Note(row.id, owner, "held"))
    tell_staff(session, partners.composer, notes, now)
    done.held = list(_waiting_for_somebody(session, now))
    return done


def _waiting_for_somebody(session: Session, now: datetime) -> Iterator[str]:
    """What is held, and what has waited a day for a yes."""
    rows = session.scalars(
        select(Notification).where(Notification.state.in_(("held", "awaiting_approval"))).order_by(Notification.id)
    )
    for row in rows:
        if row.state == "held" or now - row.created_at >= A_DAY:
            yield f"notification {row.reference} to {row.agency or row.kind}: {row.why}"


def _plan(session: Session, partners: Partners, now: datetime, notes: list[Note]) -> None:
    today = local_day(now)
    links: dict[str, Mapping[str, str]] = {}

    def links_to(child: str) -> Mapping[str, str]:
        if child not in links:
            file = partners.case(child)
            links[child] = agency_links(file, today) if file else {}
        return links[child]

    owed = list(_owed(session, partners.composer.rulebook, partners.policy))
    children = {one.child for one in owed}
    children |= {old for old in partners.merged if followed(old, partners.merged) in children}
    there = [replace(row, child=followed(row.child, partners.merged)) for row in store.standing(session, children)]
    made = plan(
        owed,
        there,
        partners.policy,
        partners.directory.agencies,
        links_to,
        partial(_veiled, partners, today=today),
        today,
    )
    store.apply(session, made.moves, now)
    notes += [Note(move.id, move.owner, move.to_state) for move in made.moves if move.owner]
    for new in made.new:
        row = store.add(session, new, _unused_reference(session, partners.random_bits), now)
        if new.owner:
            notes.append(Note(row.id, new.owner, new.state))


def _owed(session: Session, rulebook: Rulebook, policy: Policy) -> Iterator[Owed]:
    rows = session.execute(
        select(Alert.id, Alert.rule, Alert.child, Alert.record, Alert.team, Alert.stage, Alert.finding)
        .where(Alert.state == "open", Alert.muted == "", Alert.rule.in_(policy.sent))
        .order_by(Alert.id)
    )
    for id_, rule_id, child, record, team, stage, finding in rows:
        rule = rulebook.of_team(team).rule(rule_id)
        if rule is not None and rule.kind == "notification" and sendable(rule):
            yield Owed(id_, rule, child, record, stage in _TELLABLE, happened(Finding.from_json(finding)))


def _unused_reference(session: Session, random_bits: Callable[[int], int]) -> str:
    while True:
        made = new_reference(random_bits)
        if session.scalar(select(Notification.id).where(Notification.reference == made)) is None:
            return made


def restricted(directory: Directory, child: str, today: date) -> str:
    """Why only some may hear of a child; blank where nothing forbids it."""
    return "the child is restricted" if directory.limited(child, today) else ""


@dataclass(frozen=True, slots=True)
class Going:
    """What a notification that may go is made of."""

    contact: AgencyContact
    rule: Rule
    case: Case

    @property
    def under(self) -> str:
        """Why they are told, and what may be said to them: kept with the message, and looked at again before it
        leaves."""
        fields = ", ".join(allowed(self.rule, self.contact.kind, self.contact.fields))
        veiled = "; nothing that shows where the child lives" if self.case.veiled else ""
        return f"{self.contact.how}; {self.contact.agreement} allows {fields}{veiled}"


def may_go(
    session: Session, partners: Partners, row: Notification, alert: Alert, today: date
) -> Going | tuple[str, str]:
    """What a notification is made of; or why it may not go, and the role that mends it. Reads only."""
    rule = partners.composer.rulebook.of_team(alert.team).rule(alert.rule)
    file = partners.case(alert.child)
    if rule is None or file is None:
        return "the rule or the child is not there now. The data owner sees to the feed and the packs", "data_owner"
    contact = partners.directory.agencies.resolve(row.kind, agency_links(file, today), today)
    if isinstance(contact, NotKnown):
        return f"{contact.reason}. {contact.owner}: {contact.fix}", contact.owner
    why, owner = _not_to_be_sent(session, partners, row, rule, contact, alert.child, today)
    if why:
        return why, owner
    case = case_of(partners, file, alert.record, today, contact)
    if case is None:
        return f"{alert.record} is not in the feed now. The worker sees whether it still stands", "worker"
    return Going(contact, rule, case)


def _veiled(partners: Partners, child: str, today: date) -> str:
    """Why nothing may show where a child lives, so that nothing of it goes without a person's yes; blank for no."""
    limited, file = restricted(partners.directory, child, today), partners.case(child)
    return why_veiled(file, today, limited) if file else limited


def _compose(session: Session, partners: Partners, row: Notification, now: datetime) -> tuple[str, str]:
    """Make the message of one. Why it cannot be made, and the role that mends it; both blank where it was."""
    going = may_go(session, partners, row, session.get_one(Alert, row.alert_id), local_day(now))
    if not isinstance(going, Going):
        return going
    try:
        _send(session, partners, row, going, now)
    except _HeldError as held:
        return str(held), "worker"
    except InputError as error:
        return str(error), "data_owner"
    return "", ""


class _HeldError(Exception):
    pass


def _not_to_be_sent(
    session: Session,
    partners: Partners,
    row: Notification,
    rule: Rule,
    contact: AgencyContact,
    child: str,
    today: date,
) -> tuple[str, str]:
    sending = partners.policy.of(rule.id)
    if contact.agency != row.agency:
        return f"the child's agency is {contact.agency} now. The worker refuses this one, with the reason", "worker"
    if sending.send == "never":
        return "the policy sends it no longer", "data_owner"
    needs_yes = sending.send == "approve" or _veiled(partners, child, today)
    if needs_yes and row.id not in store.approved(session):
        return f"nobody has approved it, and it needs that now. {sending.approved_by}: approve it", sending.approved_by
    return "", ""


def _send(session: Session, partners: Partners, row: Notification, going: Going, now: datetime) -> None:
    contact, rule, case = going.contact, going.rule, going.case
    disclosure = disclose(rule, row.kind, contact.fields, case.fact, case.language)
    if disclosure.held:
        raise _HeldError(disclosure.held)
    unguessable = secret()
    link = partners.page(unguessable) if partners.page else ""
    mail = mail_of(partners, disclosure, rule, row, case, link)
    made = render_partner(mail, partners.composer.wording, on_purpose(case, row.reference))
    if link:  # only now: a message that is held leaves no link behind at each try
        new_link(session, store.ACKNOWLEDGE, str(row.id), now, lambda: unguessable)
    letter = Letter(
        id=partners.composer.new_id(),
        sender=partners.composer.sender,
        to_name=contact.agency_name,
        address=contact.address,
        date=now,
        subject=made.subject,
        preview=made.preview,
        text=made.text,
        html=made.html,
        language=contact.language,
        urgent=True,
        reference=row.reference,
    )
    channel = partners.composer.channels.get(contact.channel)
    if channel is None:
        raise InputError(f"no channel named {contact.channel} is configured", where=f"agency {contact.agency}")
    outbox.put(
        session,
        letter,
        channel.write(letter),
        person=f"agency:{contact.agency}",
        resolved_by=going.under,
        channel=contact.channel,
        destination=channel.destination(contact.address),
    )
    if row.state == "held":
        store.move(session, row, "ready", now, by=ALERTD, why="what held it is mended")
    row.delivery_id, row.why = letter.id, "its message is on its way"


def mail_of(
    partners: Partners, disclosure: Disclosure, rule: Rule, row: Notification, case: Case, link: str = ""
) -> PartnerMail:
    """The mail of one notification, in the language of the case's contact."""
    return partner_mail(
        disclosure,
        rule,
        row.kind,
        reference=row.reference,
        sender=partners.authority,
        contact=partners.contact.text if partners.contact else "",
        acknowledge_by=acknowledge_by(partners, row.receipt, case.today),
        today=case.today,
        link=link,
        language=case.language,
    )


def on_purpose(case: Case, reference: str) -> lint.Known:
    """What stands in a mail on purpose; the last look at its text finds whatever else is personal."""
    people = [one for one in (case.worker, case.authority) if one]
    return lint.Known(
        references={case.file.child, reference},
        contacts={way for one in people for way in (one.address, one.telephone) if way},
        names={one.name for one in people},
    )


def case_of(partners: Partners, file: CaseFile, record: str, today: date, contact: AgencyContact) -> Case | None:
    """What can be said of a case to an agency's contact; None where the record is not there."""
    about = find(file, record)
    if about is None:
        return None
    held = holding(file, today)
    worker = _worker(partners.directory, file.child, held, today)
    language = partners.composer.wording.language(contact.language)
    veiled = why_veiled(file, today, restricted(partners.directory, file.child, today))
    return Case(file, about, today, worker, partners.contact, veiled, language)


def _worker(directory: Directory, child: str, held: Holding, today: date) -> Contact | None:
    found = directory.resolve("worker", held, today, child=child)
    if found.person_id == "duty":
        return None
    return Contact(found.name, found.address, team=found.person_id.startswith("team:"))


def acknowledge_by(partners: Partners, receipt: str, today: date) -> date:
    """The day by which an answer is wanted: one working day where it is urgent, else three, or as the book sets."""
    book, calendar = partners.composer.rulebook, partners.composer.calendar
    rule = book.rule(f"notify.receipt.{receipt}")
    usual = Duration(1 if receipt == "urgent" else 3, "working day")
    return local_day(shift(today, (book.limit(rule, today) if rule else None) or usual, calendar))
