"""S/MIME, read by OpenSSL: signed as ours, encrypted to them, and not sent where a certificate does not hold."""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from alertd.errors import InputError
from alertd.outbox.channel import Letter
from alertd_notifiers.email import EmailNotifier, notifier
from tests.support.smtp_server import SmtpServer

NOW = datetime.now(UTC)
LETTER = Letter(
    str(uuid4()), "alertd@council.example", "Siân", "duty@nhs.example", NOW, "Overdue – ref C1", "p",
    "Jane is overdue\n.\nFrom here: £5\n", "<p>Jane</p>",
)  # fmt: skip
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def issue(
    folder: Path, name: str, *, curve: bool = False, days: tuple[int, int] = (-1, 30), made_out_to: str = ""
) -> tuple[Path, Path]:
    """A certificate that vouches for itself, and its key, in files of that name: an address, a domain, or ours."""
    address = name if "@" in name else f"duty@{name}" if "." in name else "alertd@council.example"
    key = ec.generate_private_key(ec.SECP256R1()) if curve else rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=days[0])).not_valid_after(NOW + timedelta(days=days[1]))
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(made_out_to or address)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    certificate_file, key_file = folder / f"{name}.pem", folder / f".{name}.key"
    certificate_file.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    key_file.chmod(0o600)
    return certificate_file, key_file


def channel(port: int = 587, **smime: object) -> EmailNotifier:
    settings = {"host": "localhost", "port": port, "tls": "none", "sender": "alertd@council.example", "smime": smime}
    return notifier(settings)


