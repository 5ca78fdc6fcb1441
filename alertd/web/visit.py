"""One request of somebody: who they are, what they may see, and the answer. Every page goes through here.

Looks at a child are written to the audit before anything of the child is read for the page: where that cannot be
written, nothing is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from markupsafe import Markup
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alertd.access import sessions
from alertd.access.may import Verdict, teams_seen
from alertd.access.viewer import Viewer, viewer_of
from alertd.alerts.handling import Office
from alertd.audit import chain
from alertd.bootstrap import House
from alertd.cases.records import in_words
from alertd.db.engine import reading
from alertd.db.leading import alone
from alertd.errors import InputError
from alertd.views.cases import Cases
from alertd.views.exceptions import CountedOfAll
from alertd.views.insight import Figures
from alertd.views.rule_counts import LatelyOpened
from alertd.views.system import LatestSystem
from alertd.views.teams import Counts
from alertd.web.look import render
from alertd.web.per_minute import PerMinute
from alertd.web.policy import Judge, Policy
from alertd.web.signing_in.oidc import Provider

LONGEST_FORM: Final = 20_000
"""Bytes of a form: the longest reason anybody types, many times over."""

CSP: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
)
BY_COOKIE: Final = frozenset[sessions.How]({"link", "oidc"})
"""The ways by which people come in; a program has a token."""

HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": CSP,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
}


@dataclass(frozen=True, slots=True)
class Web:
    """What all pages share. ``too_often`` limits requests by session, ``asks`` those for a link to sign in."""

    house: House
    cases: Cases
    figures: Figures
    counts: Counts = field(default_factory=Counts)
    exceptions: CountedOfAll = field(default_factory=CountedOfAll)
    system: LatestSystem = field(default_factory=LatestSystem)
    lately_opened: LatelyOpened = field(default_factory=LatelyOpened)
    provider: Provider = field(default_factory=Provider)
    too_often: PerMinute = field(default_factory=lambda: PerMinute(240))
    asks: PerMinute = field(default_factory=lambda: PerMinute(5))
    asks_of_all: PerMinute = field(default_factory=lambda: PerMinute(60))

    @property
    def cookie(self) -> str:
        """The name of the cookie; over https one that browsers let nobody else set (RFC 6265bis, 4.1.3.2)."""
        web = self.house.settings.web
        return "__Host-alertd" if web and web.url.startswith("https://") else "alertd"


@dataclass(slots=True)
class Visit:
    """One request. ``viewer`` is None only on public pages. ``session`` reads; what writes opens its own."""

    web: Web
    request: Request
    office: Office
    session: Session
    viewer: Viewer | None
    secret: str
    form: Mapping[str, list[str]]
    right: Verdict = field(default_factory=lambda: Verdict(False, ""))

    @property
    def house(self) -> House:
        """The daemon's parts."""
        return self.web.house

    @property
    def now(self) -> datetime:
        """The moment of the request."""
        return self.office.now

    @property
    def who(self) -> Viewer:
        """The viewer, on a page that is not public."""
        assert self.viewer is not None
        return self.viewer

    @property
    def path(self) -> Mapping[str, str]:
        """The variable parts of the path."""
        return self.request.path_params

    def asked(self, name: str, default: str = "") -> str:
        """A value of the query, or of the form."""
        if name in self.form:
            return self.form[name][0].strip()
        return self.request.query_params.get(name, default).strip()

    def judge(self) -> Judge:
        """What policies come to."""
        return Judge(self.session, self.office, self.web.cases)

    def audit(self, what: str, *, child: str | None = None, why: str = "", **detail: Any) -> None:
        """Keep what was looked at or done."""
        with Session(self.house.engine) as session, session.begin():
            chain.record(session, self.now, by=self.who.id, what=what, child=child, why=why, detail=detail)

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page in the layout."""
        done = DONE.get(self.request.query_params.get("done", ""), "") if self.viewer else ""
        shared: dict[str, Any] = {
            "viewer": self.viewer,
            "nav": nav_of(self),
            "csrf_field": csrf_field(self.secret) if self.secret else Markup(""),
            "footer": self._footer(),
            "printed": f"{self.viewer.name}, {in_words(self.now)}" if self.viewer else "",
            "done": done,
            "today": self.office.today,
            "authority": self.house.settings.authority.name,
        }
        return HTMLResponse(render(template, **{**shared, **values}), status, headers=HEADERS)

    def go(self, path: str, done: str = "") -> Response:
        """On to another page, after a form. ``done`` is what it says there, a key of :data:`DONE`."""
        return RedirectResponse(f"{path}?done={done}" if done else path, 303, headers=HEADERS)

    def set_cookie(self, answer: Response, name: str, value: str, lasts: timedelta) -> None:
        """Give the browser something to keep, that no script reads and no other site sends with a form."""
        secure = self.web.cookie.startswith("__Host-")
        answer.set_cookie(
            f"{self.web.cookie}{name}", value, max_age=int(lasts.total_seconds()), path="/",
            secure=secure, httponly=True, samesite="lax",
        )  # fmt: skip

    def drop_cookie(self, answer: Response, name: str) -> None:
        """Take it back."""
        secure = self.web.cookie.startswith("__Host-")
        answer.delete_cookie(f"{self.web.cookie}{name}", path="/", secure=secure, httponly=True)

    def _footer(self) -> str:
        if self.viewer is None or self.viewer.agency:
            return ""
        fresh = self.web.cases.fresh_at()
        return f"Data as of {in_words(fresh)}" if fresh else "No case data has been read yet"


WITHIN: Final = re.compile(r"/(?!/)[A-Za-z0-9._~%/-]{0,300}")
"""A path of these pages: nothing that leads a browser elsewhere."""

DONE: Final = {
    "claim": "Kept: you say it is done and will be recorded. That holds for 2 working days.",
    "accept": "Kept: the alert is explained until the day you gave. Its date still stands.",
    "snooze": "Kept: you will not hear of it until then. Nothing else changes.",
    "hand_over": "Handed over. They hear of it with their next mail.",
    "dispute": "Kept: whoever owns the rule will look at it.",
    "undone": "Taken back.",
    "subscribed": "Subscribed.",
    "unsubscribed": "Ended.",
    "acknowledged": "Acknowledged. Thank you: the council can see that you have it.",
    "asked": "Sent to the council. Somebody will answer you by e-mail.",
    "emergency": "You see this child for the next hours. Information governance and the team manager have been told.",
    "calendar": "The old address of the calendar no longer works.",
    "notification_approve": "It goes within minutes.",
    "notification_withhold": "Kept: this agency is not told.",
    "notification_stop": "Stopped. It waits here for somebody to decide.",
    "notification_again": "It goes again within minutes.",
    "notification_answered": "Kept: the agency sees that you have answered.",
    "notification_told": "Kept: they were told another way.",
    "retried": "It is due again, and goes within a minute.",
    "cancelled": "Taken back.",
    "parked": "Laid aside. It waits until somebody has it tried again, or takes it back.",
    "resolved": "Decided. Whoever disputed it can see that.",
}
"""What a page says after a form, by the word in its address: nothing else can be put there."""


@dataclass(frozen=True, slots=True)
class Page:
    """A route: its path, who it is for, and what answers. There is no route of a page but by one of these.

    ``name`` is what the audit calls a look at a child by it.
    """

    path: str
    policy: Policy
    do: Callable[[Visit], Response]
    methods: tuple[str, ...] = ("GET",)
    name: str = ""


def nav_of(visit: Visit) -> list[tuple[str, str, bool]]:
    """What the viewer may go to: words, address, and whether it is where they are."""
    viewer, at = visit.viewer, visit.request.url.path
    if viewer is None:
        return []
    if viewer.agency:
        found = [("Notifications", "/partner")]
    else:
        found = [("My work", "/work")]
        if teams_seen(viewer, visit.office):
            found.append(("Teams", "/teams"))
        found += [
            ("Exceptions", "/exceptions"),
            ("Insight", "/insight"),
            ("Rules", "/rules"),
            ("Subscriptions", "/subscriptions"),
        ]
        if visit.office.directory.agencies.agencies:
            found.append(("Partners", "/partners"))
        if visit.judge().verdict(Policy.system, viewer, {}).allowed:
            found += [("Deliveries", "/deliveries"), ("Health", "/system")]
    return [(words, href, at == href or at.startswith(f"{href}/")) for words, href in found]


def csrf_field(secret: str) -> Markup:
    """The hidden field of every form."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(sessions.csrf_of(secret))


