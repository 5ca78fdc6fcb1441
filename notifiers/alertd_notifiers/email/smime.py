"""S/MIME (RFC 8551): mail signed as ours, and encrypted to whoever has given us a certificate."""

from __future__ import annotations

import base64
import re
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7
from cryptography.x509.oid import NameOID

from alertd.errors import InputError
from alertd.outbox.channel import Letter
from alertd.outbox.channel_config import read_secret
from alertd_notifiers.email.config import Smime

_OUTSIDE: Final = b"Subject: alertd: an encrypted message"
"""What anybody on the way can read; the true subject is inside (RFC 9788)."""

_CONTENT: Final = (b"content-type", b"content-transfer-encoding", b"content-language")
_Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Sealer:
    """Signs and encrypts mails. Every file is read at once, so that a fault in one shows at the start."""

    def __init__(self, config: Smime) -> None:
        """Raises InputError for a file that is no certificate or key, and for a key of another certificate."""
        self._own: tuple[x509.Certificate, _Key] | None = None
        if config.certificate_file and config.key_file:
            certificate, key = _certificate(config.certificate_file), _key(config.key_file)
            if key.public_key() != certificate.public_key():
                where, fix = str(config.key_file), "Give the key that belongs to the certificate"
                raise InputError("the key is not that of the certificate", where=where, fix=fix)
            self._own = certificate, key
        folder = config.recipients_folder
        self._recipients = dict(map(_of_recipient, _files(folder))) if folder else {}

    def sealed(self, letter: Letter, mail: bytes) -> bytes:
        """The mail as it is sent: signed where we have a certificate, encrypted where the recipient has one.

        Where our own certificate does not hold at the letter's time it goes unsigned: else one forgotten renewal would
        stop all mail, with the mail that says so. Raises InputError where the recipient's does not: it is kept
        from others' eyes, or not sent.
        """
        recipient = self._recipient(letter.address.lower())
        own = self._own if self._own and _holds(self._own[0], letter.date) else None
        if own is None and recipient is None:
            return mail
        head, _, body = mail.partition(b"\r\n\r\n")
        lines = re.split(rb"\r\n(?![ \t])", head)
        within = [line for line in lines if _name(line) in _CONTENT]
        outside = [line for line in lines if _name(line) not in _CONTENT]
        if recipient is not None:
            within = [line + b'; hp="cipher"' if _name(line) == b"content-type" else line for line in within]
            within += [line for line in outside if _name(line) == b"subject"]
            outside = [_OUTSIDE if _name(line) == b"subject" else line for line in outside]
        entity = b"\r\n".join(within) + b"\r\n\r\n" + body
        if own is not None:
            entity = _signed(entity, *own)
        if recipient is not None:
            if not _holds(recipient, letter.date):
                what = f"not sent: the certificate for {letter.address.rpartition('@')[2]} {_span(recipient)}"
                fix = "Ask for a new one, and put it into recipients_folder"
                raise InputError(what, where="email.smime.recipients_folder", fix=fix)
            entity = _encrypted(entity, recipient)
        return b"\r\n".join(outside) + b"\r\n" + entity

    def in_doubt(self, at: datetime) -> list[str]:
        """What does not hold at some time: our own certificate, and those of recipients, by their domains."""
        own = [f"our own certificate {_span(self._own[0])}"] if self._own and not _holds(self._own[0], at) else []
        return own + [
            f"the certificate for {name.rpartition('@')[2]} {_span(certificate)}"
            for name, certificate in self._recipients.items()
            if not _holds(certificate, at)
        ]

    def _recipient(self, address: str) -> x509.Certificate | None:
        """That of the address, or else of its domain."""
        return self._recipients.get(address) or self._recipients.get(address.rpartition("@")[2])


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].lower()


def _signed(entity: bytes, certificate: x509.Certificate, key: _Key) -> bytes:
    """A multipart/signed entity of another."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(entity).add_signer(certificate, key, SHA256())
    signature = builder.sign(Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary])
    boundary = b"=_signed_" + sha256(entity).hexdigest()[:32].encode()
    return b"\r\n".join([
        b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256;',
        b' boundary="' + boundary + b'"',
        b"",
        b"--" + boundary,
        entity,
        b"--" + boundary,
        b'Content-Type: application/pkcs7-signature; name="smime.p7s"',
        b"Content-Transfer-Encoding: base64",
        b'Content-Disposition: attachment; filename="smime.p7s"',
        b"",
        _base64(signature),
        b"--" + boundary + b"--",
        b"",
    ])  # fmt: skip


def _encrypted(entity: bytes, recipient: x509.Certificate) -> bytes:
    """An application/pkcs7-mime entity that only the recipient can read."""
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(entity).add_recipient(recipient)
    builder = builder.set_content_encryption_algorithm(algorithms.AES256)
    return b"\r\n".join([
        b'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"',
        b"Content-Transfer-Encoding: base64",
        b'Content-Disposition: attachment; filename="smime.p7m"',
        b"",
        _base64(builder.encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])),
        b"",
    ])  # fmt: skip


def _base64(content: bytes) -> bytes:
    return base64.encodebytes(content).strip().replace(b"\n", b"\r\n")


def _certificate(file: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError) as fault:
        what = f"the certificate cannot be read ({type(fault).__name__})"
        raise InputError(what, where=str(file), fix="Give it as PEM") from None


def _files(folder: Path) -> list[Path]:
    """All but hidden ones: a certificate that was not taken would mean mail in plain text."""
    try:
        return sorted(file for file in folder.iterdir() if not file.name.startswith("."))
    except OSError as fault:
        what = f"the folder of certificates cannot be read ({type(fault).__name__})"
        raise InputError(what, where=str(folder), fix="Make it, readable by alertd") from None


def _of_recipient(file: Path) -> tuple[str, x509.Certificate]:
    """Whose certificate a file holds, an address or a domain, and the certificate."""
    whose = file.stem.lower()
    if file.suffix != ".pem" or not re.fullmatch(r"([^@]+@)?[a-z0-9-]+(\.[a-z0-9-]+)+", whose):
        fix = "Name it duty@nhs.example.pem for an address, nhs.example.pem for a domain"
        raise InputError("the name says for whom it is, and this one does not", where=str(file), fix=fix)
    certificate = _certificate(file)
    if not isinstance(certificate.public_key(), rsa.RSAPublicKey):
        what, fix = "mail can be encrypted to RSA keys only", "Ask for an RSA certificate"
        raise InputError(what, where=str(file), fix=fix)
    named = {address.lower() for address in _addresses(certificate)}
    if named and not any(whose in (address, address.rpartition("@")[2]) for address in named):
        raise InputError("the certificate is made out to others than the file's name says", where=str(file))
    return whose, certificate


def _addresses(certificate: x509.Certificate) -> list[str]:
    """To whom it is made out, where it says so by address; a gateway's may not."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    subject = certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)
    return [*names.get_values_for_type(x509.RFC822Name), *(str(one.value) for one in subject)]


def _key(file: Path) -> _Key:
    try:
        key = load_pem_private_key(read_secret(file, "key").encode(), None)
    except (ValueError, TypeError):
        raise InputError("is no private key in PEM without a password", where=str(file)) from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise InputError("is no RSA or elliptic-curve key", where=str(file))
    return key


def _holds(certificate: x509.Certificate, at: datetime) -> bool:
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _span(certificate: x509.Certificate) -> str:
    return f"holds only from {certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}"
