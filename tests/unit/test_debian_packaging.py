"""The Debian package agrees with what it packs: looked at without building it, as ``make deb`` and ``deb-test`` do."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from alertd.settings.given import OF_FOLDER

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
RULES = (ROOT / "debian/rules").read_text("utf-8")
SERVICES = sorted((ROOT / "systemd").glob("*.service"))


def _read(name: str) -> str:
    return (ROOT / "debian" / name).read_text("utf-8")


def test_it_has_the_version_of_the_program() -> None:
    (version, *_) = re.findall(r"^alertd \((.+?)\)", _read("changelog"), re.MULTILINE)
    assert version == PROJECT["project"]["version"]


def test_it_brings_every_extra_of_those_who_run_it() -> None:
    found = re.search(r"EXTRAS := (\S+)", RULES)
    assert found
    assert set(found[1].split(",")) == set(PROJECT["project"]["optional-dependencies"]) - {"dev", "docs"}


def test_it_starts_the_program_as_the_wheel_does_and_not_where_a_worker_imports_it() -> None:
    module, function = PROJECT["project"]["scripts"]["alertd"].split(":")
    launch = _read("launch.py")
    assert f"from {module} import {function}\n" in launch
    namespace = {"__name__": "__mp_main__"}
    exec(compile(launch, "launch.py", "exec"), namespace)  # noqa: S102 - ours; it would run the program and end
    assert callable(namespace[function])


def test_its_settings_have_the_database_where_the_units_may_write() -> None:
    found = re.search(r"sed -i 's\|(\S+) = (\S+) \|.*\|' \$\(MADE\)/etc/alertd/alertd.toml", RULES)
    assert found
    example = (ROOT / "config/alertd.toml").read_text("utf-8")
    assert len(re.findall(rf"(?m){found[1]} = {found[2]} ", example)) == 1


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_what_a_unit_needs_is_in_it(unit: Path) -> None:
    text = unit.read_text("utf-8")
    assert re.search(r"(?m)^ExecStart=/opt/alertd/bin/alertd ", text)
    assert "HOUSE := opt/alertd\n" in RULES
    assert "#!/opt/alertd/bin/python\n" in _read("launch.py")
    (credentials,) = re.findall(r"(?m)^LoadCredential=(.*)$", text)
    assert credentials == f"{OF_FOLDER.removesuffix('_')}:/etc/alertd/secrets"
    assert "install -d $(MADE)/etc/alertd/secrets\n" in RULES
    assert "u alertd " in _read("alertd.sysusers")
    for user in re.findall(r"(?m)^User=(.*)$", text):
        assert user == "alertd"


def test_purged_it_leaves_no_folder_of_a_unit() -> None:
    kept = {name for unit in SERVICES for name in re.findall(r"(?m)^StateDirectory=(.*)$", unit.read_text("utf-8"))}
    assert kept
    for name in kept:
        assert {f"/var/lib/private/{name}", f"/var/lib/{name}"} <= set(_read("alertd.postrm").split())


def test_the_source_archive_holds_what_builds_it() -> None:
    assert {"debian", "systemd", "config", "docs", "constraints.txt"} <= set(
        PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    )
