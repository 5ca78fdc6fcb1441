"""Puts the look of the web into the package when it is built: GOV.UK Frontend, without what is GOV.UK's alone.

The typeface, the crown and the crest belong to services on the domain GOV.UK, which a council's are not; they are taken
out here, so nothing of them is installed. What was made is not made again while it is of the right version, so a build
of a tree that has it needs no network.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from base64 import b64decode
from hashlib import sha512
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE: Final = "govuk-frontend"
VERSION: Final = "6.3.0"  # the one whose markup the macros of govuk-frontend-jinja 4.1 write
INTEGRITY: Final = "cXIQxm5PHCsbic47GXZrVBZhAeeshTLRL6ZBKilLsR6rMCjJuWb7Fruq0VUNMBJFlJk/srsRj/q8d5bM9cgKoA=="
MADE: Final = f"{VERSION}, arranged 1"
"""Counted up when this file takes something else from the same version."""

FOLDER: Final = Path("alertd", "web", "static", "govuk")
TARBALL: Final = "ALERTD_GOVUK_FRONTEND"

LICENCE: Final = """\
GOV.UK Frontend, changed: without its typeface, crown and crest. https://github.com/alphagov/govuk-frontend

The MIT License (MIT)

Copyright (C) 2017 Crown Copyright (Government Digital Service)

Permission is hereby granted, free of charge, to any person obtaining a copy of
this software and associated documentation files (the "Software"), to deal in
the Software without restriction, including without limitation the rights to
use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies
of the Software, and to permit persons to whom the Software is furnished to do
so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


class AssetsError(Exception):
    """The assets cannot be made; says what to do."""


class Assets(BuildHookInterface):  # type: ignore[type-arg]
    """Called by hatchling before it makes a wheel, a source archive or an editable installation."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Make the assets where they are missing or of another version."""
        try:
            make(Path(self.root) / FOLDER)
        except AssetsError as error:
            raise SystemExit(f"alertd cannot be built: {error}") from error


def make(folder: Path) -> None:
    """Fill ``folder``, whole or not at all: somebody may be reading it."""
    if (version := folder / "VERSION").is_file() and version.read_text("utf-8").strip() == MADE:
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".govuk-") as given:
        work = Path(given)
        new = work / "govuk"
        new.mkdir()
        for name, text in _files(_tarball(work)).items():
            (new / name).write_text(text, "utf-8")
        if folder.exists():
            folder.rename(work / "old")
        new.rename(folder)


def _tarball(work: Path) -> Path:
    """The package as npm publishes it, checked: a tarball that was pointed to, or packed by npm."""
    if not (given := os.environ.get(TARBALL)):
        return packed(PACKAGE, VERSION, INTEGRITY, work, f"set {TARBALL} to the file that '{{}}' makes elsewhere")
    if not Path(given).is_file():
        raise AssetsError(
            f"{TARBALL} names {given}, and there is no such file. Make it with: npm pack {PACKAGE}@{VERSION}"
        )
    return _checked(Path(given), PACKAGE, VERSION, INTEGRITY)


def packed(package: str, version: str, integrity: str, into: Path, otherwise: str) -> Path:
    """A package packed by npm, checked. ``otherwise`` is what else can be done, around the command that was tried."""
    command = f"npm pack {package}@{version}"
    if (npm := shutil.which("npm")) is None:
        raise AssetsError(
            f"the npm package {package}@{version} is needed, and there is no npm here. "
            f"Install npm (Debian: apt-get install npm), or {otherwise.format(command)}"
        )
    done = subprocess.run(  # noqa: S603
        [npm, "pack", f"{package}@{version}", "--silent"], cwd=into, capture_output=True, text=True
    )
    made = into / f"{package}-{version}.tgz"
    if done.returncode != 0 or not made.is_file():
        said = done.stderr.strip() or "nothing"
        raise AssetsError(f"'{command}' failed. Try again, or {otherwise.format(command)}. npm says: {said}")
    return _checked(made, package, version, integrity)


def _checked(tarball: Path, package: str, version: str, integrity: str) -> Path:
    if sha512(tarball.read_bytes()).digest() != b64decode(integrity):
        raise AssetsError(f"{tarball.name} is not {package} {version} as it was published: its hash is another")
    return tarball


def _files(tarball: Path) -> dict[str, str]:
    """What a browser is given. The source maps and the pictures are left out: nothing on our pages shows them."""
    with tarfile.open(tarball) as archive:

        def text(name: str) -> str:
            member = archive.extractfile(f"package/dist/govuk/{name}")
            assert member is not None
            return member.read().decode("utf-8")

        css, script = text("govuk-frontend.min.css"), text("govuk-frontend.min.js")
    return {
        "govuk-frontend.min.css": without_what_is_theirs(css),
        "govuk-frontend.min.js": re.sub(r"//# sourceMappingURL=\S+\s*$", "", script),
        "LICENCE.txt": LICENCE,
        "VERSION": f"{MADE}\n",
    }


def without_what_is_theirs(css: str) -> str:
    """The style sheet without typeface and crest. Refuses one in which something of them stayed."""
    css = re.sub(r"@font-face\s*\{[^}]*\}", "", css)
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)  # one claims the typeface, one names the source map
    css = css.replace("GDS Transport,arial,sans-serif", "arial,helvetica,sans-serif")
    css = re.sub(r"@supports[^{]*\{\.govuk-footer__copyright-logo:before\{[^}]*\}\}", "", css)
    css = re.sub(r"\.govuk-footer__copyright-logo:before\{[^}]*\}", "", css)
    for theirs in ("@font-face", "GDS Transport", "url(", "crest"):
        if theirs in css:
            raise AssetsError(f"the style sheet of govuk-frontend {VERSION} still has {theirs!r}: mend hatch_build.py")
    return css.strip() + "\n"
