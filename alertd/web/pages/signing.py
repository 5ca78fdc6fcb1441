"""Signing in by a link, and out."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from alertd.access import sessions
from alertd.access.viewer import viewer_of
from alertd.web.policy import Policy
from alertd.web.signing_in import links
from alertd.web.signing_in import out as leaving
from alertd.web.visit import HEADERS, WITHIN, Page, Visit, limits

_MINUTES: Final = links.LASTS // timedelta(minutes=1)


def home(visit: Visit) -> Response:
    """To where somebody's work is."""
    if visit.viewer is None:
        return visit.go("/sign-in")
    return visit.go("/partner" if visit.viewer.agency else "/work")


def ask(visit: Visit) -> Response:
    """The form for one's address."""
    if visit.viewer is not None:
        return home(visit)
    return _form(visit)


def _form(visit: Visit, error: str = "", status: int = 200) -> Response:
    web = visit.house.settings.web
    oidc = web.oidc if web else None
    return visit.page(
        "sign_in.html.j2",
        status,
        title="Sign in",
        errors=[(error, "#address")] if error else [],
        single_sign_on=oidc.words if oidc else "",
        minutes=_MINUTES,
    )


def asked(visit: Visit) -> Response:
    """Send a link where the address is known; the answer is the same where it is not."""
    address = visit.asked("address")
    if "@" not in address or len(address) > 320:
        return _form(visit, "Enter your work e-mail address, as name@council.gov.uk", 400)
    web, client = visit.web, visit.request.client.host if visit.request.client else ""
    allowed = web.asks.allows(address.lower(), visit.now) and web.asks_of_all.allows(client, visit.now)
    if not allowed:
        return visit.page("too_often.html.j2", 429, title="Too many requests")
    known = links.ask(visit.house, address, visit.now)
    visit.house.log.info("link_to_sign_in_asked_for", known=known)
    return visit.page("link_sent.html.j2", title="Look at your e-mail", minutes=_MINUTES)


def confirm(visit: Visit) -> Response:
    """The page of a link: looking at it changes nothing, because scanners of mail follow every link."""
    subject = links.subject_of(visit.session, visit.path["secret"], visit.now)
    viewer = viewer_of(subject, visit.office.directory, visit.office.today) if subject else None
    if viewer is None:
        return _spent(visit)
    return visit.page("sign_in_confirm.html.j2", title="Sign in", name=viewer.name)


def use(visit: Visit) -> Response:
    """Sign in: the link is used up."""
    secret = links.use(visit.house, visit.path["secret"], visit.now)
    return entered(visit, secret) if secret else _spent(visit)


def entered(visit: Visit, secret: str) -> Response:
    """On to where they were going, or to their work, with the cookie of a new session."""
    going = visit.request.cookies.get(f"{visit.web.cookie}-to", "")
    answer = RedirectResponse(going if WITHIN.fullmatch(going) else "/", 303, headers=HEADERS)
    if going:
        visit.drop_cookie(answer, "-to")
    _, at_most = limits(visit.house)
    visit.set_cookie(answer, "", secret, at_most)
    return answer


def _spent(visit: Visit) -> Response:
    """One answer for each link that does not work; only so many in a minute."""
    if not visit.web.asks_of_all.allows("a link that does not work", visit.now):
        return visit.page("too_often.html.j2", 429, title="Too many requests")
    return visit.page("link_spent.html.j2", 404, title="This link does not work any more", minutes=_MINUTES)


def signed_in(visit: Visit) -> Response:
    """Where somebody is signed in, and the way out: of here, or of everywhere."""
    subjects = leaving.subjects_of(visit.who.id, visit.office.directory)
    found = sessions.in_force(visit.session, subjects, visit.secret, visit.now, *limits(visit.house))
    return visit.page("sign_out.html.j2", title="Sign out", found=found)


def out(visit: Visit) -> Response:
    """End the session."""
    if visit.secret:
        with Session(visit.house.engine) as session, session.begin():
            sessions.end(session, visit.secret, visit.now)
    return _gone(visit)


def out_everywhere(visit: Visit) -> Response:
    """End every session of theirs, and every link by which one could begin."""
    subjects = leaving.subjects_of(visit.who.id, visit.office.directory)
    with Session(visit.house.engine) as session, session.begin():
        leaving.everywhere(session, subjects, visit.who.id, visit.now)
    return _gone(visit)


def _gone(visit: Visit) -> Response:
    answer = RedirectResponse("/sign-in", 303, headers={**HEADERS, "clear-site-data": '"cache"'})
    visit.drop_cookie(answer, "")
    return answer


PAGES: Final = (
    Page("/", Policy.public, home),
    Page("/sign-in", Policy.public, ask),
    Page("/sign-in", Policy.public, asked, ("POST",)),
    Page("/sign-in/{secret}", Policy.public, confirm),
    Page("/sign-in/{secret}", Policy.public, use, ("POST",)),
    Page("/sign-out", Policy.signed_in, signed_in),
    Page("/sign-out", Policy.public, out, ("POST",)),
    Page("/sign-out/everywhere", Policy.signed_in, out_everywhere, ("POST",)),
)
