"""What a notification says, or would say as things are now, for whoever has to say yes to it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from alertd.cases.holding import agency_links
from alertd.cases.records import local_day
from alertd.db.partner_tables import Notification
from alertd.db.tables import Alert
from alertd.errors import InputError
from alertd.partners.compose import Partners, case_of, mail_of, on_purpose
from alertd.partners.disclosure import disclose
from alertd.partners.render import render_partner
from alertd.people.agencies import NotKnown
from alertd.rulebook.agencies import AGENCIES, FAMILY


def preview(session: Session, partners: Partners, row: Notification, now: datetime) -> str:
    """The text of its mail as it would be made now, without a link; or why it cannot be."""
    today = local_day(now)
    alert = session.get_one(Alert, row.alert_id)
    rule = partners.composer.rulebook.of_team(alert.team).rule(alert.rule)
    file = partners.case(alert.child)
    if row.kind in FAMILY:
        return f"alertd writes nothing to {AGENCIES[row.kind].lower()}: the worker tells them."
    if rule is None or file is None:
        return "The rule or the child is not there now."
    contact = partners.directory.agencies.resolve(row.kind, agency_links(file, today), today)
    if isinstance(contact, NotKnown):
        return f"It cannot be made: {contact}"
    case = case_of(partners, file, alert.record, today, contact)
    if case is None:
        return f"It cannot be made: {alert.record} is not in the feed now."
    disclosure = disclose(rule, row.kind, contact.fields, case.fact, case.language)
    mail = mail_of(partners, disclosure, rule, row, case)
    try:
        made = render_partner(mail, partners.composer.wording, on_purpose(case, row.reference))
    except InputError as error:
        return f"It cannot be made: {error}"
    held = f"It is held: {disclosure.held}\n\n" if disclosure.held else ""
    head = f"To {contact.agency_name}, {contact.address} ({contact.how})\nSubject: {made.subject}"
    return f"{held}{head}\n\n{made.text}"
