"""A GOV.UK Notify of our own: what its API documentation says of the requests alertd makes, and no more."""

from __future__ import annotations

import json
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


@dataclass
class FakeNotify:
    """Keeps what it was given. ``fails`` are codes for the next messages; ``hangs`` seconds before the answers."""

    server: HTTPServer
    taken: list[dict[str, Any]] = field(default_factory=list)
    fails: list[int] = field(default_factory=list)
    hangs: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        for sort in TEMPLATES:
            self.server.expect_request(f"/v2/notifications/{sort}", method="POST").respond_with_handler(self._post)
        self.server.expect_request("/v2/notifications", method="GET").respond_with_handler(self._list)
        for template in TEMPLATES.values():
            self.server.expect_request(f"/v2/template/{template}").respond_with_handler(self._template)

    @property
    def url(self) -> str:
        return self.server.url_for("")

    def expect_status(self, id_: str, status: str) -> None:
        """What it says of a message from now on."""
        self.server.expect_request(f"/v2/notifications/{id_}").respond_with_json({"id": id_, "status": status})

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
            return _error(self.fails.pop(0), "RateLimitError", "to 07700900123 was not sent")
        said = json.loads(request.get_data())
        sort = request.path.rpartition("/")[2]
        needs = {"email": {"subject", "body"}, "sms": {"message"}, "letter": {"subject", "body", "address_line_1"}}
        if said["template_id"] != TEMPLATES[sort] or needs[sort] - said["personalisation"].keys():
            return _error(400, "BadRequestError", "Missing personalisation")
        made = {"id": str(uuid4()), "sort": sort, **said}
        self.taken.append(made)
        if self.hangs:
            time.sleep(self.hangs.pop(0))
        return Response(
            json.dumps({"id": made["id"], "reference": said["reference"]}), 201, mimetype="application/json"
        )

    def _list(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        reference = request.args.get("reference")
        found = [{"id": one["id"]} for one in self.taken if one["reference"] == reference]
        return Response(json.dumps({"notifications": found}), mimetype="application/json")

    def _template(self, request: Request) -> Response:
        return self._refusal(request) or Response(json.dumps({"id": "x"}), mimetype="application/json")


def _error(code: int, error: str, message: str) -> Response:
    said = {"status_code": code, "errors": [{"error": error, "message": message}]}
    return Response(json.dumps(said), code, mimetype="application/json")
