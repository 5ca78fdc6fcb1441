"""Signing in with the council's own account, at a real provider of OpenID Connect that this file starts."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.cli.check import checks
from alertd.db.access_tables import AuditEntry, SignIn
from alertd.errors import InputError
from alertd.people.agencies import Agencies, Agency, Contact
from alertd.people.directory import Person
from alertd.settings.web import Oidc, Web
from alertd.web.app import app
from alertd.web.signing_in import asking, oidc
from alertd.web.signing_in.asking import ProviderError
from tests.support.oidc import CLIENT, Forge, Idp, mock, running
from tests.support.pages import URL, Browser, Pages, pages_at

pytestmark = [
    pytest.mark.filterwarnings("ignore::authlib.deprecate.AuthlibDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning"),
]


@pytest.fixture
def idp() -> Iterator[Idp]:
    found = Idp(app=mock())
    with running(found) as server:
        found.issuer = f"http://127.0.0.1:{server.server_port}"
        yield found


@pytest.fixture
def pages(tmp_path: Path, idp: Idp) -> Iterator[Pages]:
    gone = Person("W8", "Lee", "lee@council.example", "worker", "T1", leaves=datetime.now(UTC).date())
    police = Agency("police", "police", "Police", contacts=(Contact("nia", "Nia", "nia@police.example"),))
    found = pages_at(
        tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}", agencies=Agencies({"police": police}, authority="350")
    )
    directory = found.council.house.staff.directory
    directory = replace(directory, people={**directory.people, "W8": gone})
    staff = type(found.council.house.staff)((), lambda: directory)
    found.council.now = datetime.now(UTC)
    found.council.house = replace(found.council.house, staff=staff)
    (tmp_path / "secret").write_text("very secret\n")
    with_oidc(found, Oidc(issuer=idp.issuer, client_id=CLIENT, client_secret_file=tmp_path / "secret"))
    yield found
    found.council.house.engine.dispose()


def with_oidc(pages: Pages, settings: Oidc | None) -> None:
    house = pages.council.house
    web = Web(url=URL, oidc=settings)
    pages.council.house = replace(house, settings=house.settings.model_copy(update={"web": web}))
    pages.client = Browser(app(pages.council.house))


def leave(pages: Pages) -> str:
    """Press the button; where the browser is led."""
    answer = pages.client.ask("POST", "/sign-in/single")
    assert answer.status_code == 200, answer.text
    wait, _, there = answer.headers["refresh"].partition("; url=")
    assert wait == "0"
    link = re.search(r'<a class="govuk-link" href="([^"]+)"', answer.text)
    assert link and link[1].replace("&amp;", "&") == there
    return there


def at_provider(there: str, sub: str = "u1", **changed: str) -> str:
    """Sign in at the provider; the path by which it sends the browser back."""
    parts = urlsplit(there)
    query = urlencode({**dict(parse_qsl(parts.query)), **changed})
    answer = httpx.post(parts._replace(query=query).geturl(), data={"sub": sub})
    assert answer.status_code == 302, answer.text
    to = answer.headers["location"]
    assert to.startswith(f"{URL}/sign-in/single/back?")
    return str(to.removeprefix(URL))


def who(pages: Pages) -> str:
    """Whose pages the browser is shown; blank for nobody's."""
    answer = pages.get("/work")
    found = re.search(r'app-viewer__name" href="/sign-out">([^<]+)<', answer.text)
    return found[1] if found else ""


def refused(pages: Pages, path: str) -> None:
    answer = pages.get(path)
    assert answer.status_code == 400 and "You are not signed in" in answer.text
    assert who(pages) == "" and sessions(pages) == []


def sessions(pages: Pages) -> list[tuple[str, str]]:
    with Session(pages.council.house.engine) as session:
        return [(one.subject, one.how) for one in session.scalars(select(SignIn))]


