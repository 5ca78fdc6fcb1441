"""A manifest beside an extract: what was cut short on its way is refused, with both figures."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from alertd.cases.sources import own_csv
from alertd.cases.sources.manifest import check_manifest
from alertd.errors import InputError

LIST = 'child;happened;closed;type\r\n1;2026-03-02;;"a\r\nb"\r\n2;2026-03-02;;x\r\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "need.csv").write_bytes(LIST.encode())
    return tmp_path


def said(folder: Path, manifest: str) -> str:
    (folder / "manifest.csv").write_text(manifest)
    try:
        check_manifest(folder)
    except InputError as error:
        return str(error)
    return ""


def test_without_a_manifest_there_is_nothing_to_compare(folder: Path) -> None:
    check_manifest(folder)


def test_rows_and_checksum_that_agree_pass(folder: Path) -> None:
    digest = sha256(LIST.encode()).hexdigest()
    assert said(folder, f"file,rows,sha256\nneed.csv,2,{digest.upper()}\n") == ""
    assert said(folder, "File;Rows\nneed.csv;2\n") == ""


def test_a_file_cut_short_is_refused_with_both_figures(folder: Path) -> None:
    whole = sha256(LIST.encode()).hexdigest()
    (folder / "need.csv").write_bytes(LIST[: LIST.index("2;2026")].encode())
    cut = sha256(LIST[: LIST.index("2;2026")].encode()).hexdigest()
    assert said(folder, "file,rows\nneed.csv,2\n").startswith("need.csv: has 1 rows and the manifest says 2.")
    assert whole in (told := said(folder, f"file,rows,sha256\nneed.csv,,{whole}\n")) and cut in told
    with pytest.raises(InputError, match="is not the file of the manifest"):
        own_csv.read(folder, as_of=datetime(2026, 3, 3, tzinfo=UTC))


def test_a_file_cut_within_a_quoted_cell_is_refused(folder: Path) -> None:
    (folder / "need.csv").write_text(LIST[: LIST.index('b"')])
    assert "is cut short or damaged" in said(folder, "file,rows\nneed.csv,2\n")


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ("file,rows\nplan.csv,1\n", "manifest.csv:2: plan.csv is named here and is not in the folder"),
        ("file,rows\n../need.csv,1\n", "manifest.csv:2: file: names no file of this folder"),
        ("file,rows\n,1\n", "manifest.csv:2: file: names no file of this folder"),
        (f"file,rows\n{'x' * 3000},1\n", "manifest.csv:2: file: names no file of this folder"),
        ("file,rows\nneed.csv,some\n", "manifest.csv:2: rows: is not a number of rows"),
        ("file,rows\nneed.csv,\n", "manifest.csv:2: gives neither rows nor sha256"),
        ("file,sha256\nneed.csv,abc\n", "manifest.csv:2: sha256: is not a SHA-256"),
        ("file,row\nneed.csv,1\n", "manifest.csv:1: column 2 is not of a manifest. Did you mean rows?"),
        ("rows\n1\n", "manifest.csv:1: has no column file"),
        ("file,rows\n", "manifest.csv: names no file"),
        ("", "manifest.csv: names no file"),
        ('file,rows\n"need', "manifest.csv:2: is not whole CSV"),
        ("file,rows\nbook.xlsx,3\n", "manifest.csv:2: rows of book.xlsx cannot be counted"),
    ],
)
def test_what_a_manifest_says_wrongly_is_told_with_its_line(manifest: str, told: str, folder: Path) -> None:
    (folder / "book.xlsx").write_bytes(b"PK")
    assert said(folder, manifest).startswith(told)
