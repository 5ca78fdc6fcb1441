"""Every broken pack and overlay is refused whole, on one line that names file, line and key and says what to do.

The first line of each file is ``# expect:`` and the whole message after the file's name; one that ends with
a list of all known names is given up to it, and ends with an ellipsis.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from alertd.errors import InputError
from alertd.rulebook.lint import lint
from alertd.rulebook.load import load_rulebook

FOLDER = Path(__file__).parent / "broken"
BROKEN = sorted(FOLDER.glob("*.yaml"))
OVERLAYS = sorted((FOLDER / "overlays").glob("*.overlay.yaml"))
LINT = sorted((FOLDER / "lint").glob("*.yaml"))


def is_expected(said: str, path: Path) -> bool:
    first = path.read_bytes().split(b"\n", 1)[0].decode()
    assert first.startswith("# expect: "), "a broken file begins with its expected message"
    message = f"{path}:{first.removeprefix('# expect: ').replace('{folder}', str(path.parent))}"
    return said.startswith(message[:-1]) if message.endswith("…") else said == message


@pytest.mark.parametrize("path", BROKEN, ids=lambda p: p.stem)
@pytest.mark.fault("F56")
@pytest.mark.fault("F56")
def test_a_broken_pack_is_refused_with_the_message_its_first_line_expects(path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_rulebook([path])
    assert is_expected(str(caught.value), path), str(caught.value)


@pytest.mark.parametrize("path", OVERLAYS, ids=lambda p: p.name)
@pytest.mark.fault("F56")
@pytest.mark.fault("F56")
def test_a_broken_overlay_is_refused_with_the_message_its_first_line_expects(path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_rulebook([FOLDER / "overlays" / "law.yaml"], overlays=[path])
    assert is_expected(str(caught.value), path), str(caught.value)


@pytest.mark.parametrize("path", LINT, ids=lambda p: p.stem)
def test_lint_says_what_the_first_line_of_a_doubtful_pack_expects(path: Path) -> None:
    found = lint(load_rulebook([path]), [], date(2026, 11, 23))
    said = [f"{p.place}: {p.rule}: {'note: ' if p.for_authority else ''}{p.text}" for p in found]
    assert any(is_expected(line, path) for line in said), said


def test_there_are_plenty_of_them() -> None:
    assert len(BROKEN) >= 80
    assert len(OVERLAYS) >= 20
    assert len(LINT) >= 12