def test_somebody_signs_in_with_their_account(pages: Pages, idp: Idp) -> None:
    assert "Sign in with your council account" in pages.get("/sign-in").text
    there = leave(pages)
    asked = dict(parse_qsl(urlsplit(there).query))
    assert there.startswith(f"{idp.issuer}/oauth2/authorize?")
    assert asked["redirect_uri"] == f"{URL}/sign-in/single/back" and asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256" and "openid" in asked["scope"].split()
    back = pages.get(at_provider(there))
    assert back.status_code == 303 and back.headers["location"] == "/"
    assert who(pages) == "Ade" and sessions(pages) == [("W1", "oidc")]
    verifier = idp.tokens[0]["code_verifier"]
    hashed = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert hashed == asked["code_challenge"]
    with Session(pages.council.house.engine) as session:
        [kept] = session.scalars(select(AuditEntry).where(AuditEntry.what == "signed in"))
        assert (kept.by, kept.why) == ("W1", "with their account at the council")


def test_the_cookie_of_the_way_is_for_its_browser_alone_and_ends_with_it(pages: Pages) -> None:
    answer = pages.client.ask("POST", "/sign-in/single")
    [cookie] = answer.headers.get_list("set-cookie")
    assert {"HttpOnly", "SameSite=lax", "Max-Age=600"} <= set(cookie.split("; ")), cookie
    secret = cookie.partition("=")[2].partition(";")[0]
    assert secret not in answer.headers["refresh"] and secret not in answer.text
    pages.get(at_provider(answer.headers["refresh"].partition("url=")[2]))
    assert "alertd-single" not in dict(pages.client.cookies)


def test_a_way_back_with_another_state_or_of_another_browser_signs_nobody_in(pages: Pages) -> None:
    path = at_provider(leave(pages))
    other = Browser(app(pages.council.house))
    assert other.ask("GET", path).status_code == 400, "whoever is sent another's way back is not signed in by it"
    refused(pages, re.sub(r"state=[^&]+", "state=another", path))
    refused(pages, re.sub(r"&?state=[^&]+", "", path))


