"""Every broken pack is refused whole, on one line that names file, line and key and says what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alertd.errors import InputError
from alertd.rulebook.load import load_rulebook

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))


@pytest.mark.parametrize("path", BROKEN, ids=lambda p: p.stem)
def test_is_refused_with_the_line_and_the_words_its_first_line_expects(path: Path) -> None:
    first = path.read_bytes().split(b"\n", 1)[0].decode()
    expected = re.fullmatch(r"# expect: (\d+): (.*)", first)
    assert expected, "a broken pack begins with its expected message"
    with pytest.raises(InputError) as caught:
        load_rulebook([path])
    message = str(caught.value)
    assert message.startswith(f"{path}:{expected[1]}: ")
    assert expected[2] in message
    assert "\n" not in message


def test_there_are_plenty_of_them() -> None:
    assert len(BROKEN) >= 20
