"""A MESH of our own: what its API description says of the requests alertd makes, and no more."""

from __future__ import annotations

import hmac
import json
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


@dataclass
class FakeMesh:
    """Keeps what it was given. ``answers`` are (code, body) for the next messages, ``hangs`` seconds before answers."""

    server: HTTPServer
    taken: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    hangs: list[float] = field(default_factory=list)
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        path = f"/messageexchange/{MAILBOX}"
        self.server.expect_request(path, method="POST").respond_with_handler(self._handshake)
        self.server.expect_request(f"{path}/outbox", method="POST").respond_with_handler(self._outbox)
        self.server.expect_request(f"{path}/outbox/tracking").respond_with_handler(self._tracking)

    @property
    def url(self) -> str:
        return self.server.url_for("").rstrip("/")

    def _known(self, request: Request) -> bool:
        """The authorisation header: mailbox, nonce, count and minute in the open, and a hash over them with the
        password, by the shared key."""
        scheme, _, said = request.headers.get("Authorization", "").partition(" ")
        mailbox, nonce, count, minute, digest = [*said.split(":"), "", "", "", ""][:5]
        secret = f"{mailbox}:{nonce}:{count}:{PASSWORD}:{minute}"
        right = hmac.new(SHARED_KEY.encode(), secret.encode(), sha256).hexdigest()
        if not (scheme == "NHSMESH" and mailbox == MAILBOX and hmac.compare_digest(digest, right)):
            return False
        sent = datetime.strptime(minute, "%Y%m%d%H%M").replace(tzinfo=UTC)
        return abs((datetime.now(UTC) - sent).total_seconds()) < 7200

    def _handshake(self, request: Request) -> Response:
        return Response("", 200 if self._known(request) else 403)

    def _outbox(self, request: Request) -> Response:
        if not self._known(request):
            return Response("", 403)
        if self.answers:
            code, said = self.answers.pop(0)
            return Response(json.dumps(said), code, mimetype="application/json")
        made = {
            "id": uuid4().hex.upper(),
            "to": request.headers["Mex-To"],
            "workflow": request.headers["Mex-WorkflowID"],
            "local": request.headers.get("Mex-LocalID"),
            "subject": request.headers.get("Mex-Subject"),
            "body": request.get_data().decode(),
        }
        self.taken.append(made)
        if self.hangs:
            time.sleep(self.hangs.pop(0))
        return Response(json.dumps({"message_id": made["id"]}), 202, mimetype="application/json")

    def _tracking(self, request: Request) -> Response:
        said = self.statuses.get(request.args["messageID"]) if self._known(request) else None
        return Response(json.dumps(said), 200, mimetype="application/json") if said else Response("{}", 404)
