"""A real provider of OpenID Connect, that tests start, and that can be made to answer wrongly."""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl

from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it uses what Authlib keeps for it until 2.0
    import flask
    import oidc_provider_mock

CLIENT = "alertd-at-the-council"
Forge = Callable[[dict[str, Any], "Idp"], str]


@dataclass
class Idp:
    """The provider. ``forge`` makes another id_token of the claims it would give; what was asked is kept."""

    issuer: str = ""
    forge: Forge | None = None
    asked: list[str] = field(default_factory=list)
    tokens: list[dict[str, str]] = field(default_factory=list)
    broken: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Paths that answer something else."""
    extra: dict[str, Any] = field(default_factory=dict)
    """What it says of itself otherwise."""
    app: Any = None

    def storage(self) -> Any:
        with self.app.test_request_context():
            self.app.preprocess_request()
            return flask.g.oidc_provider_mock_storage

    def signed(self, claims: dict[str, Any], key: Any = None, **header: Any) -> str:
        """By the provider's own key, or by another."""
        own = RSAKey.import_key(self.storage().jwk.as_dict(is_private=True))
        made = key or own
        return jwt.encode({"alg": "RS256", **({"kid": made.kid} if made.kid else {}), **header}, claims, made)

    def __call__(self, environ: Any, start: Any) -> Any:
        request = Request(environ)
        self.asked.append(request.path)
        if request.path in self.broken:
            status, text = self.broken[request.path]
            return Response(text, status)(environ, start)
        if request.path == "/oauth2/token":
            body = request.get_data()
            environ["wsgi.input"] = BytesIO(body)
            self.tokens.append(dict(parse_qsl(body.decode())))
        answer = Response.from_app(self.app, environ)
        if request.path == "/.well-known/openid-configuration" and self.extra:
            answer.set_data(json.dumps({**answer.get_json(), **self.extra}))
        if request.path == "/oauth2/token" and self.forge and answer.status_code == 200:
            said = answer.get_json()
            said["id_token"] = self.forge(claims_of(said["id_token"]), self)
            answer.set_data(json.dumps(said))
        return answer(environ, start)

    def rotate(self, name: str | None) -> None:
        """Another key from now on, with a name or without one."""
        storage = self.storage()
        options = {"kid": name} if name else {}
        storage.jwk = type(storage.jwk).generate_key(2048, options=options, is_private=True)


def claims_of(token: str) -> dict[str, Any]:
    middle = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4))))


@contextmanager
def running(idp: Idp) -> Iterator[BaseWSGIServer]:
    server = make_server("127.0.0.1", 0, idp, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@cache
def mock() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = oidc_provider_mock.app(
            require_nonce=True,
            user_claims=[
                oidc_provider_mock.User(sub=sub, claims={"email": address, "email_verified": True})
                for sub, address in (("u1", "ADE@council.example"), ("u2", "nobody@council.example"))
            ],
        )
    made.debug = False
    return made
