"""Signing in with the council's own accounts: OpenID Connect, authorization code flow with PKCE.

The browser holds one random secret while somebody is away at the provider. State, nonce and the verifier of PKCE all
follow from it, so none of them is kept; that the secret was given out, not long ago and not used yet, is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from alertd.db.links import find_link, new_link, revoke_links, secret
from alertd.db.tables import Link
from alertd.errors import InputError
from alertd.settings.listening import loopback
from alertd.settings.web import Oidc
from alertd.web.signing_in.asking import ProviderError, ask

PURPOSE: Final = "sign-in with an account"
LASTS: Final = timedelta(minutes=10)
"""How long somebody may be away at the provider: for a password, a second factor and a telephone that is elsewhere."""
DISCOVERED_FOR: Final = timedelta(hours=1)
KEYS_AGAIN: Final = timedelta(minutes=1)
"""How often keys are fetched for a key that is not among them: it may be new, or made up to have us ask."""
LEEWAY: Final = 60
"""Seconds by which two machines' clocks may differ."""
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that only the provider can make; never a shared secret, never none."""


class NotBelievedError(Exception):
    """What came back is not believed: ``why`` is for whoever runs alertd, without a word of any person."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a provider does what, as it says itself."""

    authorize: str
    token: str
    keys: str
    auth_method: str


class Provider:
    """What is known of the provider: found out once an hour, its keys when one is not among them. Safe to be asked
    from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._endpoints: tuple[Oidc, datetime, Endpoints] | None = None
        self._keys: tuple[str, datetime, KeySet] | None = None

    def endpoints(self, oidc: Oidc, now: datetime) -> Endpoints:
        """Raises ProviderError where it cannot be asked, or says what cannot be."""
        with self._lock:
            kept = self._endpoints
            if kept is None or kept[0] != oidc or not timedelta() <= now - kept[1] < DISCOVERED_FOR:
                kept = self._endpoints = (oidc, now, discover(oidc))
            return kept[2]

    def claims(self, oidc: Oidc, token: str, now: datetime) -> jwt.Token:
        """What an id_token says, its signature checked: by new keys where those kept do not fit, for a provider that
        gives its keys no names may change them. Raises NotBelievedError, and ProviderError."""
        where = self.endpoints(oidc, now).keys
        try:
            return _decoded(token, self._keys_at(where, now, now - DISCOVERED_FOR))
        except NotBelievedError as error:
            if not isinstance(error.__cause__, InvalidKeyIdError | BadSignatureError):
                raise
        return _decoded(token, self._keys_at(where, now, now - KEYS_AGAIN))

    def _keys_at(self, where: str, now: datetime, oldest: datetime) -> KeySet:
        with self._lock:
            kept = self._keys
            if kept is None or kept[0] != where or not oldest < kept[1] <= now:
                kept = self._keys = (where, now, _key_set(ask("GET", where), where))
            return kept[2]


def _decoded(token: str, keys: KeySet) -> jwt.Token:
    try:
        return jwt.decode(token, keys, algorithms=ALGORITHMS)
    except (JoseError, ValueError) as error:
        raise NotBelievedError(f"the id_token is not signed as it should be: {type(error).__name__}") from error


def discover(oidc: Oidc) -> Endpoints:
    """What the provider says of itself (OpenID Connect Discovery 1.0). Raises ProviderError."""
    said = ask("GET", f"{oidc.issuer.rstrip('/')}/.well-known/openid-configuration")
    if said.get("issuer") != oidc.issuer:
        raise ProviderError(f"the provider calls itself {said.get('issuer')!r}: write [web.oidc] issuer just so")
    methods = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    known = [one for one in ("client_secret_post", "client_secret_basic") if one in methods]
    if not known:
        raise ProviderError("the provider takes no client secret at its token endpoint")
    return Endpoints(
        _endpoint(said, "authorization_endpoint", oidc),
        _endpoint(said, "token_endpoint", oidc),
        _endpoint(said, "jwks_uri", oidc),
        known[0],
    )


def tried(oidc: Oidc) -> str:
    """What a trial of the provider comes to, for whoever sets it up. Raises InputError."""
    try:
        client_secret(oidc)
        found = discover(oidc)
        _key_set(ask("GET", found.keys), found.keys)
    except ProviderError as error:
        fix = "Look at issuer and client_secret_file; people can sign in by a link meanwhile"
        raise InputError(error.why, where="web.oidc", fix=fix) from None
    return f"{oidc.issuer} answers and has keys; whether it knows {oidc.client_id!r} shows when somebody signs in"


def _endpoint(said: Mapping[str, Any], name: str, oidc: Oidc) -> str:
    url = said.get(name)
    parts = urlsplit(url) if isinstance(url, str) else None
    if parts is None or not parts.hostname:
        raise ProviderError(f"the provider says nothing of its {name}")
    near = parts.scheme == "http" and oidc.issuer.startswith("http://") and loopback(parts.hostname)
    if parts.scheme != "https" and not near:
        raise ProviderError(f"the provider's {name} is not https")
    return str(url)


def _key_set(found: Mapping[str, Any], where: str) -> KeySet:
    try:
        return KeySet.import_key_set(dict(found))  # type: ignore[arg-type]
    except (JoseError, ValueError, KeyError, TypeError):
        raise ProviderError(f"{where} holds no keys") from None


def begin(session: Session, now: datetime) -> str:
    """The secret of somebody who goes to the provider, for a cookie of their browser. Who never came back is
    forgotten after a day."""
    session.execute(delete(Link).where(Link.purpose == PURPOSE, Link.at < now - timedelta(days=1)))
    made = secret()
    return new_link(session, PURPOSE, _part("state", made), now, lambda: made)


def address(endpoints: Endpoints, oidc: Oidc, given: str, back: str) -> str:
    """Where to send the browser that holds the secret."""
    made: str = prepare_grant_uri(
        endpoints.authorize,
        client_id=oidc.client_id,
        response_type="code",
        redirect_uri=back,
        scope="openid email profile",
        state=_part("state", given),
        nonce=_part("nonce", given),
        code_challenge=create_s256_code_challenge(_part("verifier", given)),
        code_challenge_method="S256",
    )
    return made


def spend(session: Session, given: str, state: str, now: datetime) -> None:
    """End the way of a browser, so that nobody comes back by it twice. Raises NotBelievedError for one that was not
    given out, is too old, was used, or came back with another's state."""
    if not compare_digest(_part("state", given).encode(), state.encode()):
        raise NotBelievedError("the state is not the one given to this browser")
    at = session.scalar(select(Link.at).where(Link.purpose == PURPOSE, Link.subject == state))
    if find_link(session, PURPOSE, given) is None or at is None or not timedelta() <= now - at < LASTS:
        raise NotBelievedError("the way back was used before, or is too old")
    if revoke_links(session, PURPOSE, state, now) != 1:
        raise NotBelievedError("the way back was used a moment ago")


