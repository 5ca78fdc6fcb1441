"""Reports of mail servers and automatic answers, as different systems shape them."""

from __future__ import annotations

from collections.abc import Callable

Shape = Callable[[str, str, str, str], bytes]
"""Makes a report of a delivery's id, its address, an action and a status; it comes to the sender."""


def _bytes(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def postfix(id_: str, address: str, action: str = "failed", status: str = "5.1.1") -> bytes:
    return _bytes(f"""\
Return-Path: <>
Delivered-To: alertd@council.example
Date: Thu, 26 Nov 2026 10:00:00 +0000 (GMT)
From: MAILER-DAEMON@mx.council.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: alertd@council.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4F2A1.1764151200/mx.council.example"
Message-Id: <20261126100000.4F2A2@mx.council.example>

This is a MIME-encapsulated message.

--4F2A1.1764151200/mx.council.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

The mail system could not bring this to <{address}>.

--4F2A1.1764151200/mx.council.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.council.example
X-Postfix-Queue-ID: 4F2A1
X-Postfix-Sender: rfc822; alertd@council.example
Arrival-Date: Thu, 26 Nov 2026 09:59:59 +0000 (GMT)

Final-Recipient: rfc822; {address}
Original-Recipient: rfc822;{address}
Action: {action}
Status: {status}
Remote-MTA: dns; mail.elsewhere.example
Diagnostic-Code: smtp; 550 {status} <{address}>: nobody of that name

--4F2A1.1764151200/mx.council.example
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

Return-Path: <alertd@council.example>
Message-ID: <{id_}@council.example>
Subject: Something

--4F2A1.1764151200/mx.council.example--
""")


def exchange(id_: str, address: str, action: str = "failed", status: str = "5.1.10") -> bytes:
    return _bytes(f"""\
From: <postmaster@elsewhere.example>
To: <alertd@council.example>
Date: Thu, 26 Nov 2026 10:00:03 +0000
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="_c1a0f2d4-0d50-4a1e-8d5a-aa4f_"
X-MS-Exchange-Message-Is-Ndr:
Content-Language: en-GB
Message-ID: <0c9d@elsewhere.example>
In-Reply-To: <{id_}@council.example>
References: <{id_}@council.example>
Subject: Undeliverable: Something
Auto-Submitted: auto-replied
MIME-Version: 1.0

--_c1a0f2d4-0d50-4a1e-8d5a-aa4f_
Content-Type: multipart/alternative; boundary="_inner_"

--_inner_
Content-Type: text/plain; charset="us-ascii"

Your message to {address} could not be delivered.

--_inner_
Content-Type: text/html; charset="us-ascii"

<p>Your message could not be delivered.</p>

--_inner_--

--_c1a0f2d4-0d50-4a1e-8d5a-aa4f_
Content-Type: message/delivery-status

Reporting-MTA: dns;LO2P265MB0000.PROD.ELSEWHERE.EXAMPLE
Received-From-MTA: dns;mx.council.example
Arrival-Date: Thu, 26 Nov 2026 10:00:02 +0000

Final-Recipient: RFC822;{address.title()}
Action: {action}
Status: {status}
Diagnostic-Code: smtp;550 {status} not found by address lookup

--_c1a0f2d4-0d50-4a1e-8d5a-aa4f_
Content-Type: message/rfc822

From: alertd <alertd@council.example>
To: <{address}>
Message-ID: <{id_}@council.example>
Subject: Something
Content-Type: text/plain

Text.

--_c1a0f2d4-0d50-4a1e-8d5a-aa4f_--
""")


def exim(id_: str, address: str, action: str = "failed", status: str = "5.0.0") -> bytes:
    return _bytes(f"""\
Return-path: <>
Envelope-to: alertd@council.example
X-Failed-Recipients: {address}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mail.elsewhere.example>
To: alertd@council.example
References: <{id_}@council.example>
Content-Type: multipart/report; report-type=delivery-status; boundary=1764151203-eximdsn-77
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1tFa7-0001@mail.elsewhere.example>
Date: Thu, 26 Nov 2026 10:00:03 +0000

--1764151203-eximdsn-77
Content-type: text/plain; charset=us-ascii

{address}: unrouteable

--1764151203-eximdsn-77
Content-type: message/delivery-status

Reporting-MTA: dns; mail.elsewhere.example

Action: {action}
Final-Recipient: rfc822;{address}
Status: {status}

--1764151203-eximdsn-77
Content-type: message/rfc822

Return-path: <alertd@council.example>
From: alertd <alertd@council.example>
Subject: Something
Message-ID: <{id_}@council.example>

Text.

--1764151203-eximdsn-77--
""")


def gmail(id_: str, address: str, action: str = "failed", status: str = "5.1.1") -> bytes:
    return _bytes(f"""\
Delivered-To: alertd@council.example
From: Mail Delivery Subsystem <mailer-daemon@googlemail.example>
To: alertd@council.example
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
References: <{id_}@council.example>
In-Reply-To: <{id_}@council.example>
Message-ID: <65f1.mr@mx.googlemail.example>
Date: Thu, 26 Nov 2026 02:00:04 -0800 (PST)
Content-Type: multipart/report; boundary="000000000000a1"; report-type=delivery-status

--000000000000a1
Content-Type: multipart/related; boundary="000000000000b2"

--000000000000b2
Content-Type: text/plain; charset="UTF-8"

The address was not found: {address}

--000000000000b2
Content-Type: image/png; name="icon.png"
Content-Disposition: attachment; filename="icon.png"
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--000000000000b2--
--000000000000a1
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.example
Arrival-Date: Thu, 26 Nov 2026 02:00:03 -0800 (PST)
X-Original-Message-ID: <{id_}@council.example>

Final-Recipient: rfc822; {address}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550-{status} does not exist
Last-Attempt-Date: Thu, 26 Nov 2026 02:00:04 -0800 (PST)

--000000000000a1
Content-Type: message/rfc822

Message-ID: <{id_}@council.example>
Subject: Something
From: alertd <alertd@council.example>

Text.
--000000000000a1--
""")


def global_(id_: str, address: str, action: str = "failed", status: str = "5.1.1") -> bytes:
    """As RFC 6533 has it, where an address may hold any letter."""
    return _bytes(f"""\
Return-Path: <>
From: MAILER-DAEMON@mx.council.example
To: alertd@council.example
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=global-delivery-status; boundary="g"

--g
Content-Type: text/plain; charset=utf-8

Not delivered.

--g
Content-Type: message/global-delivery-status

Reporting-MTA: dns; mx.council.example

Final-Recipient: utf-8; {address}
Action: {action}
Status: {status}

--g
Content-Type: message/global-headers

Message-ID: <{id_}@council.example>
Subject: Something

--g--
""")


SHAPES: dict[str, Shape] = {
    "Postfix": postfix,
    "Exchange": exchange,
    "Exim": exim,
    "Gmail": gmail,
    "RFC 6533": global_,
}


def out_of_office(id_: str, address: str, *, to: str = "alertd@council.example", date: str = "", **more: str) -> bytes:
    """As Exchange answers for somebody who is away; ``more`` are headers instead of its own."""
    headers = {
        "From": f"Somebody <{address}>",
        "To": to,
        "Subject": "Automatic reply: Something",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "In-Reply-To": f"<{id_}@council.example>",
        "Date": date or "Thu, 26 Nov 2026 09:10:00 +0000",
        "Content-Type": "text/plain; charset=utf-8",
    } | {name.replace("_", "-"): value for name, value in more.items()}
    head = "".join(f"{name}: {value}\n" for name, value in headers.items() if value)
    return _bytes(f"{head}\nI am not here until Monday.\n")
