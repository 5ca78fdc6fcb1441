"""SSDA903 returns in XML: the same tables as the CSV files hold, read the same way."""

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alertd.cases.records import CaseFile, Record, Snapshot, Window
from alertd.cases.sources.ssda903 import FILLS, read
from alertd.errors import InputError

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples"
Cells = dict[str, str]
GROUPS = {
    "reviews": "AREVIEW",
    "missing": "AMISSING",
    "oc2": "OC2",
    "previous_permanence": "PERMANENCE",
    "placed_for_adoption": "AD_PLACED",
    "sw_episodes": "SW_EPISODE",
}
NAMES = {"CHILD": "CHILDID", "PLACE": "PL"}


def fields(row: Cells, leave: tuple[str, ...] = ("CHILD", "DOB", "SEX")) -> str:
    return "".join(
        f"<{NAMES.get(k, k)}>{escape(v)}</{NAMES.get(k, k)}>" for k, v in row.items() if k not in leave and v != ""
    )


def as_xml(tables: dict[str, list[Cells]]) -> str:
    """The tables of a return, as one XML file of it: a line for each child, group and episode."""
    children = dict.fromkeys(row["CHILD"] for table in tables.values() for row in table)

    def of(table: str, child: str) -> list[Cells]:
        return by.get((table, child), [])

    by: dict[tuple[str, str], list[Cells]] = {}
    for table, rows in tables.items():
        for row in rows:
            by.setdefault((table, row["CHILD"]), []).append(row)
    text = ["<EXPSSDA903>"]
    for child in children:
        some = next(row for table in tables for row in of(table, child))
        own = "".join(fields(row, ("CHILD",)) for row in of("header", child)) or fields(
            {"DOB": some.get("DOB", "")}, ()
        )
        own += "".join(fields(row) for name in ("uasc", "oc3", "ad1") for row in of(name, child))
        text.append(f"<CHILD><HEADER><CHILDID>{escape(child)}</CHILDID>{own}")
        text += [f"<{group}>{fields(row)}</{group}>" for table, group in GROUPS.items() for row in of(table, child)]
        text.append("</HEADER>")
        text += [f"<EPISODE>{fields(row)}</EPISODE>" for row in of("episodes", child)]
        text.append("</CHILD>")
    return "\n".join([*text, "</EXPSSDA903>\n"])


TABLES: dict[str, list[Cells]] = {
    "header": [{"CHILD": "C1", "DOB": "02/03/2010", "UPN": "UPN-SECRET"}],
    "episodes": [
        {"CHILD": "C1", "DECOM": "01/05/2017", "RNE": "S", "LS": "C2", "CIN": "N1", "PLACE": "U6", "PL_POST": "AB1 2CD",
         "URN": "1", "DEC": "20/02/2018", "REC": "E4", "REASON_PLACE_CHANGE": "CARPL"},
    ],
    "reviews": [{"CHILD": "C1", "REVIEW": "20/05/2017", "REVIEW_CODE": "PN1"}],
    "missing": [{"CHILD": "C1", "MISSING": "M", "MIS_START": "01/06/2017", "MIS_END": "02/06/2017"}],
    "sw_episodes": [{"CHILD": "C1", "SW_ID": "SW1", "SW_DECOM": "01/05/2017", "SW_DEC": "01/06/2017"}],
    "oc2": [{"CHILD": "C1", "SDQ_SCORE": "12"}],
    "previous_permanence": [{"CHILD": "C1", "PREV_PERM": "P1"}],
    "placed_for_adoption": [{"CHILD": "C1", "DATE_PLACED": "01/01/2018"}],
    "uasc": [{"CHILD": "C1", "DUC": "01/01/2028"}],
    "oc3": [{"CHILD": "C1", "IN_TOUCH": "YES"}],
    "ad1": [{"CHILD": "C1", "DATE_INT": "01/01/2018", "DATE_MATCH": "01/01/2018"}],
}  # fmt: skip
COLUMNS = {
    "episodes": "CHILD,DECOM,RNE,LS,CIN,PLACE,PL_POST,URN,DEC,REC,REASON_PLACE_CHANGE",
    "header": "CHILD,DOB,UPN",
    "reviews": "CHILD,DOB,REVIEW,REVIEW_CODE",
    "missing": "CHILD,DOB,MISSING,MIS_START,MIS_END",
    "sw_episodes": "CHILD,DOB,SW_ID,SW_DECOM,SW_DEC",
    "oc2": "CHILD,SDQ_SCORE",
    "previous_permanence": "CHILD,PREV_PERM",
    "placed_for_adoption": "CHILD,DATE_PLACED",
    "uasc": "CHILD,DUC",
    "oc3": "CHILD,IN_TOUCH",
    "ad1": "CHILD,DATE_INT,DATE_MATCH",
}


