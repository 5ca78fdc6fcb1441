"""The Debian package in a clean Debian, under its systemd: installed, to the first digest, upgraded, removed, purged.

``make deb-test`` runs it on what ``make deb`` built. The tests are one story, in the order in which they stand.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from datetime import time as time_of_day
from email import message_from_bytes
from email.policy import default
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace

import pytest

from alertd.calendars.calendar import calendar_for
from alertd.cases.records import LONDON
from alertd.cli.demo import free_port
from tests.packaging.clean_debian import CleanDebian, lacking, wait_for
from tests.support.smtp_server import SmtpServer, Taken

PACKAGE = os.environ.get("ALERTD_DEB", "")
pytestmark = pytest.mark.skipif(not PACKAGE, reason="make deb-test tries the package that make deb built")

CONFIG = "/etc/alertd/alertd.toml"
EVERY_COMPILED_MODULE = """
import importlib, pathlib, psycopg, sysconfig
root = pathlib.Path(sysconfig.get_path("purelib"))
names = sorted(".".join((*f.relative_to(root).parts[:-1], f.name.split(".")[0])) for f in root.rglob("*.so"))
for name in names:
    importlib.import_module(name)
print(len(names))
"""


@pytest.fixture(scope="module")
def relay() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A clean Debian with what the package needs on it, what was on it then, and the package since ``began``."""
    if why := lacking():
        pytest.skip(why)
    package = Path(PACKAGE).resolve()
    with CleanDebian(tmp_path_factory.mktemp("debian")) as debian:
        debian("apt-get", "satisfy", "--yes", "--quiet", "--no-install-recommends", _field(package, "Depends"))
        before = debian.files()
        began = time.monotonic()
        debian.install(package)
        yield SimpleNamespace(debian=debian, package=package, before=before, began=began, morning=_morning(debian))


def test_what_is_installed_is_whole_and_nothing_runs_yet(there: SimpleNamespace) -> None:
    debian = there.debian
    assert debian("alertd", "--version").endswith(_field(there.package, "Version"))
    assert int(debian("/opt/alertd/bin/python", "-c", EVERY_COMPILED_MODULE)) > 20
    units = re.findall(r"alertd\S*", debian("systemctl", "list-unit-files", "--no-legend", "alertd*"))
    assert {u for u in units if u.endswith((".service", ".timer"))} >= {"alertd.service", "alertd-backup.timer"}
    assert debian("systemctl", "is-enabled", "alertd.service", "alertd-web.service", "alertd-backup.timer", ok=False)
    for unit in ("alertd.service", "alertd-web.service", "alertd-receive.service", "alertd-backup.timer"):
        assert debian("systemctl", "is-enabled", unit, ok=False) == "disabled"
        assert debian("systemctl", "is-active", unit, ok=False) == "inactive"
    assert debian("stat", "-c", "%U:%G %a", "/etc/alertd", "/etc/alertd/secrets", CONFIG).splitlines() == [
        "root:alertd 2750",
        "root:root 700",
        "root:alertd 640",
    ]


def test_nothing_in_it_tells_of_the_machine_that_built_it(there: SimpleNamespace) -> None:
    installed = {there.debian.root / one for one in there.debian.files() - there.before}
    here = [str(Path(__file__).parents[2]), "pip-install-", "pip-build-env-"]
    here += [sys.base_prefix] if sys.base_prefix != "/usr" else []
    told = [
        (str(file.relative_to(there.debian.root)), name)
        for file in sorted(installed)
        if file.is_file() and not file.is_symlink()
        for name in here
        if name.encode() in file.read_bytes()
    ]
    assert told == []