def test_somebody_on_their_way_is_not_led_into_anothers_account(
    pages: Pages, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(pages)
    mine, pages.client = pages.client, Browser(app(pages.council.house))
    theirs = at_provider(leave(pages))
    pages.client = mine
    refused(pages, theirs)
    assert "not the one given to this browser" in capsys.readouterr().out


def test_of_two_who_come_back_at_once_by_the_same_way_one_is_let_in(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = dict(parse_qsl(urlsplit(leave(pages)).query))["state"]
    secret = pages.client.cookies["alertd-single"]
    monkeypatch.setattr(oidc, "find_link", lambda *_: state)  # as both read it before either wrote
    with Session(pages.council.house.engine) as session, session.begin():
        oidc.spend(session, secret, state, pages.council.now)
        with pytest.raises(oidc.NotBelievedError, match="a moment ago"):
            oidc.spend(session, secret, state, pages.council.now)


def test_two_browsers_on_their_ways_do_not_end_each_other(pages: Pages) -> None:
    first, mine = leave(pages), pages.client
    pages.client = Browser(app(pages.council.house))
    leave(pages)
    pages.client = mine
    assert pages.get(at_provider(first)).status_code == 303


def test_a_way_back_works_once(pages: Pages) -> None:
    path = at_provider(leave(pages))
    kept = dict(pages.client.cookies)
    assert pages.get(path).status_code == 303
    pages.client.cookies.clear()
    pages.client.cookies.update(kept)
    assert pages.get(path).status_code == 400 and sessions(pages) == [("W1", "oidc")]


def test_a_code_that_was_used_is_refused_by_the_provider_and_signs_nobody_in(pages: Pages) -> None:
    used = parse_qs(urlsplit(at_provider(leave(pages))).query)
    pages.get(f"/sign-in/single/back?{urlencode(used, doseq=True)}")
    with_oidc(pages, pages.council.house.settings.web.oidc)  # type: ignore[union-attr]
    state = dict(parse_qsl(urlsplit(leave(pages)).query))["state"]
    answer = pages.get(f"/sign-in/single/back?{urlencode({'code': used['code'][0], 'state': state})}")
    assert answer.status_code == 400 and who(pages) == ""


def test_a_way_that_took_too_long_is_over(pages: Pages) -> None:
    path = at_provider(leave(pages))
    pages.council.now += oidc.LASTS
    refused(pages, path)


def test_whoever_says_no_at_the_provider_is_not_signed_in(pages: Pages) -> None:
    state = dict(parse_qsl(urlsplit(leave(pages)).query))["state"]
    refused(pages, f"/sign-in/single/back?error=access_denied&state={state}")


def test_an_answer_of_another_provider_is_refused(pages: Pages) -> None:
    refused(pages, f"{at_provider(leave(pages))}&iss=https%3A%2F%2Felsewhere.example")


def test_another_nonce_is_refused(pages: Pages, capsys: pytest.CaptureFixture[str]) -> None:
    refused(pages, at_provider(leave(pages), nonce="of somebody else"))
    assert "InvalidClaimError nonce" in capsys.readouterr().out


def at_hash(token: str) -> str:
    return base64.urlsafe_b64encode(sha256(token.encode()).digest()[:16]).rstrip(b"=").decode()


def tampered(claims: dict[str, Any], idp: Idp) -> str:
    """Another address, under the signature of the first."""
    head, _, signature = idp.signed(claims).split(".")
    other = json.dumps({**claims, "email": "bo@council.example"}).encode()
    return ".".join((head, base64.urlsafe_b64encode(other).rstrip(b"=").decode(), signature))


def unsigned(claims: dict[str, Any], _: Idp) -> str:
    parts = ({"alg": "none"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts) + "."


def with_a_shared_secret(claims: dict[str, Any], idp: Idp) -> str:
    """Signed with what everybody may read: the provider's public key."""
    public = json.dumps(idp.storage().jwk.as_dict(is_private=False)).encode()
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(public))


NOW = int(datetime.now(UTC).timestamp())
FORGED: dict[str, Forge] = {
    "wrong audience": lambda claims, idp: idp.signed({**claims, "aud": "another-client"}),
    "audience besides, and for another": lambda claims, idp: idp.signed(
        {**claims, "aud": [CLIENT, "another"], "azp": "x"}
    ),
    "wrong issuer": lambda claims, idp: idp.signed({**claims, "iss": "https://elsewhere.example"}),
    "no issuer": lambda claims, idp: idp.signed({k: v for k, v in claims.items() if k != "iss"}),
    "expired": lambda claims, idp: idp.signed({**claims, "iat": NOW - 7200, "exp": NOW - 3600}),
    "no end": lambda claims, idp: idp.signed({k: v for k, v in claims.items() if k != "exp"}),
    "no nonce": lambda claims, idp: idp.signed({k: v for k, v in claims.items() if k != "nonce"}),
    "wrong at_hash": lambda claims, idp: idp.signed({**claims, "at_hash": at_hash("another token")}),
    "tampered": tampered,
    "unsigned": unsigned,
    "with a shared secret": with_a_shared_secret,
    "by another key": lambda claims, idp: idp.signed(claims, RSAKey.generate_key(2048)),
    "by an unknown key": lambda claims, idp: idp.signed(claims, RSAKey.generate_key(2048), kid="unknown"),
    "address not verified": lambda claims, idp: idp.signed({**claims, "email_verified": False}),
    "no address": lambda claims, idp: idp.signed({k: v for k, v in claims.items() if k != "email"}),
    "no token at all": lambda _claims, _idp: "",
}


WHY = {
    "wrong audience": "InvalidClaimError aud",
    "audience besides, and for another": "InvalidClaimError azp",
    "wrong issuer": "InvalidClaimError iss",
    "no issuer": "MissingClaimError iss",
    "expired": "ExpiredTokenError exp",
    "no end": "MissingClaimError exp",
    "no nonce": "MissingClaimError nonce",
    "wrong at_hash": "InvalidClaimError at_hash",
    "tampered": "BadSignatureError",
    "unsigned": "UnsupportedAlgorithmError",
    "with a shared secret": "UnsupportedAlgorithmError",
    "by another key": "BadSignatureError",
    "by an unknown key": "InvalidKeyIdError",
    "address not verified": "address is not verified",
    "no address": "has no address in",
    "no token at all": "DecodeError",
}
"""Why each is refused, as the log says it: a token that is wrong in two ways would show nothing of either."""


@pytest.mark.parametrize("name", FORGED)
def test_an_id_token_that_is_not_as_it_should_be_signs_nobody_in(
    pages: Pages, idp: Idp, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    idp.forge = FORGED[name]
    refused(pages, at_provider(leave(pages)))
    assert WHY[name] in capsys.readouterr().out
    idp.forge = lambda claims, idp: idp.signed(claims)
    assert pages.get(at_provider(leave(pages))).status_code == 303, "what the provider itself signs is believed"


@pytest.mark.parametrize("address", ["nobody@council.example", "lee@council.example"], ids=["unknown", "leaver"])
def test_whoever_the_directory_does_not_know_is_told_whom_to_ask(pages: Pages, idp: Idp, address: str) -> None:
    idp.forge = lambda claims, idp: idp.signed({**claims, "email": address})
    answer = pages.get(at_provider(leave(pages)))
    assert answer.status_code == 403 and "Ask your manager" in answer.text and address not in answer.text
    assert sessions(pages) == [] and who(pages) == ""


def test_the_contact_of_an_agency_comes_in_as_that(pages: Pages, idp: Idp) -> None:
    idp.forge = lambda claims, idp: idp.signed({**claims, "email": "nia@police.example"})
    assert pages.get(at_provider(leave(pages))).status_code == 303
    assert sessions(pages) == [("agency:police:nia", "oidc")]
    assert pages.get("/work").status_code == 403 and pages.get("/partner").status_code == 200


def test_the_address_may_be_in_another_claim(pages: Pages, idp: Idp) -> None:
    settings = pages.council.house.settings.web.oidc  # type: ignore[union-attr]
    assert settings
    with_oidc(pages, settings.model_copy(update={"claim": "upn"}))
    idp.forge = lambda claims, idp: idp.signed({**claims, "upn": "bo@council.example"})
    assert pages.get(at_provider(leave(pages))).status_code == 303 and who(pages) == "Bo"


def test_discovery_and_keys_are_kept_and_a_new_key_is_fetched_once(pages: Pages, idp: Idp) -> None:
    for _ in range(2):
        assert pages.get(at_provider(leave(pages))).status_code == 303
        pages.client.cookies.clear()
    assert idp.asked.count("/.well-known/openid-configuration") == 1 and idp.asked.count("/jwks") == 1
    for times, name in enumerate(("two", "three", None, None), 2):
        idp.rotate(name)
        pages.council.now += oidc.KEYS_AGAIN
        pages.client.cookies.clear()
        assert pages.get(at_provider(leave(pages))).status_code == 303, (times, name)
        assert idp.asked.count("/jwks") == times
    pages.client.cookies.clear()
    idp.forge = FORGED["by an unknown key"]
    for _ in range(3):
        assert pages.get(at_provider(leave(pages))).status_code == 400
    assert idp.asked.count("/jwks") == 5, "whoever makes up keys does not have us ask each time"
    idp.forge = None
    pages.council.now += oidc.DISCOVERED_FOR
    leave(pages)
    assert idp.asked.count("/.well-known/openid-configuration") == 2


DOWN: dict[str, dict[str, tuple[int, str]]] = {
    "discovery answers 500": {"/.well-known/openid-configuration": (500, "no")},
    "discovery is no JSON": {"/.well-known/openid-configuration": (200, "<html>")},
    "discovery is a list": {"/.well-known/openid-configuration": (200, "[]")},
    "discovery is of another": {"/.well-known/openid-configuration": (200, '{"issuer": "https://x.example"}')},
    "discovery has no end": {"/.well-known/openid-configuration": (200, " " * (asking.LONGEST + 1))},
}


@pytest.mark.parametrize("name", DOWN)
def test_where_the_provider_is_down_a_link_by_mail_still_works(pages: Pages, idp: Idp, name: str) -> None:
    idp.broken = DOWN[name]
    answer = pages.client.ask("POST", "/sign-in/single")
    assert answer.status_code == 502 and "by a link to your e-mail address instead" in answer.text
    assert idp.issuer not in answer.text
    pages.sign_in("W1")
    assert who(pages) == "Ade"


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/oauth2/token", 500, "no"),
        ("/oauth2/token", 401, '{"error": "invalid_client"}'),
        ("/jwks", 200, '{"keys": 1}'),
    ],
)
def test_what_breaks_on_the_way_back_is_the_providers_fault(
    pages: Pages, idp: Idp, path: str, status: int, text: str
) -> None:
    back = at_provider(leave(pages))
    idp.broken = {path: (status, text)}
    assert pages.get(back).status_code == 502 and sessions(pages) == []


def test_nobody_listens(pages: Pages, idp: Idp, tmp_path: Path) -> None:
    with running(Idp()) as server:
        port = server.server_port
    with_oidc(pages, Oidc(issuer=f"http://127.0.0.1:{port}", client_id=CLIENT, client_secret_file=tmp_path / "secret"))
    assert pages.client.ask("POST", "/sign-in/single").status_code == 502


def test_a_secret_that_cannot_be_read_is_told_of_in_the_log_alone(pages: Pages, tmp_path: Path) -> None:
    path = at_provider(leave(pages))
    (tmp_path / "secret").unlink()
    answer = pages.get(path)
    assert answer.status_code == 502 and str(tmp_path) not in answer.text


def test_endpoints_without_https_are_not_used(idp: Idp, tmp_path: Path) -> None:
    settings = Oidc(issuer=idp.issuer, client_id=CLIENT, client_secret_file=tmp_path / "secret")
    idp.extra = {"token_endpoint": "http://elsewhere.example/token"}
    with pytest.raises(ProviderError, match="token_endpoint is not https"):
        oidc.discover(settings)
    idp.extra = {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}
    with pytest.raises(ProviderError, match="takes no client secret"):
        oidc.discover(settings)
    idp.extra = {"token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"]}
    assert oidc.discover(settings).auth_method == "client_secret_post"