def openssl(folder: Path, content: bytes, *command: str) -> bytes:
    (folder / "mail.eml").write_bytes(content)
    done = subprocess.run(["openssl", "cms", *command, "-in", str(folder / "mail.eml")], capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def read(content: bytes) -> EmailMessage:
    found = email.message_from_bytes(content, policy=email.policy.strict)  # type: ignore[arg-type]
    assert isinstance(found, EmailMessage)
    return found


def says(message: EmailMessage) -> tuple[str, str]:
    return tuple(message.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html"))  # type: ignore[union-attr,return-value]


@needs_openssl
@pytest.mark.parametrize("curve", [False, True], ids=["RSA", "elliptic curve"])
def test_openssl_verifies_what_is_signed_and_notices_what_was_changed(tmp_path: Path, curve: bool) -> None:
    certificate, key = issue(tmp_path, "own", curve=curve)
    content = channel(certificate_file=certificate, key_file=key).write(LETTER)
    check = ("-verify", "-CAfile", str(certificate), "-purpose", "any")
    assert says(read(openssl(tmp_path, content, *check))) == (LETTER.text, LETTER.html + "\n")
    outer = read(content)
    assert outer["Subject"] == LETTER.subject and outer.get_content_type() == "multipart/signed"
    assert outer["Message-ID"] == f"<{LETTER.id}@council.example>"
    with pytest.raises(AssertionError, match=r"[Vv]erification fail|digest"):
        openssl(tmp_path, content.replace(b"Jane", b"John"), *check)


@needs_openssl
@pytest.mark.parametrize("name", ["duty@nhs.example", "nhs.example"], ids=["the address", "its domain"])
@pytest.mark.parametrize("signs", [False, True])
def test_only_the_recipient_reads_what_is_encrypted_and_nothing_of_it_stands_outside(
    tmp_path: Path, name: str, signs: bool
) -> None:
    (tmp_path / "theirs").mkdir()
    certificate, key = issue(tmp_path / "theirs", name)
    own, own_key = issue(tmp_path, "own")
    mine = {"certificate_file": own, "key_file": own_key} if signs else {}
    content = channel(recipients_folder=tmp_path / "theirs", **mine).write(LETTER)
    head, _, body = content.partition(b"\r\n\r\n")
    assert not any(word in head for word in (b"Jane", b"C1", b"Overdue"))
    assert b"Jane is overdue" not in base64.b64decode(body)
    assert read(content)["Subject"] == "alertd: an encrypted message"
    inside = openssl(tmp_path, content, "-decrypt", "-recip", str(certificate), "-inkey", str(key))
    assert read(inside).get_content_type() == ("multipart/signed" if signs else "multipart/alternative")
    if signs:
        inside = openssl(tmp_path, inside, "-verify", "-CAfile", str(own), "-purpose", "any")
    assert says(read(inside)) == (LETTER.text, LETTER.html + "\n")
    assert read(inside)["Subject"] == LETTER.subject


def test_whoever_has_no_certificate_gets_a_plain_mail(tmp_path: Path) -> None:
    issue(tmp_path, "nhs.example")
    plain = channel(recipients_folder=tmp_path).write(replace(LETTER, address="sian@council.example"))
    assert read(plain).get_content_type() == "multipart/alternative"


@pytest.mark.parametrize("days", [(-9, -1), (1, 9)], ids=["run out", "not yet"])
def test_i4_to_whoever_has_a_certificate_that_does_not_hold_nothing_is_made(
    tmp_path: Path, days: tuple[int, int]
) -> None:
    issue(tmp_path, "duty@nhs.example", days=days)
    made = channel(recipients_folder=tmp_path)
    with pytest.raises(InputError, match=r"not sent: the certificate for nhs\.example holds only from") as said:
        made.write(LETTER)
    assert "duty@" not in str(said.value)
    assert read(made.write(replace(LETTER, address="sian@council.example")))["Subject"] == LETTER.subject


def test_i1_when_our_own_certificate_has_ended_mail_goes_unsigned_and_still_encrypted(tmp_path: Path) -> None:
    """One forgotten renewal must not stop all mail, and with it the mail that would say so."""
    (tmp_path / "theirs").mkdir()
    issue(tmp_path / "theirs", "nhs.example")
    certificate, key = issue(tmp_path, "own", days=(-9, -1))
    made = channel(certificate_file=certificate, key_file=key, recipients_folder=tmp_path / "theirs")
    plain = read(made.write(replace(LETTER, address="sian@council.example")))
    assert plain.get_content_type() == "multipart/alternative" and says(plain)[0] == LETTER.text
    assert read(made.write(LETTER)).get_content_type() == "application/pkcs7-mime"


@pytest.mark.parametrize(
    ("days", "result", "said"),
    [((-9, -1), "refused", "{whose} holds only from"), ((-9, 20), "delivered", "{whose} holds only from"),
     ((-9, 60), "delivered", "asked for$")],
    ids=["ended", "ends soon", "holds"],
)  # fmt: skip
@pytest.mark.parametrize("whose", ["our own certificate", "the certificate for nhs.example"])
def test_a_certificate_that_ended_fails_the_check_and_one_that_will_is_said_a_month_before(
    tmp_path: Path, days: tuple[int, int], result: str, said: str, whose: str
) -> None:
    certificate, key = issue(tmp_path, "duty@nhs.example", days=days)
    ours = {"certificate_file": certificate, "key_file": key}
    smime = ours if "own" in whose else {"recipients_folder": tmp_path}
    with SmtpServer() as server:
        outcome = asyncio.run(channel(server.port, **smime).check())
    assert outcome.result == result and server.taken == []
    assert re.search(said.format(whose=re.escape(whose)), outcome.reason), outcome.reason
    assert "duty@" not in outcome.reason


def test_what_cannot_be_used_is_said_at_the_start(tmp_path: Path) -> None:
    certificate, key = issue(tmp_path, "own")
    _, other = issue(tmp_path, "other")
    with pytest.raises(InputError, match="not that of the certificate"):
        channel(certificate_file=certificate, key_file=other)
    with pytest.raises(InputError, match="go together"):
        channel(certificate_file=certificate)
    with pytest.raises(InputError, match="cannot be read"):
        channel(certificate_file=key, key_file=key)
    key.chmod(0o644)
    with pytest.raises(InputError, match="open to every user"):
        channel(certificate_file=certificate, key_file=key)
    with pytest.raises(InputError, match="FileNotFoundError"):
        channel(recipients_folder=tmp_path / "gone")
    (tmp_path / "theirs").mkdir()
    issue(tmp_path / "theirs", "nhs.example", curve=True)
    with pytest.raises(InputError, match="RSA keys only"):
        channel(recipients_folder=tmp_path / "theirs")


@pytest.mark.parametrize("name", ["nhs-example.pem", "nhs.example.crt", "nhs.example", "duty@.pem"])
def test_i4_a_file_that_would_be_no_recipients_is_refused_because_their_mail_would_go_in_plain_text(
    tmp_path: Path, name: str
) -> None:
    certificate, _ = issue(tmp_path, "nhs.example")
    channel(recipients_folder=tmp_path)
    certificate.rename(tmp_path / name)
    with pytest.raises(InputError, match="says for whom it is"):
        channel(recipients_folder=tmp_path)


@pytest.mark.parametrize("name", ["nhs.example", "duty@nhs.example"])
def test_i4_a_certificate_made_out_to_others_is_refused(tmp_path: Path, name: str) -> None:
    issue(tmp_path, name, made_out_to="duty@school.example")
    with pytest.raises(InputError, match="made out to others"):
        channel(recipients_folder=tmp_path)
