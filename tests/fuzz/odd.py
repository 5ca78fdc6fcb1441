"""Cells as no return should have them: dates of every wrong sort, words, numbers, control characters."""

from __future__ import annotations

from random import Random
from typing import Final

DATES: Final = (
    "1900-01-01", "01/01/1900", "2099-12-31", "31/12/2099", "9999-12-31", "31/12/9999", "31/02/2025", "2025-02-31",
    "12/31/2025", "03/04/2025", "45658", "45658.0", "45658.5", "8 Jan 2000", "May be 8 Jan 2000", "2025-13-01",
    "00/00/0000", "zz/05/2020", "0001-01-01", "2025-06-01T25:00:00", "2025-06-01T10:00:00Z", "2025-10-26 01:30:00",
    "2025-06-01 00:00:00.000", "٠١/٠٢/٢٠٢٥", "-1", "29/02/2023", "1/2/2025", "2025/06/01", "20250601", "now", "NULL",
)  # fmt: skip
ODD: Final = (
    "", " ", "\u00a0", "0", "-1", "1.0", "1e308", "NaN", "Infinity", "#N/A", "#REF!", "=1+1", "NULL", "None", "nan",
    "true", "Y", "N", "b) Female", "\u202eabc", "\ufeff", "é", "𝔘", "a" * 300, "x" * 200_000, "1" * 400, '"', "'", "\\",
    "\t", "a\nb", "a\r\nb", "a,b", "a;b", "a|b", "{}", "[]", "<a>", "&amp;", "%s%n", "../../etc/passwd",
    "; DROP TABLE x",
    "\x00", "a\x00b", "\x07", "\x1b[31m", "9" * 25, "-9223372036854775809", "0x10", "1_000", "１２",
)  # fmt: skip


def cell(rng: Random) -> str:
    """One such cell."""
    return rng.choice(DATES if rng.random() < 0.5 else ODD)
