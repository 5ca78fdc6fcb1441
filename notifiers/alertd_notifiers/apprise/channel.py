"""The Apprise channel: one message, one service, and only whether it took it."""

from __future__ import annotations

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import Final

import apprise
from apprise.common import NotifyFormat, OverflowMode, PersistentStoreMode

from alertd.errors import InputError, did_you_mean
from alertd.outbox.channel import Letter, Message, Notifier, Outcome, Pace
from alertd.outbox.channel_config import read_secret
from alertd_notifiers.apprise.config import AppriseConfig, Target

_BRIEF: Final = {
    "en": ("alertd: {urgent}a message waits", "Alerts it tells of: {n}. alertd says which."),
    "cy": ("alertd: mae {urgent}neges yn aros", "Rhybuddion ynddi: {n}. Mae alertd yn dweud pa rai."),
}
_URGENT: Final = {"en": "urgent, ", "cy": "[brys] "}
_CUT: Final = {
    "en": "\n… The rest is in alertd.",
    "cy": "\n… Mae'r gweddill yn alertd.",
}
_LONGEST_TITLE: Final = 250
CONNECT_SECONDS: Final = 5.0
"""Well below the time for an answer, so that an attempt that took as long as that did connect."""
SPARE_SECONDS: Final = 5.0
"""Beside connecting and the answer, for a service that needs several requests or answers bit by bit."""

_ROOM: Final = 20
"""Characters for what a service puts between title and text."""
_UNKNOWN: Final = Outcome("unknown", "the service did not answer in time: it may have it", "destination")


class AppriseNotifier(Notifier):
    """Sends by Apprise, which blocks: each attempt in a thread. It says only whether a service took a message; an
    attempt that lasted until the answer was given up on may have arrived."""

    name = "apprise"

    def __init__(self, config: AppriseConfig) -> None:
        """Reads the URLs now, so that a fault in one shows at the start."""
        for name in ("apprise", "urllib3"):  # they would write addresses and tokens
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        self._config = config
        self.pace = Pace(at_once=4, at_once_to_one=2, per_minute=config.per_minute)
        self._threads = ThreadPoolExecutor(self.pace.at_once, "apprise")
        self._services = {name: self._service(name, target) for name, target in config.targets.items()}

    def _service(self, name: str, target: Target) -> apprise.NotifyBase:
        asset = apprise.AppriseAsset(secure_logging=True, storage_mode=PersistentStoreMode.MEMORY)
        url = read_secret(target.file, "URL")
        if len(url.split()) != 1:
            raise InputError(f"the URL of target {name} is more than one line", where=str(target.file))
        service = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
        if service is None:
            where, fix = str(target.file), "Its documentation says how the URL of a service is written"
            raise InputError(f"the URL of target {name} is none that Apprise knows", where=where, fix=fix)
        if len(service) != 1:
            what = f"the URL of target {name} has {len(service)} recipients"
            raise InputError(what, where=str(target.file), fix="Make each a target: one can fail and another not")
        if not service.verify_certificate:
            what = f"the URL of target {name} switches the check of certificates off"
            raise InputError(what, where=str(target.file), fix="Take verify=no out of it")
        service.request_rate_per_sec = 0  # ours is the pace
        service.overflow_mode = OverflowMode.TRUNCATE  # one message, whatever its URL says: half of two is no result
        service.redirects = False  # what is followed becomes a GET, and its 200 would say that the message was taken
        service.socket_connect_timeout = min(CONNECT_SECONDS, self._config.timeout_seconds / 3)
        service.socket_read_timeout = self._config.timeout_seconds
        return service

    def _target(self, name: str) -> Target:
        found = self._config.targets.get(name)
        if found is None:
            known = self._config.targets
            fix = did_you_mean(name, known) or f"There are {', '.join(known)}"
            raise InputError("there is no target of that name", where=f"target {name}", fix=fix)
        return found

    def destination(self, address: str) -> str:
        """The target."""
        return address

    def write(self, letter: Letter) -> bytes:
        """The title and the text. Services belong to others, so it is only that something waits, unless the authority
        wants the whole of it there."""
        if self._target(letter.address).full_text:
            title = letter.subject[:_LONGEST_TITLE]
            body = self._fitted(letter, title)
        else:
            title, body = _BRIEF.get(letter.language, _BRIEF["en"])
            urgent = _URGENT.get(letter.language, _URGENT["en"]) if letter.urgent else ""
            title, body = title.format(urgent=urgent), body.format(n=len(letter.about))
            body = f"{body} ({letter.reference})" if letter.reference else body
        return json.dumps({"title": title, "body": body}, ensure_ascii=False, sort_keys=True).encode("utf-8")

    def _fitted(self, letter: Letter, title: str) -> str:
        """The text, cut to what the service carries beside the title, which says that it is cut."""
        service = self._services[letter.address]
        most = service.body_maxlen - len(title) - _ROOM
        if len(letter.text) <= most:
            return letter.text
        end = _CUT.get(letter.language, _CUT["en"])
        return letter.text[: max(most - len(end), 0)] + end

    async def send(self, message: Message) -> Outcome:
        """Hand it to the service once."""
        service = self._services.get(message.recipient)
        if service is None:
            return Outcome("refused", "not sent: its target is not in the settings any more", "destination")
        said = json.loads(message.content)
        notify = partial(service.notify, body=said["body"], title=said["title"], body_format=NotifyFormat.TEXT)
        began = monotonic()
        attempt = self._threads.submit(notify)
        try:
            async with asyncio.timeout(CONNECT_SECONDS + self._config.timeout_seconds + SPARE_SECONDS):
                taken = await asyncio.wrap_future(attempt)
        except TimeoutError:
            if attempt.cancelled():
                return Outcome("later", "not sent: earlier messages to services still hang", "channel")
            return _UNKNOWN
        if taken:
            return Outcome("delivered", "the service has it")
        if monotonic() - began >= self._config.timeout_seconds:
            return _UNKNOWN
        return Outcome("later", "not sent: the service did not take it", "destination")

    async def check(self) -> Outcome:
        """Nothing can be tried without sending: the URLs could be read."""
        return Outcome("delivered", f"{', '.join(self._services)}: the URLs can be read; notify test sends to one")
