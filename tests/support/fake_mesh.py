"""A MESH of our own: what its API description says of the requests alertd makes, and no more."""

from __future__ import annotations

import hmac
import json
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

MAILBOX, PASSWORD, SHARED_KEY = "X26ABC1", "pass-word", "TestKey"
THEIRS = "X26HC005"

Answer = tuple[int, str, str]
"""A status, MESH's code, and its words."""


@dataclass
class FakeMesh:
    """Keeps what it was given. ``fails`` are answers to the next messages, nothing taken; ``loses`` codes that answer
    the next ones though they were taken; ``hangs`` seconds before answers; ``deaf`` fails all that is asked.
    ``inbox`` has the headers of what waits for us."""

    server: HTTPServer
    taken: list[dict[str, Any]] = field(default_factory=list)
    fails: list[Answer] = field(default_factory=list)
    loses: list[int] = field(default_factory=list)
    hangs: list[float] = field(default_factory=list)
    deaf: int = 0
    asked: int = 0
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    inbox: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        path = f"/messageexchange/{MAILBOX}"
        self.server.expect_request(path, method="POST").respond_with_handler(self._handshake)
        self.server.expect_request(f"{path}/outbox", method="POST").respond_with_handler(self._outbox)
        for uri in (f"{path}/outbox/tracking", re.compile(f"{path}/outbox/tracking/.+")):
            self.server.expect_request(uri, method="GET").respond_with_handler(self._tracking)
        self.server.expect_request(f"{path}/inbox", method="GET").respond_with_handler(self._list)
        one = re.compile(f"{path}/inbox/[^/]+")
        self.server.expect_request(one, method="HEAD").respond_with_handler(self._headers)
        acknowledged = re.compile(f"{path}/inbox/[^/]+/status/acknowledged")
        self.server.expect_request(acknowledged, method="PUT").respond_with_handler(self._acknowledged)

    @property
    def url(self) -> str:
        return self.server.url_for("").rstrip("/")

    def _refusal(self, request: Request) -> Response | None:
        """By the authorisation header: mailbox, nonce, count and minute in the open, and a hash over them with the
        password, by the shared key."""
        scheme, _, said = request.headers.get("Authorization", "").partition(" ")
        mailbox, nonce, count, minute, digest = [*said.split(":"), "", "", "", ""][:5]
        secret = f"{mailbox}:{nonce}:{count}:{PASSWORD}:{minute}"
        right = hmac.new(SHARED_KEY.encode(), secret.encode(), sha256).hexdigest()
        if not (scheme == "NHSMESH" and mailbox == MAILBOX and hmac.compare_digest(digest, right)):
            return _error(403, "", "Invalid Authentication Token")
        sent = datetime.strptime(minute, "%Y%m%d%H%M").replace(tzinfo=UTC)
        late = abs((datetime.now(UTC) - sent).total_seconds()) > 7200
        return _error(403, "", "Invalid Authentication Token") if late else None

    def _handshake(self, request: Request) -> Response:
        return self._refusal(request) or _json({"mailboxId": MAILBOX})

    def _outbox(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        if self.fails:
            return _error(*self.fails.pop(0))
        made = {
            "id": uuid4().hex.upper(),
            "to": request.headers["Mex-To"],
            "workflow": request.headers["Mex-WorkflowID"],
            "local": request.headers.get("Mex-LocalID"),
            "subject": request.headers.get("Mex-Subject"),
            "headers": dict(request.headers),
            "body": request.get_data().decode(),
        }
        self.taken.append(made)
        if self.hangs:
            time.sleep(self.hangs.pop(0))
        if self.loses:
            return Response("<html>Bad gateway</html>", self.loses.pop(0), mimetype="text/html")
        return _json({"message_id": made["id"]}, 202)

    def _tracking(self, request: Request) -> Response:
        self.asked += 1
        if refusal := self._refusal(request):
            return refusal
        if self.deaf:
            return Response("", self.deaf)
        local = request.path.rpartition("/tracking")[2].lstrip("/")
        if not local:
            said = self.statuses.get(request.args["messageID"])
            return _json(said) if said else Response("", 404)
        found = [one["id"] for one in self.taken if one["local"] == local]
        if len(found) != 1:
            return Response("", 300 if found else 404)
        return _json({"messageId": found[0], "localId": local, "status": "Accepted"})

    def _list(self, request: Request) -> Response:
        return self._refusal(request) or _json({"messages": list(self.inbox), "links": {}})

    def _headers(self, request: Request) -> Response:
        said = self.inbox.get(request.path.rpartition("/")[2])
        return self._refusal(request) or Response("", 404 if said is None else 200, said)

    def _acknowledged(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        self.inbox.pop(request.path.split("/")[-3])
        return Response("", 200)


def _json(said: dict[str, Any], code: int = 200) -> Response:
    return Response(json.dumps(said), code, mimetype="application/vnd.mesh.v2+json")


def _error(status: int, code: str, words: str) -> Response:
    return _json({"internal_id": uuid4().hex, "detail": [{"event": "SEND", "code": code, "msg": words}]}, status)
