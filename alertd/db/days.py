"""Days in SQL: the London day of a day or moment kept as text in JSON, and how many lie between two."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Date, DateTime, Integer, Text, case, cast, func, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from alertd.cases.records import local_day


class Days:
    """The statements' parts, for the database of a session. A moment is longer than a day: ``2026-11-24`` has ten
    letters; most are days, so the function that SQLite has to be lent for moments is seldom called."""

    def __init__(self, session: Session) -> None:
        connection = session.connection()
        self._is_sqlite = connection.dialect.name == "sqlite"
        if self._is_sqlite:
            raw: Any = connection.connection.dbapi_connection
            raw.create_function("london_day", 1, _london_day, deterministic=True)

    def of(self, text: ColumnElement[str]) -> ColumnElement[Any]:
        """The London day of what :meth:`alertd.engine.findings.Finding.as_json` wrote."""
        is_moment = func.length(text) > len("2026-11-24")
        if self._is_sqlite:
            return case((is_moment, func.london_day(text)), else_=text)
        in_london = func.timezone("Europe/London", cast(text, DateTime(timezone=True)))
        return case((is_moment, cast(in_london, Date)), else_=cast(text, Date))

    def between(self, first: ColumnElement[Any], last: ColumnElement[Any]) -> ColumnElement[int]:
        """How many days the last is after the first."""
        if self._is_sqlite:
            return cast(func.julianday(last) - func.julianday(first), Integer)
        return type_coerce(last.op("-")(first), Integer)

    def month(self, day: ColumnElement[Any]) -> ColumnElement[str]:
        """The month of a day, as ``2026-11``."""
        return func.substr(cast(day, Text), 1, len("2026-11"))


def _london_day(text: str) -> str:
    return local_day(datetime.fromisoformat(text)).isoformat()