def address_of(provider: Provider, oidc: Oidc, given: str, code: str, back: str, now: datetime) -> str:
    """The e-mail address of whoever signed in with the provider. Raises NotBelievedError, and ProviderError."""
    answer = _redeemed(provider.endpoints(oidc, now), oidc, given, code, back)
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise NotBelievedError("the provider gave no id_token")
    found = provider.claims(oidc, token, now)
    claims = CodeIDToken(
        found.claims,
        found.header,
        {"iss": {"essential": True, "value": oidc.issuer}, "aud": {"essential": True, "value": oidc.client_id}},
        {"nonce": _part("nonce", given), "client_id": oidc.client_id, "access_token": answer.get("access_token")},
    )
    try:
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY)
    except (JoseError, ValueError, TypeError) as error:
        fault = f"{type(error).__name__} {getattr(error, 'claim', '')}".strip()
        raise NotBelievedError(f"the id_token is not for us, or not of now: {fault}") from None
    return _address_in(claims, oidc)


def _redeemed(endpoints: Endpoints, oidc: Oidc, given: str, code: str, back: str) -> dict[str, Any]:
    body = prepare_token_request(
        "authorization_code", code=code, redirect_uri=back, code_verifier=_part("verifier", given)
    )
    form = {"content-type": "application/x-www-form-urlencoded"}
    auth = ClientAuth(oidc.client_id, client_secret(oidc), endpoints.auth_method)
    url, headers, body = auth.prepare("POST", endpoints.token, form, body)
    try:
        return ask("POST", url, headers, body)
    except ProviderError as error:
        if error.answered == "invalid_grant":
            raise NotBelievedError("the provider gave out no such code, or it was used") from None
        raise


def client_secret(oidc: Oidc) -> str:
    """What the provider knows us by. Raises ProviderError where its file cannot be read."""
    try:
        found = oidc.client_secret_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise ProviderError(f"{oidc.client_secret_file} cannot be read: {type(fault).__name__}") from None
    if not found:
        raise ProviderError(f"{oidc.client_secret_file} is empty")
    return found


def _address_in(claims: Mapping[str, Any], oidc: Oidc) -> str:
    """The address, unless the provider says that it never made sure whose it is."""
    if claims.get("email_verified") in (False, "false"):
        raise NotBelievedError("the provider says that the address is not verified")
    found = claims.get(oidc.claim)
    if not isinstance(found, str) or "@" not in found:
        raise NotBelievedError(f"the id_token has no address in {oidc.claim!r}: see [web.oidc] claim")
    return found


def _part(of: str, given: str) -> str:
    """What follows from the secret of a browser: 256 bits that say nothing of it, nor of each other."""
    return sha256(f"{of} of {given}".encode()).hexdigest()