def test_three_settings_lead_to_the_first_digest(there: SimpleNamespace, relay: SmtpServer) -> None:
    debian, on_that_day = there.debian, there.morning
    (debian.root / "srv/cases").mkdir()
    synth = ("--children", "200", "--as-of", on_that_day.day, "--people", "/etc/alertd")
    debian("alertd", "synth", "--out", "/srv/cases/cases.db", *synth)
    examples = "/usr/share/doc/alertd/examples"
    debian("cp", f"{examples}/agencies.yaml", "/etc/alertd/")
    _edit(
        debian,
        url="sqlite:////srv/cases/cases.db",
        duty="duty@la350.example",
        port=relay.port,
    )
    officer = ("--officer", "A. Officer", "--role", "principal social worker", "--date", on_that_day.day)
    debian("alertd", "rules", "adopt", "england", "--config", CONFIG, *officer)
    drop_in = debian.root / "etc/systemd/system/alertd.service.d/on-a-working-day.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text("[Service]\n" + "".join(f'Environment="{k}={v}"\n' for k, v in on_that_day.clock.items()))
    debian("systemctl", "daemon-reload")
    debian("systemctl", "enable", "--now", "alertd.service")
    digest = wait_for(lambda: _digests(relay), "the first digest")[0]
    print(f"\nFrom the installation to the first digest: {time.monotonic() - there.began:.0f} s")
    assert digest.sender == "alertd@la350.example"
    assert digest.recipients[0].endswith("@la350.example")
    checked = debian("alertd", "check", "--config", CONFIG)
    assert "FAIL" not in checked
    assert debian("stat", "-c", "%U", "/var/lib/alertd/alertd.db") == "alertd"
    assert debian("systemctl", "show", "alertd", "-P", "NRestarts") == "0"


def test_the_other_units_do_their_work_as_confined_as_they_are(there: SimpleNamespace, relay: SmtpServer) -> None:
    debian, port = there.debian, free_port()
    with (debian.root / CONFIG[1:]).open("a") as settings:
        settings.write(f'\n[web]\nurl = "http://127.0.0.1:{port}"\nport = {port}\n')
    debian("systemctl", "start", "alertd-web.service")
    assert wait_for(lambda: _answer(port, "/health"), "the pages") == 200
    assert _answer(port, "/ready") == 200
    debian("systemctl", "start", "alertd-backup.service")
    assert list((debian.root / "var/lib/private/alertd/backups").iterdir())
    debian("systemctl", "start", "alertd-failed@alertd.service")
    told = [one for one in relay.taken if b"Subject: alertd has failed" in one.content]
    assert [one.recipients for one in told] == [("duty@la350.example",)]


def test_a_secret_is_what_root_put_into_the_folder(there: SimpleNamespace) -> None:
    debian = there.debian
    secret = debian.root / "etc/alertd/secrets/email.password_file"
    secret.write_text("hush\n")
    secret.chmod(0o600)
    debian("sed", "-i", 's/^# username = "alertd"/username = "alertd"/', CONFIG)
    debian("systemctl", "restart", "alertd.service")
    assert debian("systemctl", "is-active", "alertd.service") == "active"
    passed = debian("find", "/run/credentials/alertd.service", "-type", "f", "-printf", "%f %U %m\n")
    assert passed == f"alertd_email.password_file {debian('id', '-u', 'alertd')} 400"
    debian("sed", "-i", 's/^username = "alertd"/# username = "alertd"/', CONFIG)
    secret.unlink()
    debian("systemctl", "restart", "alertd.service")


def test_an_upgrade_keeps_the_settings_and_all_that_was_kept_and_starts_the_daemon_anew(
    there: SimpleNamespace, tmp_path: Path
) -> None:
    debian = there.debian
    settings, sent, process = _settings(debian), _sent(debian), debian("systemctl", "show", "alertd", "-P", "MainPID")
    debian.install(_next_version(there.package, tmp_path), "-o", "Dpkg::Options::=--force-confold")
    assert debian("dpkg-query", "-W", "-f", "${Version}", "alertd").endswith("+next")
    assert _settings(debian) == settings
    assert "# of the next version" in (debian.root / f"{CONFIG}.dpkg-dist".lstrip("/")).read_text()
    assert debian("systemctl", "show", "alertd", "-P", "MainPID") not in (process, "0")
    assert debian("systemctl", "is-active", "alertd.service", "alertd-web.service").split() == ["active", "active"]
    assert _sent(debian) == sent, "nothing comes twice"


