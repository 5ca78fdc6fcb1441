"""A small council with its pages: somebody signs in, and looks."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy.orm import Session
from starlette.applications import Starlette

from alertd.access import sessions
from alertd.people.directory import Directory, Person
from alertd.people.staff import Staff
from alertd.settings.web import Web
from alertd.web.app import app
from alertd.web.signing_in import links
from tests.support.council import PEOPLE, TEAMS, Council, council_at

URL = "http://127.0.0.1:8400"
OTHERS = (
    Person("W3", "Hal", "hal@council.example", "worker", "T2"),
    Person("M2", "Ida", "ida@council.example", "team_manager", "T2"),
    Person("A1", "Jo", "jo@council.example", "administrator", "SV"),
    Person("G1", "Kit", "kit@council.example", "information_governance", "SV"),
)


class Browser:
    """Asks an application as a browser without scripts does, and keeps its cookies."""

    def __init__(self, app: Starlette) -> None:
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=URL, follow_redirects=False
        )
        self.cookies = self._client.cookies

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return asyncio.run(self._client.request(method, path, **more))


@dataclass
class Pages:
    """A council, and a browser without scripts in which at most one person is signed in."""

    council: Council
    client: Browser

    def sign_in(self, subject: str) -> Pages:
        """As somebody of the directory, by a link."""
        self.client.cookies.clear()
        house = self.council.house
        made = links.made_for(house.engine, house.settings.web, house.staff.directory, subject, self.council.now)
        path = made.removeprefix(URL)
        assert self.client.ask("POST", path).status_code == 303
        return self

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.client.ask("GET", path, **more)

    def post(self, path: str, at: str = "/work", **form: str) -> httpx.Response:
        """Send a form, with what its page was given."""
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.get(at).text)
        assert found, "the page has a form of one who is signed in"
        return self.client.ask("POST", path, data={"csrf": found[1], **form})

    def program(self, subject: str, path: str) -> Any:
        """What a program reads from the API in somebody's name: the body, or the status where it is refused."""
        with Session(self.council.house.engine) as session, session.begin():
            secret = sessions.begin(session, subject, "token", self.council.now)
        answer = self.get(f"/api/v1{path}", headers={"authorization": f"Bearer {secret}"})
        return answer.json() if answer.status_code == 200 else answer.status_code


def pages_at(tmp_path: Path, url: str, **directory: Any) -> Pages:
    """The council of :mod:`tests.support.council` with a second team, an administrator and information governance."""
    council = council_at(tmp_path, url)
    settings = council.house.settings.model_copy(update={"web": Web(url=URL)})
    people = {one.id: one for one in (*PEOPLE, *OTHERS)}
    teams = {**TEAMS, "T2": replace(TEAMS["T1"], id="T2", name="South", inbox="south@council.example")}
    made = Directory(people, teams, "duty@council.example", **directory)
    council.house = replace(council.house, settings=settings, staff=Staff((), lambda: made))
    house = replace(council.house, clock=lambda: council.now)
    council.house = house
    return Pages(council, Browser(app(house)))
