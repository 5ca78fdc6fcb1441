"""What a mail server says is kept within bounds, however much it says."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Iterator

import pytest
from aiosmtplib import SMTPResponseException

from alertd_notifiers.email.dialogue import LONGEST, Dialogue

MEGABYTE = 1024 * 1024


class _Transport(asyncio.Transport):
    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        pass

    def is_closing(self) -> bool:
        return False


def _chunks(text: bytes, size: int) -> Iterator[bytes]:
    """So many bytes of it, over and over, as a network brings them."""
    whole = text * (65536 // len(text))
    for _ in range(size // len(whole)):
        yield whole


@pytest.mark.parametrize(
    "text", [b"2", b"250-\r\n", b"250-" + b"x" * 400 + b"\r\n", b"250 ok\r\n", b"\x00\xff\n", b"\n"],
    ids=["one line", "an answer of empty lines", "an answer of long lines", "answers nobody asked for", "bytes",
         "empty lines"],
)  # fmt: skip
def test_f19_of_twenty_megabytes_without_an_end_next_to_nothing_is_kept(text: bytes) -> None:
    async def listen() -> int:
        dialogue = Dialogue(_Transport())
        tracemalloc.start()
        try:
            for chunk in _chunks(text, 20 * MEGABYTE):
                dialogue.data_received(chunk)
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert dialogue.unread
        with pytest.raises(SMTPResponseException):
            await _all_of(dialogue)
        return most

    assert asyncio.run(listen()) < 8 * MEGABYTE


async def _all_of(dialogue: Dialogue) -> None:
    while True:
        await dialogue.reply(1)


def test_an_answer_of_many_lines_is_one_and_what_comes_in_pieces_is_put_together() -> None:
    async def listen() -> None:
        dialogue = Dialogue(_Transport())
        for piece in (b"25", b"0-first\r", b"\n250 last\r\n550", b" 5.1.1 no\r\n"):
            dialogue.data_received(piece)
        assert [await dialogue.reply(1), await dialogue.reply(1)] == [(250, "first\nlast"), (550, "5.1.1 no")]
        assert not dialogue.unread
        for line in range(LONGEST // 100):  # many answers one after another are no long one
            dialogue.data_received(b"250 %d\r\n" % line + b"")
            assert (await dialogue.reply(1)).text == str(line)

    asyncio.run(listen())
