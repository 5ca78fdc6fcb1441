"""Signing in with the council's own account: away to the provider, and back."""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Session
from starlette.responses import Response

from alertd.access import sessions
from alertd.access.viewer import subjects_at
from alertd.audit import chain
from alertd.settings.web import Oidc
from alertd.web.pages.signing import entered
from alertd.web.policy import Policy
from alertd.web.signing_in import oidc as way
from alertd.web.signing_in.asking import ProviderError
from alertd.web.visit import Page, Visit

BACK: Final = "/sign-in/single/back"
_COOKIE: Final = "-single"


def begin(visit: Visit) -> Response:
    """Away to the provider. A page that leads there, and no redirect: browsers follow none from a form to elsewhere
    where a page says, as ours do, that its forms go nowhere else."""
    found = _settings(visit)
    if found is None:
        return _not_here(visit)
    client = visit.request.client.host if visit.request.client else ""
    if not visit.web.asks_of_all.allows(client, visit.now):
        return visit.page("too_often.html.j2", 429, title="Too many requests")
    oidc, back = found
    try:
        endpoints = visit.web.provider.endpoints(oidc, visit.now)
    except ProviderError as error:
        return _down(visit, error)
    with Session(visit.house.engine) as session, session.begin():
        secret = way.begin(session, visit.now)
    there = way.address(endpoints, oidc, secret, back)
    answer = visit.page("single_leave.html.j2", title="Sign in", there=there, words=oidc.words)
    answer.headers["refresh"] = f"0; url={there}"
    visit.set_cookie(answer, _COOKIE, secret, way.LASTS)
    return answer


def back(visit: Visit) -> Response:
    """Back from the provider: whoever it says it is, if the directory knows them."""
    found = _settings(visit)
    if found is None:
        return _not_here(visit)
    answer = _back(visit, *found)
    visit.drop_cookie(answer, _COOKIE)
    return answer


def _back(visit: Visit, oidc: Oidc, back: str) -> Response:
    asked, secret = visit.request.query_params, visit.request.cookies.get(f"{visit.web.cookie}{_COOKIE}", "")
    try:
        with Session(visit.house.engine) as session, session.begin():
            way.spend(session, secret, asked.get("state", ""), visit.now)
        if asked.get("iss", oidc.issuer) != oidc.issuer:
            raise way.NotBelievedError("the answer is another provider's")
        if "error" in asked or not asked.get("code"):
            raise way.NotBelievedError("the provider signed nobody in")
        address = way.address_of(visit.web.provider, oidc, secret, asked["code"], back, visit.now)
    except ProviderError as error:
        return _down(visit, error)
    except way.NotBelievedError as error:
        visit.house.log.warning("single_sign_on_refused", why=error.why)
        return visit.page("single_again.html.j2", 400, title="You are not signed in")
    subjects = subjects_at(address, visit.office.directory, visit.office.today)
    if not subjects:
        visit.house.log.info("single_sign_on_of_nobody_known")
        return visit.page("single_unknown.html.j2", 403, title="alertd does not know you")
    with Session(visit.house.engine) as session, session.begin():
        chain.record(session, visit.now, by=subjects[0], what="signed in", why="with their account at the council")
        made = sessions.begin(session, subjects[0], "oidc", visit.now)
    return entered(visit, made)


def _settings(visit: Visit) -> tuple[Oidc, str] | None:
    web = visit.house.settings.web
    return (web.oidc, web.link(BACK)) if web and web.oidc else None


def _not_here(visit: Visit) -> Response:
    why = "Sign in by a link to your e-mail address"
    return visit.page("refused.html.j2", 404, title="There is no such page", why=why, child=None)


def _down(visit: Visit, error: ProviderError) -> Response:
    visit.house.log.error("single_sign_on_down", why=error.why)
    return visit.page("single_down.html.j2", 502, title="Council accounts cannot be used now")


PAGES: Final = (
    Page("/sign-in/single", Policy.public, begin, ("POST",)),
    Page(BACK, Policy.public, back),
)
