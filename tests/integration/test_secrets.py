"""No secret of the settings is ever printed. Each that the models know is given, inline and in files, so that one which
is added is looked for too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from alertd.bootstrap import channel_of
from alertd.errors import InputError
from alertd.outbox.deliver import EMAIL
from alertd.reloading import unfit
from alertd.settings import load
from alertd.settings.reference import NAME, Key, keys
from tests.support.cli import Here

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # what Apprise imports

CANARY = "c4n4ryhush"
SECRETS = [key for key in keys() if key.secret]
NEEDED: dict[str, Any] = {
    "engine.executor": "dask://127.0.0.1:1",
    "engine.ca": "cert.pem",
    "engine.cert": "cert.pem",
    "rules.settings": {"cp.visit.interval": "10 working days"},
    "feed.kind": "ssd",
    "people.people": "people.csv",
    "people.teams": "teams.csv",
    "people.duty": "duty@council.example",
    "people.allowed_domains": ["council.example"],
    "web.url": "http://127.0.0.1:1",
    "web.certfile": "cert.pem",
    "web.oidc.issuer": "http://127.0.0.1:1",
    "web.oidc.client_id": "alertd",
    "receive.inbox": "inbox",
    "receive.la_code": 350,
    "receive.tokens_file": "tokens",
    "receive.certfile": "cert.pem",
    "metrics.certfile": "cert.pem",
    "traces.endpoint": "https://127.0.0.1:1/v1/traces",
    "mailbox.host": "127.0.0.1",
    "mailbox.port": 1,
    "mailbox.username": "alertd",
    "email.host": "127.0.0.1",
    "email.port": 1,
    "email.username": "alertd",
    "email.sender": "alertd@council.example",
    "email.smime.certificate_file": "cert.pem",
    "channels.govuk_notify.email_template": "00000000-0000-0000-0000-000000000000",
    "channels.mesh.url": "http://127.0.0.1:1",
    "channels.mesh.mailbox": "X26HC005",
    "channels.mesh.workflow_id": "ALERTD",
    "channels.mesh.certificate_file": "cert.pem",
    f"channels.webhook.endpoints.{NAME}.url": "http://127.0.0.1:1/",
    f"channels.webhook.endpoints.{NAME}.allow_private": True,
}
"""What the sections of the secrets cannot be without. Nobody listens at these addresses."""


def _inline(key: Key) -> str:
    """A secret as it may stand in the settings: an address holds it where its password or its path is."""
    if key.name.startswith("heartbeat"):
        return f"https://127.0.0.1:1/{CANARY}"
    return f"postgresql://alertd:{CANARY}@127.0.0.1:1/alertd" if key.name.endswith("url") else CANARY


def _written(folder: Path, *, in_files: bool) -> tuple[Path, set[str]]:
    """Settings with every secret, in files where it may be in one; and the secrets that are in them."""
    given: dict[str, Any] = dict(NEEDED)
    names = {key.name for key in SECRETS}
    for key in SECRETS:
        beside = key.name.removesuffix("_file") if key.is_file else f"{key.name}_file"
        if beside in names - {key.name} and key.is_file is not in_files:
            continue
        given[key.name] = _inline(key)
        if key.is_file:
            file = folder / f"{key.name}.secret"
            inner = Key(beside, key.of, key.field, "")
            file.write_text(f"ntfys://{CANARY}@127.0.0.1:1/x" if "apprise" in key.name else _inline(inner))
            file.chmod(0o600)
            given[key.name] = str(file)
    for name in ("people.csv", "teams.csv", "cert.pem"):
        (folder / name).write_text("id,name,email,role,team,deputy,away_from,away_to,leaves\n")
    config = folder / "alertd.toml"
    config.write_text("".join(f"{name.replace(NAME, 'one')} = {_toml(value)}\n" for name, value in given.items()))
    return config, given.keys() & names


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + "}"
    return json.dumps(value)


@pytest.fixture(params=[False, True], ids=["inline", "in files"])
def config(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return _written(tmp_path, in_files=request.param)[0]


def test_each_secret_is_given_once_at_least(tmp_path: Path) -> None:
    _, inline = _written(tmp_path, in_files=False)
    _, files = _written(tmp_path, in_files=True)
    assert inline | files == {key.name for key in SECRETS} and len(inline | files) > 20
    assert CANARY in (tmp_path / "email.password_file.secret").read_text()


def test_none_is_in_what_settings_and_channels_say_of_themselves(config: Path) -> None:
    settings = load(config)
    said = [repr(settings), str(settings)]
    for name in (EMAIL, *settings.channels):
        try:
            channel = channel_of(settings, name)
        except InputError as error:
            said.append(str(error))
        else:
            said += [repr(channel), str(channel)]
    assert CANARY not in "\n".join(said)


def test_none_is_printed_by_check_or_logged(config: Path, here: Here) -> None:
    with capture_logs() as logs:
        done = here("check", "--config", config)
    assert done.code == 2, "nobody listens"
    assert {"database", "feed", "e-mail", "mailbox", "council accounts"} <= {
        line.removeprefix("FAIL  ").partition(": ")[0] for line in done.err.splitlines()
    }
    assert CANARY not in done.out + done.err + json.dumps(logs, default=str)


def test_none_is_in_why_a_daemon_could_not_start_again(config: Path) -> None:
    settings = load(config)
    config.write_text(config.read_text() + 'email.colour = "red"\n')
    assert CANARY not in unfit(settings)


@pytest.mark.parametrize("key", SECRETS, ids=lambda key: key.name)
def test_none_is_in_the_error_of_one_that_cannot_be_used(tmp_path: Path, key: Key) -> None:
    """A table where a text is wanted, and a list."""
    config, _ = _written(tmp_path, in_files=key.is_file)
    lines = config.read_text().splitlines(keepends=True)
    for wrong in ({"x": CANARY}, [CANARY, CANARY], 7):
        dotted = key.name.replace(NAME, "one")
        config.write_text(
            "".join(f"{dotted} = {_toml(wrong)}\n" if line.startswith(f"{dotted} = ") else line for line in lines)
        )
        with pytest.raises(InputError) as refused:
            _used(config, key)
        assert CANARY not in str(refused.value)
        assert dotted in str(refused.value)


def _used(config: Path, key: Key) -> None:
    """Read the settings, and make the channel that the secret is of."""
    settings = load(config)
    section, _, rest = key.name.partition(".")
    if section in (EMAIL, "channels"):
        channel_of(settings, EMAIL if section == EMAIL else rest.partition(".")[0])
