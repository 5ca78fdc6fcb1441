"""A link by e-mail that signs somebody in: for whoever the directory knows, once, and not for long.

Asking says the same whether the address is known or not. The link alone signs nobody in: scanners of mail follow every
link, so its page has a button.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from alertd.access import sessions
from alertd.access.viewer import subjects_at, viewer_of
from alertd.audit import chain
from alertd.bootstrap import House
from alertd.cases.records import local_day
from alertd.db.links import find_link, new_link, revoke_links
from alertd.db.tables import Link as Kept
from alertd.errors import InputError, did_you_mean
from alertd.outbox import store
from alertd.outbox.deliver import EMAIL, Composer, letter_of
from alertd.outbox.recheck import SIGN_IN
from alertd.people.directory import Directory, Resolved
from alertd.routing.mails import Link, Page
from alertd.settings import Web

PURPOSE: Final = "sign-in"
BY_HAND: Final = "sign-in by hand"
LASTS: Final = timedelta(minutes=15)
"""How long a link works: long enough for greylisting, too short to be found in an old mail. A proposal."""
LASTS_BY_HAND: Final = timedelta(hours=12)
"""How long one works that whoever runs alertd made, as on the day on which mail is down."""


def ask(house: House, address: str, now: datetime) -> bool:
    """Send a link to whoever has the address; False where nobody known has it. An earlier link ends with it."""
    web = house.settings.web
    assert web is not None
    composer = house.composer_now()
    subjects = subjects_at(address, composer.directory, local_day(now))
    if not subjects:
        return False
    with Session(house.engine) as session, session.begin():
        for subject in subjects[:1]:
            revoke_links(session, PURPOSE, subject, now)
            secret = new_link(session, PURPOSE, subject, now)
            _send(session, composer, subject, web.link(f"sign-in/{secret}"), now)
    return True


def subject_of(session: Session, secret: str, now: datetime) -> str:
    """Whom a link signs in; blank for one that never was, was used, or is too old."""
    for purpose, lasts in ((PURPOSE, LASTS), (BY_HAND, LASTS_BY_HAND)):
        subject = find_link(session, purpose, secret)
        if subject is not None:
            in_force = (Kept.subject == subject, Kept.purpose == purpose, Kept.revoked_at.is_(None))
            made = session.scalar(select(Kept.at).where(*in_force).order_by(Kept.id.desc()).limit(1))
            return subject if made is not None and now - made < lasts else ""
    return ""


def use(house: House, secret: str, now: datetime) -> str:
    """The secret of a new session, for a link that works; its use ends the link, and any other of theirs. Blank where
    it does not."""
    with Session(house.engine) as session, session.begin():
        subject = subject_of(session, secret, now)
        if not subject or not sum(revoke_links(session, purpose, subject, now) for purpose in (PURPOSE, BY_HAND)):
            return ""
        chain.record(session, now, by=subject, what="signed in", why="by a link sent to their address")
        return sessions.begin(session, subject, "link", now)


def made_for(engine: Engine, web: Web | None, directory: Directory, subject: str, now: datetime) -> str:
    """The address of a link for somebody, without a mail: for whoever runs alertd, and the demo. Raises InputError
    without [web], and for somebody who may not sign in."""
    if web is None:
        raise InputError("there is no section [web]", fix="Give the url by which people reach it, and host and port")
    if viewer_of(subject, directory, local_day(now)) is None:
        fix = did_you_mean(subject, directory.people) or "Give an id as people.csv has it, or agency:AGENCY:CONTACT"
        raise InputError(f"{subject} is nobody who is here", fix=fix)
    with Session(engine) as session, session.begin():
        revoke_links(session, BY_HAND, subject, now)
        chain.record(session, now, by="alertd", what="made a link", why=f"to sign in as {subject}, on the command line")
        return web.link(f"sign-in/{new_link(session, BY_HAND, subject, now)}")


def _send(session: Session, composer: Composer, subject: str, url: str, now: datetime) -> None:
    person = _person(subject, composer.directory)
    say = composer.wording.language(person.language).say
    minutes = LASTS // timedelta(minutes=1)
    page = Page(
        subject=say("Your link to sign in to alertd"),
        preview=say("It works once, for {n} minutes", n=minutes),
        opening=(say("Press this to sign in. It works once, and for {n} minutes.", n=minutes),),
        today=local_day(now),
        links=(Link(say("Sign in to alertd"), url),),
        closing=(say("If you did not ask for it, do nothing: without the link nobody can sign in as you."),),
    )
    mail = composer.wording.page("operator", page, person.language)
    letter = letter_of(composer, person, mail, composer.new_id(), now)
    store.put(
        session,
        replace(letter, urgent=True),
        composer.channels[EMAIL].write(letter),
        person=person.person_id,
        resolved_by=person.how,
        channel=EMAIL,
        destination=composer.channels[EMAIL].destination(person.address),
    )


def _person(subject: str, directory: Directory) -> Resolved:
    how = "asked for a link to sign in"
    if subject.startswith("agency:"):
        _, agency, contact_id = subject.split(":", 2)
        contacts = directory.agencies.agencies[agency].contacts
        contact = next(one for one in contacts if one.id == contact_id)
        return Resolved(SIGN_IN, contact.name, contact.address, how, language=contact.language)
    person = directory.people[subject]
    return Resolved(SIGN_IN, person.name, person.address, how, language=person.language)
