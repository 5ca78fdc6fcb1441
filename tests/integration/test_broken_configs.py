"""Every broken settings file is refused on one line that names file, line and key and says what to do.

The first line of each file is ``# expect:`` and the whole message, with ``{folder}`` for the folder of the file. What
stands beside them is in ``beside``; the secrets are made here, since their permissions count.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import structlog

from alertd.bootstrap import now_utc, wired
from alertd.cli.check import checks
from alertd.errors import InputError
from alertd.settings import Settings, load
from alertd.watching.metrics import Metrics

FOLDER = Path(__file__).parents[1] / "broken_configs"
BROKEN = sorted(FOLDER.glob("*.toml"))
CONNECTS = {"e-mail", "heartbeat", "council accounts", "traces"}
"""What is tried elsewhere: to connect, or to be refused, takes a moment each."""


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that settings may name, and is good."""
    folder = tmp_path_factory.mktemp("council") / "etc"
    shutil.copytree(FOLDER / "beside", folder)
    for name, mode in (("secret", 0o600), ("open", 0o644)):
        (folder / name).write_text("https://monitor.example/hush\n")
        (folder / name).chmod(mode)
    return folder


@pytest.fixture(scope="module", autouse=True)
def taken() -> Iterator[None]:
    """Somebody who has the port of the metrics."""
    with socket.socket() as other:
        with suppress(OSError):  # then somebody does already
            other.bind(("127.0.0.1", 9464))  # and does not listen: whoever asks is refused at once
        yield


def refusal(config: Path) -> str:
    """What is said of settings that are no good: at the start, or else by the check."""
    with pytest.raises(InputError) as refused:
        _used(load(config))
    return str(refused.value)


def _used(settings: Settings) -> None:
    wired(settings, now_utc, str, structlog.get_logger(), Metrics())
    for what, try_it in checks(settings):
        if what not in CONNECTS and (not what.startswith("channel ") or what == "channel file"):
            try_it()


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_is_refused_with_the_message_that_its_first_line_expects(path: Path, beside: Path) -> None:
    config = beside / "alertd.toml"
    config.write_bytes(path.read_bytes())
    first = path.read_text().partition("\n")[0]
    assert first.startswith("# expect: "), "a broken file begins with its expected message"
    said = refusal(config)
    assert said == first.removeprefix("# expect: ").replace("{folder}", str(beside))
    assert "hush" not in said, "a secret"


def test_there_are_plenty_of_them_and_some_of_every_section() -> None:
    names = {path.stem.partition("_")[0] for path in BROKEN}
    assert len(BROKEN) >= 100
    assert {"channel" if name == "channels" else name for name in Settings.model_fields} <= names


def test_what_they_have_in_common_is_good(beside: Path) -> None:
    """Else each might be refused for what is not meant."""
    good = next(path for path in BROKEN if path.stem == "setting_of_no_section").read_text()
    (beside / "alertd.toml").write_text(good.replace('colour = "red"\n', ""))
    _used(load(beside / "alertd.toml"))
