"""A GOV.UK Notify of our own: what its API documentation says of the requests alertd makes, and no more."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import jwt
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

SERVICE, SECRET = "26785a09-ab16-4eb0-8407-a37497a57506", "3d844edf-8d35-48ac-975b-e847b4f122b0"
KEY = f"council-{SERVICE}-{SECRET}"
TEMPLATES = {sort: str(uuid4()) for sort in ("email", "sms", "letter")}
NEEDS = {"email": {"subject", "body"}, "sms": {"message"}, "letter": {"subject", "body"}}

Answer = tuple[int, str, str]
"""A code, the kind of error, and its words."""


@dataclass
class FakeNotify:
    """Keeps what it was given. ``fails`` are answers to the next messages, nothing taken; ``loses`` codes that answer
    the next ones though they were taken; ``hangs`` seconds before answers; ``deaf`` fails all that is asked."""

    server: HTTPServer
    taken: list[dict[str, Any]] = field(default_factory=list)
    fails: list[Answer] = field(default_factory=list)
    loses: list[int] = field(default_factory=list)
    hangs: list[float] = field(default_factory=list)
    deaf: int = 0
    statuses: dict[str, str] = field(default_factory=dict)
    holds: dict[str, set[str]] = field(default_factory=lambda: dict(NEEDS))
    asked: int = 0

    def __post_init__(self) -> None:
        for sort in TEMPLATES:
            self.server.expect_request(f"/v2/notifications/{sort}", method="POST").respond_with_handler(self._post)
        self.server.expect_request("/v2/notifications", method="GET").respond_with_handler(self._list)
        one = re.compile(r"/v2/notifications/[^/]+")
        self.server.expect_request(one, method="GET").respond_with_handler(self._one)
        self.server.expect_request(re.compile("/v2/template/.*")).respond_with_handler(self._template)

    @property
    def url(self) -> str:
        return self.server.url_for("").rstrip("/")

    def _refusal(self, request: Request) -> Response | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            claims = jwt.decode(token, SECRET, algorithms=["HS256"], issuer=SERVICE, options={"verify_iat": False})
        except jwt.InvalidTokenError:
            return _error(403, "AuthError", "Invalid token: API key not found")
        if scheme != "Bearer" or abs(time.time() - claims["iat"]) > 30:
            return _error(403, "AuthError", "Error: Your system clock must be accurate to within 30 seconds")
        return None

    def _post(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        if self.fails:
            return _error(*self.fails.pop(0))
        said = json.loads(request.get_data())
        sort = request.path.rpartition("/")[2]
        if said["template_id"] != TEMPLATES[sort]:
            return _error(400, "BadRequestError", "Template not found")
        if missing := self.holds[sort] - said["personalisation"].keys():
            return _error(400, "BadRequestError", f"Missing personalisation: {', '.join(missing)}")
        made = {"id": str(uuid4()), "sort": sort, **said}
        self.taken.append(made)
        if self.hangs:
            time.sleep(self.hangs.pop(0))
        if self.loses:
            return Response("<html>Bad gateway</html>", self.loses.pop(0), mimetype="text/html")
        return _json({"id": made["id"], "reference": said["reference"]}, 201)

    def _list(self, request: Request) -> Response:
        self.asked += 1
        if refusal := self._refusal(request):
            return refusal
        if self.deaf:
            return _error(self.deaf, "Exception", "Internal server error")
        reference = request.args.get("reference")
        return _json({"notifications": [{"id": one["id"]} for one in self.taken if one["reference"] == reference]})

    def _one(self, request: Request) -> Response:
        self.asked += 1
        if refusal := self._refusal(request):
            return refusal
        if self.deaf:
            return _error(self.deaf, "Exception", "Internal server error")
        id_ = request.path.rpartition("/")[2]
        if id_ not in self.statuses:
            return _error(404, "NoResultFound", "No result found")
        return _json({"id": id_, "status": self.statuses[id_]})

    def _template(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        id_ = request.path.rpartition("/")[2]
        sort = next((sort for sort, template in TEMPLATES.items() if template == id_), None)
        if sort is None:
            return _error(404, "NoResultFound", "No result found")
        return _json(
            {"id": id_, "type": sort, "personalisation": {one: {"required": True} for one in self.holds[sort]}}
        )


def _json(said: dict[str, Any], code: int = 200) -> Response:
    return Response(json.dumps(said), code, mimetype="application/json")


def _error(code: int, error: str, message: str) -> Response:
    return _json({"status_code": code, "errors": [{"error": error, "message": message}]}, code)
