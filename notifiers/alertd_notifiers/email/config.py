"""What a site says about its mail relay."""

from __future__ import annotations

import ipaddress
import re
import ssl
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from alertd.errors import InputError
from alertd.outbox.channel_config import ChannelConfig, SecretFile, read_secret

ADDRESS: Final = r"[!-;=?A-~]+@[!-;=?A-~]+"
"""An address as an envelope without SMTPUTF8 can carry it."""


def _domain(written: str) -> str:
    if not re.fullmatch(r"\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", written):
        raise ValueError("is no domain: write nhs.example, or .nhs.example for all that are part of it")
    return written.lower()


Domains = Annotated[str, AfterValidator(_domain)]
"""One domain, or with a full stop before it all that are part of it."""


class Domain(ChannelConfig):
    """What holds for mail to one domain."""

    require_tls: bool = False
    """No server on the way may pass it on without TLS to the next (REQUIRETLS, RFC 8689); where the relay cannot
    promise that, it is not sent."""


class Smime(ChannelConfig):
    """S/MIME. With a certificate and its key every mail is signed."""

    certificate_file: Path | None = None
    """The certificate, as PEM."""
    key_file: SecretFile | None = None
    """Its private key, as PEM."""
    recipients_folder: Path | None = None
    """Certificates of those to whom mail is encrypted, as PEM files named by the address or its domain:
    `duty@school.example.pem`, `nhs.example.pem`."""

    @model_validator(mode="after")
    def _together(self) -> Self:
        if bool(self.certificate_file) != bool(self.key_file):
            raise ValueError("certificate_file and key_file go together")
        return self


class EmailConfig(ChannelConfig):
    """The relay, how to reach it, and who the mail is from."""

    host: str = Field(min_length=1)
    """The mail server that takes what is sent."""
    port: int = Field(default=587, ge=1, le=65535)
    """Its port."""
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    """`none` is for a relay on this same machine only."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    username: str | None = None
    """The account at the relay, where it asks for one."""
    password: SecretStr | None = None
    """Its password; better in a file."""
    password_file: SecretFile | None = None
    """The file that holds the password."""
    sender: str = Field(pattern=f"^{ADDRESS}$", max_length=254)
    """The address mail comes from, and to which bounces return; its domain names us to the relay."""
    bounces: str | None = Field(default=None, pattern=f"^{ADDRESS}$", max_length=254)
    """The mailbox for what comes back, whose addresses may be extended by `+`: each message then has a return path
    of its own. Left out, bounces return to the sender."""
    domains: dict[Domains, Domain] = Field(default_factory=dict)
    """What holds for mail to single domains, by domain: `nhs.example`, or `.nhs.example` for all that are part of
    it."""
    smime: Smime = Smime()
    """S/MIME."""
    at_once: int = Field(default=20, ge=1, le=100)
    """Connections at one time, in all. Exchange takes 20 of one sender, Postfix 50."""
    at_once_to_one: int = Field(default=15, ge=1, le=100)
    """Connections at one time with messages to one domain."""
    per_minute: int | None = Field(default=None, ge=1)
    """Messages a minute, where the relay has a limit."""
    timeout_seconds: float = Field(default=60, gt=0)
    """How long each command may take; all of them up to the message together get five times this."""
    answer_seconds: float = Field(default=600, gt=0)
    """How long the answer after the message may take, while the relay stores it: RFC 5321, 4.5.3.2.6 asks for 10
    minutes."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.tls == "none" and not _is_loopback(self.host):
            raise ValueError("tls = none is only for a relay on this machine: use starttls or implicit")
        if self.password and self.password_file:
            raise ValueError("give password or password_file, not both")
        if (self.username is None) != (self.password is None and self.password_file is None):
            raise ValueError("username and a password go together")
        return self

    def needs_tls_all_the_way(self, address: str) -> bool:
        """Whether a message to the address may only go where every server on the way keeps to TLS."""
        domain = address.rpartition("@")[2].lower()
        parts = domain.split(".")
        wider = ("." + ".".join(parts[n:]) for n in range(1, len(parts)))
        found = next((self.domains[name] for name in (domain, *wider) if name in self.domains), None)
        return found is not None and found.require_tls

    def secret(self) -> str | None:
        """The password; ``InputError`` when its file is missing, empty or open to everybody."""
        if self.password_file is None:
            return self.password.get_secret_value() if self.password else None
        return read_secret(self.password_file, "password")

    def context(self) -> ssl.SSLContext:
        """How to check the relay: by trusted certificate, by its name, TLS 1.2 or later."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as fault:
            where = str(self.ca_file)
            raise InputError(f"the certificate file cannot be used ({type(fault).__name__})", where=where) from fault
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