def test_removed_it_keeps_what_was_kept_and_purged_nothing_is_left(there: SimpleNamespace) -> None:
    debian = there.debian
    shutil.rmtree(debian.root / "etc/systemd/system/alertd.service.d")
    settings = _settings(debian)
    debian("apt-get", "remove", "--yes", "--quiet", "alertd")
    assert (
        debian("systemctl", "is-active", "alertd.service", "alertd-web.service", ok=False).split() == ["inactive"] * 2
    )
    assert not (debian.root / "opt/alertd").exists()
    assert _settings(debian) == settings
    assert (debian.root / "var/lib/private/alertd/alertd.db").is_file()
    debian("apt-get", "purge", "--yes", "--quiet", "alertd")
    shutil.rmtree(debian.root / "srv/cases")
    assert debian.files() - there.before == set()
    assert there.before - debian.files() == set()
    assert debian("id", "alertd", ok=False).endswith("no such user")


def _morning(debian: CleanDebian) -> SimpleNamespace:
    """Just after the hour of digests on the latest working day: digests leave on no other. Only programs that are told
    so see that clock; it goes on where they are started again."""
    today, calendar = datetime.now(LONDON).date(), calendar_for("england-and-wales")
    day = today if calendar.is_working(today) else calendar.add_working_days(today, -1)
    ahead = datetime.combine(day, time_of_day(8, 5), LONDON) - datetime.now(LONDON)
    (library,) = debian.root.glob("usr/lib/*/faketime/libfaketime.so.1")
    clock = {
        "LD_PRELOAD": f"/{library.relative_to(debian.root)}",
        "FAKETIME": f"{ahead.total_seconds():+.0f}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    return SimpleNamespace(day=day.isoformat(), clock=clock)


def _edit(debian: CleanDebian, **values: str | int) -> None:
    """Give settings of the file that came with the package other values. A key that stands there twice is the feed's
    ``url`` and the database's: it is the one that is an example."""
    path = debian.root / CONFIG[1:]
    text = path.read_text()
    for key, value in values.items():
        written = f'"{value}"' if isinstance(value, str) else str(value)
        old = r'"sqlite:///authority\.db"' if key == "url" else r"\S+"
        text, n = re.subn(rf"(?m)^{key} = {old}", f"{key} = {written}", text)
        assert n == 1, key
    path.write_text(text)


def _digests(relay: SmtpServer) -> list[Taken]:
    """Those of many alerts, which leave at the hour of digests; what is urgent leaves by itself, of one alert each."""
    subjects = [(one, message_from_bytes(one.content, policy=default)["Subject"]) for one in relay.taken]
    return [one for one, subject in subjects if re.match(r"\d+ ", subject)]


def _answer(port: int, path: str) -> int | None:
    asked = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        asked.request("GET", path)
        return asked.getresponse().status
    except OSError:
        return None
    finally:
        asked.close()


def _settings(debian: CleanDebian) -> dict[str, bytes]:
    found = (debian.root / "etc/alertd").rglob("*")
    return {one.name: one.read_bytes() for one in found if one.is_file() and ".dpkg-" not in one.name}


def _sent(debian: CleanDebian) -> str:
    return debian("alertd", "outbox", "list", "--state", "delivered", "--config", CONFIG)


def _next_version(package: Path, folder: Path) -> Path:
    """The same package of a later version, whose own settings say something else."""
    subprocess.run(["dpkg-deb", "--raw-extract", package, folder / "next"], check=True)
    control = folder / "next/DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: (.*)$", r"Version: \1+next", control.read_text()))
    with (folder / "next" / CONFIG[1:]).open("a") as settings:
        settings.write("# of the next version\n")
    made = folder / "alertd_next.deb"
    subprocess.run(["dpkg-deb", "-Znone", "--root-owner-group", "--build", folder / "next", made], check=True)
    shutil.rmtree(folder / "next")
    return made


def _field(package: Path, name: str) -> str:
    return subprocess.run(["dpkg-deb", "-f", package, name], check=True, capture_output=True, text=True).stdout.strip()