def write(folder: Path, text: str, name: str = "return.xml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def write_csv(folder: Path, tables: dict[str, list[Cells]], prefix: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    for table, rows in tables.items():
        with (folder / f"{prefix}{table}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS[table].split(","))
            writer.writeheader()
            writer.writerows(rows)
    return folder


def accounted(snapshot: Snapshot) -> Snapshot:
    assert all(account.adds_up for account in snapshot.accounts.values())
    return snapshot


def case(snapshot: Snapshot, child: str = "C1") -> CaseFile:
    return next(c for c in snapshot.cases if c.child == child)


def told(snapshot: Snapshot) -> list[tuple[object, ...]]:
    """What a snapshot says, but for where in which file it stands."""

    def plain(record: Record) -> tuple[object, ...]:
        doubts = [(d.field, d.why.split(", see also")[0], d.cause) for d in record.doubts]
        return record.kind, record.key, dict(record.values), doubts

    return [(c.child, c.window, [plain(r) for r in c.records]) for c in snapshot.cases]


def test_the_same_return_tells_the_same_as_csv_and_as_xml(tmp_path: Path) -> None:
    as_csv = accounted(read(write_csv(tmp_path / "csv", TABLES)))
    in_xml = accounted(read(write(tmp_path, as_xml(TABLES)) / "return.xml"))
    assert told(in_xml) == told(as_csv)
    assert {r.kind for r in case(in_xml).records} == set(FILLS)
    assert (in_xml.window, in_xml.holds, in_xml.lacks) == (as_csv.window, as_csv.holds, as_csv.lacks)
    assert in_xml.counts == {f"return.xml: {name.removesuffix('.csv')}": n for name, n in as_csv.counts.items()}
    assert "SECRET" not in repr(in_xml)


def test_a_record_names_the_line_of_its_element(tmp_path: Path) -> None:
    snapshot = read(write(tmp_path, as_xml(TABLES)))
    lines = {r.kind: r.where for r in case(snapshot).records}
    assert lines["child"] == "return.xml:2"
    assert lines["cla_review"] == "return.xml:3"
    assert lines["care_period"] == "return.xml:10"


def test_a_return_on_one_line_keeps_rows_without_a_day_apart(tmp_path: Path) -> None:
    tables = TABLES | {"reviews": [{"CHILD": "C1", "REVIEW": "bad"}, {"CHILD": "C1", "REVIEW": "worse"}]}
    snapshot = accounted(read(write(tmp_path, as_xml(tables).replace("\n", ""))))
    assert [r.key for r in case(snapshot).of("cla_review")] == ["undated 1", "undated 2"]


def test_years_in_csv_and_in_xml_become_one(tmp_path: Path) -> None:
    later = {"episodes": [{**TABLES["episodes"][0], "DEC": "", "REC": "X1"}]}
    later["episodes"].append({**later["episodes"][0], "CHILD": "C2", "DECOM": "01/06/2018"})
    write_csv(tmp_path, TABLES, "2017-")
    snapshot = accounted(read(write(tmp_path, as_xml(later), "2018.xml")))
    assert snapshot.window == Window(date(2017, 4, 1), date(2019, 3, 31))
    (period,) = case(snapshot).of("care_period")
    assert (period.day("end"), period.where) == (None, "2018.xml:4")
    assert snapshot.accounts["2017-episodes.csv"].used == 0
    assert "missing" not in snapshot.holds, "the later return has no row of it"


def test_namespaces_and_stray_text_are_no_part_of_the_data_and_other_elements_are_noted(tmp_path: Path) -> None:
    plain = told(read(write(tmp_path, as_xml(TABLES))))
    text = as_xml(TABLES).replace("<EXPSSDA903>", '<EXPSSDA903 xmlns="urn:x"><!-- x --><EXTRA/>')
    text = text.replace("</HEADER>", "stray<UNHEARD><OF>1</OF></UNHEARD></HEADER>")
    snapshot = accounted(read(write(tmp_path, text)))
    assert told(snapshot) == plain
    assert "return.xml: 2 elements of kinds that no return has left alone" in snapshot.notes


def test_a_field_given_twice_differently_is_in_doubt(tmp_path: Path) -> None:
    text = as_xml(TABLES).replace("<DEC>", "<DEC>19/02/2018</DEC><DEC>")
    (period,) = case(read(write(tmp_path, text))).of("care_period")
    assert [d.field for d in period.doubts] == ["end"]


def test_a_child_without_a_reference_is_rejected_in_every_table(tmp_path: Path) -> None:
    tables = {name: list(rows) for name, rows in TABLES.items() if name in ("header", "episodes", "reviews")}
    for n in range(30):
        for name in tables:
            tables[name].append({**TABLES[name][0], "CHILD": f"D{n}"})
    text = as_xml(tables).replace("<CHILDID>C1</CHILDID>", "<CHILDID/>")
    snapshot = accounted(read(write(tmp_path, text)))
    assert sorted((r.where, r.why) for r in snapshot.rejects) == [
        ("return.xml:2", "has no CHILD"),
        ("return.xml:3", "has no CHILD"),
        ("return.xml:5", "has no CHILD"),
    ]


@pytest.mark.parametrize("name", ["ssda903-csc-validator", "ssda903-demand-model"])
def test_a_sample_turned_into_xml_tells_what_its_csv_tells(tmp_path: Path, name: str) -> None:
    folder = SAMPLES / name
    if not folder.is_dir():
        pytest.skip(f"the sample {name} is not beside this checkout")
    years: dict[str, dict[str, list[Cells]]] = {}
    for path in sorted(folder.glob("*.csv")):
        year, table = ("", path.stem) if name.endswith("validator") else path.stem.split("-", 1)
        with path.open(encoding="utf-8-sig", newline="") as file:
            years.setdefault(year, {})[table] = list(csv.DictReader(file))
    for year, tables in years.items():
        write(tmp_path, as_xml(tables), f"return{year}.xml")
    as_csv, in_xml = accounted(read(folder)), accounted(read(tmp_path))
    assert told(in_xml) == told(as_csv)
    for table in ("episodes", "reviews", "missing", "sw_episodes", "oc2", "oc3", "previous_permanence", "uasc"):
        stated = sum(n for file, n in as_csv.counts.items() if file.removesuffix(".csv").split("-")[-1] == table)
        assert sum(n for file, n in in_xml.counts.items() if file.endswith(f": {table}")) == stated, table


# ------------------------------------------------------------------ what is refused


def refused(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_xml_of_another_kind_is_named_and_left_alone(tmp_path: Path) -> None:
    write_csv(tmp_path, TABLES)
    write(tmp_path, "<Message><CHILD/></Message>", "cin.xml")
    assert "cin.xml: not a table of the return, left alone" in read(tmp_path).notes
    assert "Found: no table of the return" in refused(tmp_path / "cin.xml")


def test_a_return_without_an_episode_is_refused(tmp_path: Path) -> None:
    write(tmp_path, as_xml({"header": TABLES["header"]}))
    assert refused(tmp_path).startswith("return.xml:1: holds no episodes")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-5],
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("</HEADER>", "", 1),
        lambda text: text.replace("C1", "C&1"),
        lambda text: text.replace("C1", "C\0"),
    ],
)
def test_what_is_not_whole_is_refused_even_beside_a_good_return(tmp_path: Path, spoil: Callable[[str], str]) -> None:
    write_csv(tmp_path, TABLES)
    write(tmp_path, spoil(as_xml(TABLES)))
    assert "is not whole XML" in refused(tmp_path)