def endpoint(web: Web, page: Page) -> Callable[[Request], Any]:
    """What serves a page: reads the form, and answers in a thread, so that a slow page holds up no other."""

    async def serve(request: Request) -> Response:
        form: Mapping[str, list[str]] = {}
        if request.method == "POST":
            body = bytearray()
            async for part in request.stream():
                body += part
                if len(body) > LONGEST_FORM:
                    return Response("The form is too long\n", 413, headers=HEADERS)
            form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=400)
        return await run_in_threadpool(answer, web, page, request, form)

    return serve


def answer(web: Web, page: Page, request: Request, form: Mapping[str, list[str]]) -> Response:
    """The answer to one request, or what to do instead."""
    with visiting(web, request, request.cookies.get(web.cookie, ""), BY_COOKIE, form) as visit:
        try:
            return _let_in(visit, page)
        except InputError as error:
            return visit.page("said_no.html.j2", 400, title="That did not work", what=error.what, fix=error.fix)
        except Exception as fault:
            id_ = uuid4().hex[:8]
            web.house.log.error("page_failed", page=page.path, id=id_, fault=type(fault).__name__, exc_info=True)
            return visit.page("failed.html.j2", 500, title="Something went wrong", id=id_)


@contextmanager
def visiting(
    web: Web, request: Request, secret: str, by: Container[sessions.How], form: Mapping[str, list[str]]
) -> Iterator[Visit]:
    """The visit of whoever the secret stands for, if they came in by one of those ways: else a program's token, which
    has no end, would do for a cookie."""
    house = web.house
    composer, now = house.composer_now(), house.clock()
    office = Office(composer.directory, house.calendar, now)
    with Session(reading(house.engine)) as session:
        visit = Visit(web, request, office, session, None, "", form)
        signed = sessions.look(session, secret, now, *limits(house)) if secret else None
        if signed and signed.how in by:
            visit.viewer = viewer_of(signed.subject, office.directory, office.today)
            visit.secret = secret if visit.viewer else ""
            if signed.unseen:
                _seen(house, signed.id, now)
        yield visit


