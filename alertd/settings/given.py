"""What is given beside the settings file: variables of the environment, and credentials of systemd.

A credential that is named as the setting of a file, ``email.password_file``, is that file: ``LoadCredential=`` in a
unit is all that a secret needs. Of a folder of them, ``LoadCredential=alertd:FOLDER``, systemd puts the ``alertd`` and
a ``_`` before each name. Others are none of ours.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from alertd.errors import InputError, did_you_mean

PREFIX: Final = "ALERTD_"
OF_FOLDER: Final = "alertd_"


def credentials(environment: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """The credentials that are settings, by their dotted names; none where systemd passed none."""
    folder = environment.get("CREDENTIALS_DIRECTORY", "")
    if not folder:
        return {}
    try:
        files = sorted(Path(folder).iterdir())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=f"{folder} (CREDENTIALS_DIRECTORY)") from None
    return {file.name.removeprefix(OF_FOLDER): file for file in files if "." in file.name}


def with_credentials(data: Mapping[str, Any], found: Mapping[str, Path], sections: Iterable[str]) -> dict[str, Any]:
    """The settings of the file with the credentials in their places. Of several feeds, ``feed.NAME.url_file`` is that
    of the one with the name. Raises InputError for a credential of no section."""
    filled = dict(data)
    for name, file in found.items():
        section, *keys = name.split(".")
        if section not in sections:
            fix = did_you_mean(section, sections) or "Name it as the setting of a file, as email.password_file"
            raise InputError(f"there is no section [{section}]", where=f"the credential {name}", fix=fix)
        filled[section] = _put(filled.get(section, {}), keys, str(file), name)
    return filled


def _put(into: Any, keys: list[str], value: str, name: str) -> Any:
    if isinstance(into, list):
        feed, *rest = keys
        names = [one.get("name") for one in into if isinstance(one, dict)]
        if feed not in names or not rest:
            fix = f"Write feed.NAME.{keys[-1]}; feeds are {', '.join(map(str, names))}"
            raise InputError("does not say which of several feeds", where=f"the credential {name}", fix=fix)
        return [_put(one, rest, value, name) if one.get("name") == feed else one for one in into]
    if not isinstance(into, dict) or not keys:
        return into  # what is wrong there is said when the settings are checked
    key, *rest = keys
    return {**into, key: _put(into.get(key, {}), rest, value, name) if rest else value}


def unknown_variable(sections: Iterable[str], environment: Mapping[str, str] = os.environ) -> None:
    """Raise InputError for a variable ``ALERTD_SECTION__KEY`` of no section: what is misspelt must not be passed over.
    One of a section's own keys is found when the section is checked."""
    for name in sorted(environment):
        section, two, _ = name.upper().removeprefix(PREFIX).partition("__")
        if name.upper().startswith(PREFIX) and two and section.lower() not in sections:
            fix = did_you_mean(section.lower(), sections)
            where = f"{name} in the environment"
            raise InputError(f"there is no section [{section.lower()}]", where=where, fix=fix)


def place(keys: list[str], environment: Mapping[str, str] = os.environ) -> str:
    """Where a setting is given beside the file; blank where it is not."""
    there = {name.upper(): name for name in environment}
    passed = credentials(environment)
    for n in range(len(keys), 0, -1):
        if name := there.get(PREFIX + "__".join(keys[:n]).upper()):
            return f"{name} in the environment"
        if (dotted := ".".join(keys[:n])) in passed:
            return f"the credential {dotted}"
    return ""