@pytest.mark.parametrize("entity", ["'1234567890'", "SYSTEM 'file:///etc/hostname'"])
def test_entities_are_refused(tmp_path: Path, entity: str) -> None:
    text = f"<!DOCTYPE EXPSSDA903 [<!ENTITY x {entity}>]>" + as_xml(TABLES).replace(">C1<", ">&x;<")
    write(tmp_path, text)
    assert "declares a document type" in refused(tmp_path)


# ------------------------------------------------------------------ whatever comes


WHOLE = as_xml(TABLES).encode()
ANY = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CUTS = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 12), st.binary(max_size=8)), min_size=1, max_size=4)


def spoilt(data: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    for at, length, put in cuts:
        at %= len(data) or 1
        data = data[:at] + put + data[at + length :]
    return data


def read_or_refused(folder: Path) -> None:
    try:
        snapshot = read(folder)
    except InputError as error:
        refusal = str(error)
    else:
        accounted(snapshot)
        refusal = ""
    assert "\n" not in refusal


@ANY
@given(CUTS)
def test_whatever_is_done_to_xml_it_is_read_or_refused_in_a_line(
    tmp_path: Path, cuts: list[tuple[int, int, bytes]]
) -> None:
    (tmp_path / "return.xml").write_bytes(spoilt(WHOLE, cuts))
    read_or_refused(tmp_path)


@ANY
@given(CUTS, st.sampled_from(sorted(COLUMNS)))
def test_whatever_is_done_to_csv_it_is_read_or_refused_in_a_line(
    tmp_path: Path, cuts: list[tuple[int, int, bytes]], table: str
) -> None:
    folder = write_csv(tmp_path, {name: rows * 3 for name, rows in TABLES.items()})
    path = folder / f"{table}.csv"
    path.write_bytes(spoilt(path.read_bytes(), cuts))
    read_or_refused(folder)