def judged(visit: Visit, policy: Policy, path: str, name: str = "") -> str | None:
    """Decide by a route's policy whether the viewer may have it, as ``visit.right``. The child whose record it shows,
    if any: that they looked is kept before anything of the child is read, and so is that they were refused."""
    judge = visit.judge()
    visit.right = judge.verdict(policy, visit.viewer, visit.path)
    child = judge.child_of(policy, visit.path)
    if child is not None:
        what = name or f"{visit.request.method} {path}"[:40]
        visit.audit(what if visit.right.allowed else "refused", child=child, why=visit.right.why)
    return child


def _let_in(visit: Visit, page: Page) -> Response:
    request, viewer = visit.request, visit.viewer
    if page.policy is not Policy.public:
        if viewer is None:
            return _sign_in_first(visit)
        if not visit.web.too_often.allows(viewer.id, visit.now):
            return visit.page("too_often.html.j2", 429, title="Too many requests")
    if request.method == "POST" and (why := _forged(visit)):
        visit.house.log.warning("form_refused", page=page.path, why=why)
        return visit.page(
            "said_no.html.j2",
            403,
            title="That did not work",
            what=why,
            fix="Go back, load the page again, and send it once more",
        )
    child = judged(visit, page.policy, page.path, page.name)
    return page.do(visit) if visit.right.allowed else _refused(visit, page, child)


def _sign_in_first(visit: Visit) -> Response:
    """To sign in; whoever followed a link from a mail is led on to its page after that."""
    answer = RedirectResponse("/sign-in", 303, headers=HEADERS)
    path = visit.request.url.path
    if visit.request.method == "GET" and WITHIN.fullmatch(path):
        visit.set_cookie(answer, "-to", path, timedelta(minutes=15))
    return answer


def _refused(visit: Visit, page: Page, child: str | None) -> Response:
    """The same status for what is not there and for what is not theirs. Whoever asked by the number of an alert is
    not told whose it is, so they are offered the child in no emergency either."""
    emergency = False
    if child is not None and page.policy is Policy.child:
        emergency = visit.judge().verdict(Policy.emergency, visit.viewer, {"child": child}).allowed
    return visit.page(
        "refused.html.j2", 403, title="You cannot see this", why=visit.right.why, child=child if emergency else None
    )


def _forged(visit: Visit) -> str:
    """Why a form is not taken: it comes from elsewhere, or does not carry what its page was given."""
    headers, own = visit.request.headers, visit.request.url.netloc
    web = visit.house.settings.web
    hosts = {own, urlsplit(web.url).netloc if web else own}
    origin = headers.get("origin")
    if origin and origin != "null" and urlsplit(origin).netloc not in hosts:
        return "The form came from another site"
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return "The form came from another site"
    if visit.secret:
        given = visit.form.get("csrf", [""])[0]
        if not compare_digest(given.encode(), sessions.csrf_of(visit.secret).encode()):
            return "The form is out of date"
    return ""


def limits(house: House) -> tuple[timedelta, timedelta]:
    """How long a session lasts without use, and in any case."""
    web = house.settings.web
    return (web.idle, web.at_most) if web else (sessions.IDLE, sessions.ABSOLUTE)


def _seen(house: House, id_: int, now: datetime) -> None:
    with Session(house.engine) as session, session.begin():
        sessions.seen(session, id_, now)


@contextmanager
def deciding(visit: Visit) -> Iterator[Session]:
    """A transaction that decides, alone among daemons and pages."""
    with Session(visit.house.engine) as session, session.begin():
        alone(session)
        yield session
