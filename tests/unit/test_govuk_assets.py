"""The look of the web is made when the package is built: checked, without what is GOV.UK's alone, and not twice."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from base64 import b64encode
from hashlib import sha512
from pathlib import Path

import pytest

import hatch_build
from hatch_build import FOLDER, MADE, AssetsError, make, without_what_is_theirs

ROOT = Path(__file__).parents[2]
CSS = """@charset "UTF-8";/*! exclusive */@font-face{font-family:GDS Transport;src:url(/assets/fonts/l.woff2)}
.govuk-link{font-family:GDS Transport,arial,sans-serif}
.govuk-footer__copyright-logo:before{background-image:url(/assets/images/govuk-crest.svg)}
@supports (mask-position:initial){.govuk-footer__copyright-logo:before{mask-image:url(/assets/images/govuk-crest.svg)}}
/*# sourceMappingURL=govuk-frontend.min.css.map */"""


@pytest.fixture
def tarball(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small package laid out as npm lays it out, which is taken for the published one."""
    made = tmp_path / "govuk-frontend.tgz"
    with tarfile.open(made, "w:gz") as archive:
        for name, text in (("css", CSS), ("js", "export{initAll};//# sourceMappingURL=govuk-frontend.min.js.map")):
            info = tarfile.TarInfo(f"package/dist/govuk/govuk-frontend.min.{name}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    monkeypatch.setattr(hatch_build, "INTEGRITY", b64encode(sha512(made.read_bytes()).digest()).decode())
    monkeypatch.setenv(hatch_build.TARBALL, str(made))
    return made


def test_what_is_made_is_the_look_without_typeface_and_crest(tarball: Path, tmp_path: Path) -> None:
    make(tmp_path / "static" / "govuk")
    made = {file.name: file.read_text("utf-8") for file in (tmp_path / "static" / "govuk").iterdir()}
    css = '@charset "UTF-8";\n.govuk-link{font-family:arial,helvetica,sans-serif}\n'
    assert made.pop("govuk-frontend.min.css") == css
    assert made.pop("govuk-frontend.min.js") == "export{initAll};"
    assert made.pop("VERSION") == f"{MADE}\n"
    assert "The MIT License" in made.pop("LICENCE.txt")
    assert not made and [file.name for file in (tmp_path / "static").iterdir()] == ["govuk"]


def test_the_right_version_is_kept_and_needs_no_npm(
    tarball: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "govuk"
    make(folder)
    (folder / "mark").touch()
    monkeypatch.delenv(hatch_build.TARBALL)
    monkeypatch.setenv("PATH", "")
    make(folder)
    assert (folder / "mark").exists()


def test_another_version_is_replaced_whole(tarball: Path, tmp_path: Path) -> None:
    folder = tmp_path / "govuk"
    folder.mkdir()
    (folder / "VERSION").write_text("5.0.0, arranged 1\n")
    (folder / "old.css").touch()
    make(folder)
    assert (folder / "VERSION").read_text() == f"{MADE}\n" and not (folder / "old.css").exists()


def test_a_tarball_that_was_changed_is_refused(tarball: Path, tmp_path: Path) -> None:
    tarball.write_bytes(tarball.read_bytes() + b"\0")
    with pytest.raises(AssetsError, match=r"is not govuk-frontend 6\.3\.0 as it was published"):
        make(tmp_path / "govuk")
    assert not (tmp_path / "govuk").exists()


def test_without_npm_it_says_what_to_install_or_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(hatch_build.TARBALL, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssetsError, match=r"apt-get install npm.* set ALERTD_GOVUK_FRONTEND to the file"):
        make(tmp_path / "govuk")


def test_when_npm_fails_its_words_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(hatch_build.TARBALL, raising=False)
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text("#!/bin/sh\necho no network >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(AssetsError, match=r"'npm pack govuk-frontend@6\.3\.0' failed\..* npm says: no network"):
        make(tmp_path / "govuk")


def test_a_tarball_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(hatch_build.TARBALL, "/nowhere/x.tgz")
    with pytest.raises(AssetsError, match=r"names /nowhere/x\.tgz, and there is no such file"):
        make(tmp_path / "govuk")


@pytest.mark.parametrize("left", ["@font-face {", ".a{font-family:GDS Transport,serif}", ".a{background:url(b.svg)}"])
def test_a_style_sheet_that_keeps_something_of_theirs_is_refused(left: str) -> None:
    with pytest.raises(AssetsError, match="mend hatch_build"):
        without_what_is_theirs(left)


def test_what_this_installation_serves_is_the_real_thing_and_holds_nothing_of_theirs() -> None:
    css = (ROOT / FOLDER / "govuk-frontend.min.css").read_text("utf-8")
    assert f'--govuk-frontend-version:"{hatch_build.VERSION}"' in css and ".govuk-service-navigation" in css
    assert not [theirs for theirs in ("@font-face", "GDS Transport", "url(") if theirs in css]
    assert "font-family:arial,helvetica,sans-serif" in css


def test_the_wheel_holds_it_though_git_does_not(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("alertd-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if name.startswith("alertd/web/static/")}
        version = archive.read("alertd/web/static/govuk/VERSION").decode()
    for name in ("govuk-frontend.min.css", "govuk-frontend.min.js", "LICENCE.txt"):
        assert f"alertd/web/static/govuk/{name}" in inside
    assert version == f"{MADE}\n"
    ignored = subprocess.run(["git", "-C", str(ROOT), "check-ignore", "-q", str(FOLDER / "VERSION")])
    assert ignored.returncode in (0, 128)  # 128: a tree without git