def test_without_the_setting_there_is_no_such_page(pages: Pages) -> None:
    with_oidc(pages, None)
    assert pages.client.ask("POST", "/sign-in/single").status_code == 404
    assert pages.get("/sign-in/single/back?code=x&state=y").status_code == 404
    assert "council account" not in pages.get("/sign-in").text


def test_the_file_of_the_secret_is_beside_the_settings(tmp_path: Path) -> None:
    made = Web(url=URL, oidc=Oidc(issuer="https://x.example", client_id="x", client_secret_file=Path("secret")))
    assert (found := made.beside(tmp_path).oidc) and found.client_secret_file == tmp_path / "secret"
    assert Web(url=URL).beside(tmp_path).oidc is None


def test_an_issuer_elsewhere_must_be_https(tmp_path: Path) -> None:
    for good in ("https://login.example/tenant/v2.0", "http://localhost:9400", "http://127.0.0.1:1"):
        assert Oidc(issuer=good, client_id="x", client_secret_file=tmp_path).issuer == good
    for bad in ("http://login.example", "ftp://x", "https://x?y=1", "http://127.0.0.1.evil.example"):
        with pytest.raises(ValueError, match="issuer"):
            Oidc(issuer=bad, client_id="x", client_secret_file=tmp_path)


def test_ways_that_nobody_came_back_by_are_forgotten(pages: Pages) -> None:
    leave(pages)
    pages.council.now += timedelta(days=1, minutes=1)
    leave(pages)
    with Session(pages.council.house.engine) as session:
        kept = session.scalars(select(oidc.Link.at).where(oidc.Link.purpose == oidc.PURPOSE)).all()
    assert kept == [pages.council.now]


def test_the_check_of_settings_tries_the_provider(pages: Pages, idp: Idp, tmp_path: Path) -> None:
    def check() -> str:
        return dict(checks(pages.council.house.settings))["council accounts"]()

    assert idp.issuer in check()
    idp.broken = {"/jwks": (500, "no")}
    with pytest.raises(InputError, match="jwks answered 500"):
        check()
    idp.broken = {}
    (tmp_path / "secret").write_text(" \n")
    with pytest.raises(InputError, match="secret is empty"):
        check()
    with_oidc(pages, None)
    assert "council accounts" not in dict(checks(pages.council.house.settings))
