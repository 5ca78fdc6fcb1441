"""The languages alertd speaks: every sentence of its own, by the reader's choice, English or Welsh.

English is written where it is said and is the key to its translation: a gettext catalogue (``cy.po``
here, and beside a rule pack or the authority's own templates) holds the Welsh. When the English
changes, the old Welsh no longer answers, so it can never say what is no longer so. What has no
translation is said in English, and :class:`Said` knows that it is.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final

from babel import Locale
from babel.dates import format_date
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from alertd.calendars.durations import UNITS, Duration
from alertd.errors import InputError

LANGUAGES: Final = ("en", "cy")

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ENGLISH_DAY: Final = re.compile(r"[A-Z][a-z]{2} (?P<day>\d{1,2}) (?P<month>[A-Z][a-z]{2}) (?P<year>\d{4})")
_COUNTED: Final = {unit: (f"{{n}} {unit}", f"{{n}} {unit}s") for unit in UNITS} | {"day": ("{n} day", "{n} days")}


class Said(str):
    """Words for a reader. ``lang`` is the language they are in, by its ISO 639 code."""

    __slots__ = ("lang",)
    lang: str

    def __new__(cls, text: str, lang: str = "en") -> Said:
        """The text, known to be in that language."""
        said = super().__new__(cls, text)
        said.lang = lang
        return said


@dataclass(frozen=True, slots=True)
class Language:
    """One language. ``code`` is its ISO 639 code; ``tag`` what an HTML page or mail header says."""

    code: str
    translations: NullTranslations

    @property
    def tag(self) -> str:
        """``en-GB`` or ``cy``."""
        return "en-GB" if self.code == "en" else self.code

    def say(self, text: str, /, **values: object) -> Said:
        """An English text in this language, with ``{names}`` filled in. Without a translation: in English."""
        found = self.translations.gettext(text) if text else text
        lang = "en" if found is text else self.code
        return Said(found.format(**values) if values else found, lang)

    def count(self, one: str, many: str, n: int, /, **values: object) -> Said:
        """A text with ``{n}`` in it, in the form that this language has for that number: Welsh has six."""
        found = self.translations.ngettext(one, many, n)
        return Said(found.format(n=n, **values), "en" if found in (one, many) else self.code)

    def length(self, text: str) -> str:
        """``20 working days``, ``6 weeks before`` and the like, said again; anything else as it is."""
        if self.code == "en":
            return text
        for form in ("{length} before", "{length} (loosened)"):
            if match := _shape(form).fullmatch(text):
                return self.say(form, length=self.length(match["length"]))
        try:
            duration = Duration.parse(text)
        except ValueError:
            return text
        return self.units(duration.n, duration.unit)

    def units(self, n: int, unit: str) -> str:
        """That many of a unit of time: a unit of durations, or ``day``."""
        one, many = _COUNTED[unit]
        return self.count(one, many, n)

    def day(self, day: date, pattern: str) -> str:
        """A day written by a pattern of the CLDR: ``EEE d MMM``."""
        said = format_date(day, pattern, locale=_locale(self.code))
        # The CLDR's "Dydd Gwener" is for standing alone; within a sentence it is small.
        return said.replace("Dydd ", "dydd ") if self.code == "cy" else said

    def both(self, words: Sequence[str]) -> str:
        """``a``, ``a and b``, ``a, b and c``."""
        return self.say(" and ").join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)

    def either(self, words: Sequence[str]) -> str:
        """``a``, ``a or b``, ``a or b or c``."""
        return self.say(" or ").join(words)

    def reword(self, text: str, forms: Iterable[str]) -> Said:
        """A finished English sentence said again, where it is one of the ``forms`` (texts with ``{names}``).

        For what was put into words before its reader was known, and kept so. What is in the place of a
        name is looked up too, as a text, one of the forms or a day. Any other sentence stays English.
        """
        if self.code == "en" or not text:
            return Said(text, "en")
        said = self.say(text)
        if said.lang == self.code:
            return said
        if (day := _ENGLISH_DAY.fullmatch(text)) and day["month"] in _MONTHS:
            on = date(int(day["year"]), _MONTHS.index(day["month"]) + 1, int(day["day"]))
            return Said(self.day(on, "EEE d MMM y"), self.code)
        forms = tuple(forms)
        for form in forms:
            if (match := _shape(form).fullmatch(text)) and match.groupdict():
                values = {name: self.reword(value, forms) for name, value in match.groupdict().items()}
                said = self.say(form, **values)
                if said.lang == self.code:
                    return said
        return Said(text, "en")


ENGLISH: Final = Language("en", NullTranslations())


def language(code: str, *folders: Path) -> Language:
    """A language with alertd's own catalogue and those found as ``<code>.po`` in the folders, the last first.

    A code that is not one of :data:`LANGUAGES` is English. Raises :class:`InputError` with file and line for a
    catalogue that cannot be read, and for a translation that names what its English does not.
    """
    return _loaded(code, folders) if code in LANGUAGES and code != "en" else ENGLISH


@lru_cache(maxsize=16)
def _loaded(code: str, folders: tuple[Path, ...]) -> Language:
    whole = Catalog(locale=code)
    for folder in (Path(__file__).parent, *folders):
        path = folder / f"{code}.po"
        if path.is_file():
            for message in read_catalogue(path):
                whole.delete(message.id)
                whole[message.id] = message
    compiled = BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return Language(code, GNUTranslations(compiled))


def read_catalogue(path: Path) -> list[Message]:
    """The translations of one catalogue, without unfinished and fuzzy ones. Raises :class:`InputError`."""
    try:
        with path.open("rb") as file:
            catalogue = read_po(file, abort_invalid=True)
    except PoFileError as error:
        raise InputError(f"is not a gettext catalogue: {error}", where=f"{path}:{error.lineno + 1}") from None
    except (OSError, UnicodeError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from None
    found = [m for m in catalogue if m.id and not m.fuzzy and _filled(m)]
    for message in found:
        known = set().union(*(_names(text) for text in _texts(message.id)))
        for text in _texts(message.string):
            if unknown := _names(text) - known:
                raise InputError(
                    f"the translation names {{{min(unknown)}}}, which the English does not",
                    where=f"{path}:{message.lineno}",
                    fix=f"Use {', '.join(f'{{{name}}}' for name in sorted(known)) or 'no braces'}.",
                )
    return found


def _texts(value: str | Sequence[str] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def _filled(message: Message) -> bool:
    texts = _texts(message.string)
    return bool(texts) and all(texts)


def _names(text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError:
        return {text}


@lru_cache(maxsize=8)
def _locale(code: str) -> Locale:
    return Locale.parse(code)


@lru_cache(maxsize=512)
def _shape(form: str) -> re.Pattern[str]:
    """What a finished sentence of this form looks like; the first name takes as little as it can."""
    parts = re.split(r"\{(\w+)\}", form)
    return re.compile("".join(f"(?P<{part}>.+?)" if n % 2 else re.escape(part) for n, part in enumerate(parts)), re.S)
