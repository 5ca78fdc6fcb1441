"""Nobody, a leaver or an outside address to be told of a child: F65, from the files of staff to the mail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from alertd.engine import sweep as sweeping
from alertd.people.load import load_directory
from alertd.people.staff import Staff
from tests.support.council import Council, Inline, council_at
from tests.support.fed import ONE_RULE, OPEN, nov

HEAD = "id,name,email,role,team,deputy,away_from,away_to,leaves\n"
ADE = "W1,Ade,ade@council.example,worker,T1,,,,\n"
CY = "M1,Cy,cy@council.example,team_manager,T1,,,,\n"
TEAMS = "id,name,parent,inbox\nSV,Service,,\nT1,North,SV,{inbox}\n"


class Files:
    """The files of staff of a council, as somebody keeps them."""

    def __init__(self, folder: Path) -> None:
        self.people, self.teams = folder / "people.csv", folder / "teams.csv"

    def say(self, *people: str, inbox: str = "") -> None:
        self.people.write_text(HEAD + "".join(people))
        self.teams.write_text(TEAMS.format(inbox=inbox))

    def staff(self) -> Staff:
        return Staff(
            (self.people, self.teams),
            lambda: load_directory(
                self.people, self.teams, allowed_domains={"council.example"}, duty="duty@council.example"
            ),
        )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    monkeypatch.setattr(Inline, "dies_on", "")
    found = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}", ONE_RULE)
    found.looked_after()
    yield found
    found.house.engine.dispose()


LEFT = ADE.replace(",,,,", ",,,,2026-11-12")
LEFT_MANAGER = CY.replace(",,,,", ",,,,2026-11-12")


@pytest.mark.parametrize(
    ("people", "inbox", "told"),
    [
        pytest.param([ADE, CY], "", "ade", id="the worker"),
        pytest.param([LEFT, CY], "north@council.example", "north", id="a leaver: the team's inbox"),
        pytest.param([LEFT, CY], "", "cy", id="a leaver without an inbox: the manager"),
        pytest.param([LEFT, LEFT_MANAGER], "", "duty", id="all have left"),
        pytest.param([], "", "duty", id="nobody at all"),
        pytest.param([ADE.replace("ade@council.example", "")], "", "duty", id="nobody with an address"),
    ],
)
def test_f65_somebody_is_always_told_and_in_the_end_it_is_duty(
    council: Council, files: Files, people: list[str], inbox: str, told: str
) -> None:
    files.say(*people, inbox=inbox)
    council.house = replace(council.house, staff=files.staff())
    assert set(council.day(nov(13))) == {told}
    assert council.alerts() == [OPEN]
    subject, body = council.mail.sent[-1][1:]
    assert "ref C1" in body and "coming up" in subject
    nobody = [subject for _, subject, _ in council.mail.sent if subject == "alertd found nobody to tell of some alerts"]
    assert len(nobody) == (told == "duty"), "that there is nobody is told as such"
    assert told in council.day(nov(27)), "and of every step that follows"


def test_f65_somebody_who_leaves_between_the_writing_and_the_sending_is_not_told(
    council: Council, files: Files
) -> None:
    files.say(ADE, CY)
    council.house = replace(council.house, staff=files.staff())
    council.evaluate(nov(13))
    files.say(LEFT, CY)
    council.send()
    assert [to for to, _, _ in council.mail.sent] == ["cy"]


def test_f65_an_address_outside_the_council_is_written_to_by_nobody(council: Council, files: Files) -> None:
    files.say(ADE, CY)
    council.house = replace(council.house, staff=files.staff())
    council.evaluate(nov(13))
    files.say(ADE.replace("ade@council.example", "ade@gmail.example"), CY)
    council.send()
    assert sorted(to for to, _, _ in council.mail.sent) == ["ade", "duty"], "as it was known last, and duty hears why"
    assert "not an allowed mail domain" in " ".join(council.mail.sent[-1][2].split()) + " ".join(
        council.mail.sent[0][2].split()
    )
