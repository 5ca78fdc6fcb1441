"""The ``alertd clock`` command."""

import csv
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from alertd.cli.clock import clock
from alertd.errors import InputError

WORKED = Path(__file__).parents[4] / "shared" / "worked-clocks.csv"
GOOD = "2026-12-02,20 working days,england-and-wales\n"

app = typer.Typer()
app.command("clock")(clock)


def run(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=given)


def refused(result: Result) -> str:
    """The one line the person sees; nothing else may have been printed."""
    assert isinstance(result.exception, InputError), result.exception
    assert result.stdout == ""
    message = str(result.exception)
    assert "\n" not in message
    return message


def test_one_clock_prints_its_due_date_then_the_days_it_skipped_and_the_calendar() -> None:
    result = run("--from", "2026-12-24", "--within", "2 working days")
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[:-1] == [
        "2026-12-30",
        "  skipped Fri 2026-12-25: Christmas Day",
        "  skipped Sat 2026-12-26: Saturday",
        "  skipped Sun 2026-12-27: Sunday",
        "  skipped Mon 2026-12-28: Boxing Day (substitute day)",
    ]
    assert lines[-1].startswith("Calendar: england-and-wales: bank holidays of holidays ")


def test_twenty_working_days_over_christmas_end_on_4_january() -> None:
    assert run("--from", "2026-12-02", "--within", "20 working days").stdout.startswith("2027-01-04\n")


def test_the_nation_can_be_chosen() -> None:
    result = run("--from", "2026-11-27", "--within", "1 working day", "--nation", "scotland")
    assert result.stdout.startswith("2026-12-01\n") and "Mon 2026-11-30: Saint Andrew's Day" in result.stdout


def test_a_due_day_that_is_no_working_day_stays_and_says_which_day_to_plan_for() -> None:
    lines = run("--from", "2026-11-28", "--within", "1 month").stdout.splitlines()
    assert lines[:2] == ["2026-12-28", "  plan by Thu 2026-12-24: the due day is Boxing Day (substitute day)"]


def test_hours_are_shown_in_london_time() -> None:
    result = run("--from", "2026-03-28T09:00:00Z", "--within", "24 hours")
    assert result.stdout.startswith("2026-03-29T10:00:00+01:00\n")


def test_every_worked_clock_agrees(tmp_path: Path) -> None:
    """368 sums worked out from the published bank holidays, by file and by standard input."""
    if not WORKED.exists():
        pytest.skip("the worked clocks are not beside this checkout")
    with WORKED.open(encoding="utf-8", newline="") as lines:
        expected = [row["due"] for row in csv.DictReader(lines)]
    assert len(expected) == 368
    assert run("--batch", str(WORKED)).stdout.splitlines() == expected
    assert run("--batch", "-", given=WORKED.read_bytes()).stdout.splitlines() == expected


def test_a_batch_needs_no_header_and_ignores_blank_lines_further_columns_bom_and_crlf() -> None:
    clocks = " 2026-12-02, 1 week , scotland ,ignored,too\r\n\r\n2026-12-02,72 hours,scotland\r\n"
    answers = "2026-12-09\n2026-12-05T00:00:00+00:00\n"
    assert run("--batch", "-", given=clocks).stdout == answers
    assert run("--batch", "-", given="\ufefffrom,within,nation,due\r\n" + clocks).stdout == answers


def test_an_empty_batch_prints_nothing() -> None:
    result = run("--batch", "-", given="")
    assert (result.exit_code, result.stdout) == (0, "")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("02/12/2026,20 working days,scotland", "neither a day nor a moment"),
        ("2026-02-30,20 working days,scotland", "neither a day nor a moment"),
        ("2026-12-02T09:30:00,72 hours,scotland", "neither a day nor a moment"),
        ("0001-01-01T00:00:00+23:00,72 hours,scotland", "neither a day nor a moment"),
        ("2026-12-02,20 days,scotland", "not a whole number of a unit"),
        ("2026-12-02,-3 weeks,scotland", "not a whole number of a unit"),
        ("2026-12-02,3 weeks,wales", "no calendar is held"),
        ("2026-12-02,3 weeks", "too few columns"),
        ("2026-12-02,5 school days,scotland", "school terms"),
        ("2101-12-02,5 working days,scotland", "2101 is beyond the scotland calendar"),
        ("from,within,nation", "neither a day nor a moment"),  # a header is the first line or none
        ('2026-12-02,"3 weeks"x,scotland', "not CSV"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_printed(tmp_path: Path, line: str, says: str) -> None:
    file = tmp_path / "clocks.csv"
    file.write_text(GOOD + line + "\n" + GOOD)
    message = refused(run("--batch", str(file)))
    assert message.startswith(f"{file}:2: ") and says in message


def test_an_error_does_not_repeat_what_a_wrong_file_held() -> None:
    for line in ("Zebedee,1 week,scotland", "2026-12-02,Zebedee,scotland", "2026-12-02,1 week,Zebedee"):
        message = refused(run("--batch", "-", given=line))
        assert message.startswith("standard input:1: ") and "Zebedee" not in message


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert "missing.csv: cannot be read" in refused(run("--batch", str(tmp_path / "missing.csv")))
    (tmp_path / "odd.csv").write_bytes(b"\xff\xfe2026")
    assert "odd.csv: is not UTF-8" in refused(run("--batch", str(tmp_path / "odd.csv")))


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--from", "2026-12-02"],
        ["--within", "1 week"],
        ["--from", "2026-12-02", "--within", "1 week", "--batch", "-"],
    ],
)
def test_half_a_question_is_refused(arguments: list[str]) -> None:
    assert "Give --from and --within, or --batch alone" in refused(run(*arguments, given=""))


def test_bad_options_are_refused() -> None:
    assert "school terms" in refused(run("--from", "2026-12-02", "--within", "1 school day"))
    assert "no calendar is held" in refused(run("--from", "2026-12-02", "--within", "1 week", "--nation", "x"))


def test_fifty_thousand_lines_take_seconds_at_most() -> None:
    began = time.perf_counter()
    result = run("--batch", "-", given=GOOD * 50_000)
    assert result.stdout == "2027-01-04\n" * 50_000
    assert time.perf_counter() - began < 10
