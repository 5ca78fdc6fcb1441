"""CIN censuses that cannot be used, and whatever else comes."""

import re
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from cin_census_xml import FULL, NOW, child, enquiry, header, need, refused, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alertd.cases.records import Snapshot
from alertd.cases.sources import xml_files
from alertd.cases.sources.cin_census import read
from alertd.errors import InputError


def test_what_is_no_census_is_refused(tmp_path: Path) -> None:
    assert "there is no such file or folder" in refused(tmp_path / "nowhere")
    assert "there is no CIN census here" in refused(tmp_path)
    (tmp_path / "x.xml").write_text("<html/>")
    assert "there is no CIN census here" in refused(tmp_path / "x.xml")
    assert refused(write(tmp_path)).startswith("census.xml: holds no child")


@pytest.mark.parametrize("cut", [40, 150, 400, -2])
def test_a_truncated_file_is_refused_whole(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path, FULL)
    path.write_bytes(path.read_bytes()[:cut])
    assert re.match(r"census\.xml:\d+: is not whole XML", refused(path))


@pytest.mark.parametrize("garbage", [b"", b"\x00" * 100, b"PK\x03\x04" + b"\xff" * 1000, "né".encode("cp1252")])
def test_garbage_is_refused(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / "census.xml").write_bytes(garbage)
    assert "is not whole XML" in refused(tmp_path)


LAUGHS = "<!DOCTYPE Message [<!ENTITY a '1234567890'>{}]>".format(
    "".join(f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
)


@pytest.mark.parametrize(
    "declared",
    [
        LAUGHS,
        "<!DOCTYPE Message [<!ENTITY i SYSTEM 'file:///etc/hostname'>]>",
        "<!DOCTYPE Message SYSTEM 'http://127.0.0.1:9/x.dtd'>",
        "<!DOCTYPE Message>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_whatever_it_declares(tmp_path: Path, declared: str, encoding: str) -> None:
    path = write(tmp_path, child(need(), ref="&i;" if "ENTITY" in declared else "C1"))
    path.write_bytes(f'<?xml version="1.0" encoding="{encoding}"?>{declared}{path.read_text()}'.encode(encoding))
    assert "declares a document type" in refused(path)


def test_entities_in_an_attribute_are_not_expanded_either(tmp_path: Path) -> None:
    path = write(tmp_path, FULL)
    path.write_text(LAUGHS + path.read_text().replace("<Message>", "<Message a='&i;'>"))
    assert "declares a document type" in refused(path)


def test_an_element_beyond_all_measure_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = write(tmp_path, child(need("<x/>" * 300_000)))
    assert "no Header or Child ends within 1 MB" in refused(path)


def test_a_file_of_no_use_is_refused_before_its_end(tmp_path: Path) -> None:
    assert re.match(r"census.xml:4: 10001 of 10001 rows", refused(write(tmp_path, "<Child/>\n" * 50_000)))


def test_many_children_are_read_however_large_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_files, "_LARGEST", 100_000)
    path = write(tmp_path, *(child(need(), ref=f"C{n}") for n in range(3000)))
    assert path.stat().st_size > 5 * 100_000
    assert len(read(path, as_of=NOW).cases) == 3000


# ------------------------------------------------------------------ whatever comes

WHOLE = (
    f"<Message>{header()}<Children>{FULL}{child(need(enquiry('2023-06-01')), ref='C2')}</Children></Message>".encode()
)
ANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CUTS = st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 12), st.binary(max_size=8))


def read_or_refused(folder: Path) -> Snapshot | str:
    try:
        snapshot = read(folder, as_of=NOW)
    except InputError as error:
        return str(error)
    assert all(account.adds_up for account in snapshot.accounts.values())
    return snapshot


@ANY
@given(st.lists(CUTS, min_size=1, max_size=4))
def test_whatever_is_done_to_a_census_it_is_read_or_refused_in_a_line(
    tmp_path: Path, cuts: list[tuple[int, int, bytes]]
) -> None:
    data = WHOLE
    for at, length, put in cuts:
        data = data[:at] + put + data[at + length :]
    (tmp_path / "census.xml").write_bytes(data)
    found = read_or_refused(tmp_path)
    assert isinstance(found, Snapshot) or "\n" not in found


@ANY
@given(st.integers(0, 30), st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12))
def test_whatever_a_cell_holds_its_row_stays(tmp_path: Path, at: int, text: str) -> None:
    """Each cell of a census in turn holds something else; no row is lost."""
    whole = write(tmp_path, FULL, child(need(), ref="C2")).read_text()
    cells = list(re.finditer(r">([^<>\n]+)<", whole))[3:]
    cell = cells[at % len(cells)]
    (tmp_path / "census.xml").write_text(whole[: cell.start(1)] + escape(text) + whole[cell.end(1) :], encoding="utf-8")
    found = read_or_refused(tmp_path)
    if isinstance(found, str):
        assert "has no LAchildID" in found or "is not whole XML" in found
    else:
        assert sum(found.counts.values()) == 10
