"""What is given beside the settings file, by systemd and by the environment: where it goes, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from alertd.bootstrap import channel_of
from alertd.errors import InputError
from alertd.settings import load
from alertd.settings.reference import NAME, keys, sections
from tests.unit.test_settings import GOOD, SEVERAL, write


@pytest.fixture
def passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which systemd puts the credentials of a unit."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return folder


def put(folder: Path, name: str, content: str = "secret") -> Path:
    file = folder / name
    file.write_text(content)
    file.chmod(0o400)
    return file


def test_a_credential_named_as_the_setting_of_a_file_is_that_file(tmp_path: Path, passed: Path) -> None:
    password = put(passed, "email.password_file")
    put(passed, "database.url_file", "postgresql://alertd:hush@db.example/alertd\n")
    put(passed, "channels.webhook.endpoints.case.secret_file")
    put(passed, "tls-key", "of another unit's own")
    text = GOOD.replace('tls = "none"', 'username = "alertd"\ntls = "starttls"')
    settings = load(write(tmp_path, text + '[channels.webhook.endpoints.case]\nurl = "https://case.example/x"\n'))
    assert settings.email["password_file"] == str(password)
    assert settings.database.url == "postgresql://alertd:hush@db.example/alertd"
    webhook = settings.channels["webhook"]["endpoints"]["case"]
    assert webhook["secret_file"] == str(passed / "channels.webhook.endpoints.case.secret_file")
    assert "hush" not in repr(settings)


def test_one_of_a_folder_that_systemd_passes_is_named_by_what_stands_behind_its_id(
    tmp_path: Path, passed: Path
) -> None:
    password = put(passed, "alertd_email.password_file")
    put(passed, "alertd_README")
    text = GOOD.replace('tls = "none"', 'username = "alertd"\ntls = "starttls"')
    assert load(write(tmp_path, text)).email["password_file"] == str(password)


def test_of_several_feeds_a_credential_names_the_one(tmp_path: Path, passed: Path) -> None:
    put(passed, "feed.ssd.url_file", "postgresql://reader:hush@db.example/cases")
    text = SEVERAL.replace('url = "sqlite:///authority.db"\n', "")
    first, second = load(write(tmp_path, text)).feed
    assert first.url == "postgresql://reader:hush@db.example/cases"
    assert second.url == str(tmp_path / "lists")


def test_the_environment_stands_above_a_credential_and_that_above_the_file(
    tmp_path: Path, passed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(passed, "people.people", "")
    assert load(write(tmp_path)).people.people == passed / "people.people"
    monkeypatch.setenv("ALERTD_PEOPLE__PEOPLE", "/srv/people.csv")
    assert load(write(tmp_path)).people.people == Path("/srv/people.csv")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("emial.password_file", "the credential emial.password_file: there is no section [emial]. Did you mean email?"),
        ("mailbox.pasword_file", "the credential mailbox.pasword_file: is not a setting. Did you mean password_file?"),
        (
            "feed.url_file",
            "the credential feed.url_file: does not say which of several feeds. Write feed.NAME.url_file",
        ),
        ("feed.cin.url_file", "the credential feed.cin.url_file: does not say which of several feeds."),
    ],
)
def test_a_credential_that_is_no_setting_is_named(tmp_path: Path, passed: Path, name: str, said: str) -> None:
    put(passed, name)
    with pytest.raises(InputError) as refused:
        load(write(tmp_path, SEVERAL + '[mailbox]\nhost = "imap.example"\nusername = "alertd"\n'))
    assert str(refused.value).startswith(said)


def test_a_channels_credential_that_is_misspelt_is_named_too(tmp_path: Path, passed: Path) -> None:
    put(passed, "email.pasword_file")
    with pytest.raises(InputError, match=r"^the credential email\.pasword_file: is not a setting. Did you mean"):
        channel_of(load(write(tmp_path)), "email")


def test_an_address_that_stands_in_a_file_and_beside_it_is_refused(tmp_path: Path, passed: Path) -> None:
    put(passed, "feed.url_file", "postgresql://reader:hush@db.example/cases")
    with pytest.raises(InputError, match="give url or url_file, not both"):
        load(write(tmp_path))


@pytest.mark.parametrize(
    ("mode", "content", "said"),
    [(0o644, "x", "open to every user"), (0o600, "", "is empty"), (None, "", "cannot be read (FileNotFoundError)")],
)
def test_the_file_of_an_address_is_as_strictly_kept_as_any_secret(
    tmp_path: Path, mode: int | None, content: str, said: str
) -> None:
    if mode is not None:
        (tmp_path / "url").write_text(content)
        (tmp_path / "url").chmod(mode)
    with pytest.raises(InputError) as refused:
        load(write(tmp_path, GOOD + '[database]\nurl_file = "url"\n'))
    assert str(refused.value).startswith(f"{tmp_path}/url: the database address file ") and said in str(refused.value)


@pytest.mark.parametrize("name", ["ALERTD_SHEDULE__DIGEST", "alertd_shedule__digest"])
def test_a_variable_of_no_section_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "09:00")
    monkeypatch.setenv("ALERTD_GOVUK_FRONTEND", "/somewhere")  # where alertd is built
    with pytest.raises(InputError) as refused:
        load(write(tmp_path))
    assert str(refused.value) == f"{name} in the environment: there is no section [shedule]. Did you mean schedule?"


def test_no_variable_of_the_page_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each changes the settings, or is refused."""
    path = write(tmp_path)
    before = load(path)
    listed = [key.variable for key in keys() if key.variable]
    assert len(listed) > 100
    for name in listed:
        with monkeypatch.context() as given:
            given.setenv(name, "7")
            try:
                found = load(path)
            except InputError:
                continue
            assert found != before, name


def test_each_setting_has_a_meaning_and_each_secret_is_kept_from_print() -> None:
    found = list(keys())
    assert [key.name for key in found if not key.meaning] == []
    assert {key.name.split(".")[0] for key in found} == {name.split(".")[0] for name in sections()}
    suspicious = ("password", "secret", "token", "key_file", "keyfile", "url_file")
    lasts = {key.name: key.name.rpartition(".")[2] for key in found}
    named = [key for key in found if lasts[key.name] == "key" or any(word in lasts[key.name] for word in suspicious)]
    open_ = {key.name for key in named if not key.secret}
    assert open_ == {"receive.tokens_file"}, "which holds hashes"
    assert {"email.password", "database.url", f"channels.webhook.endpoints.{NAME}.secret_file"} <= {
        key.name for key in found if key.secret
    }
