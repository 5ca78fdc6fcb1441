"""A thousand connections that ask for nothing: what they do to ``/health`` of the pages, and to sending."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from urllib.error import URLError
from urllib.request import urlopen

from alertd.settings import load
from alertd.web.patience import open_more_files
from tests.bench.dispatch import letters, ours, sink
from tests.bench.figures import Figures

HALF_OPEN = 1000
ASKED = 300
SENT = 1500
ROUNDS = 3


@contextmanager
def served(config: Path) -> Iterator[int]:
    """The pages in a process of their own; their port."""
    web = load(config).web
    assert web is not None
    words = [sys.executable, "-m", "alertd", "web", "--config", str(config)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    try:
        for _ in range(600):
            try:
                _health(web.port)
                break
            except (URLError, OSError):
                time.sleep(0.1)
        yield web.port
    finally:
        process.terminate()
        process.wait()


def _health(port: int) -> float:
    began = time.perf_counter()
    with urlopen(f"http://127.0.0.1:{port}/health", timeout=30) as answer:
        answer.read()
    return (time.perf_counter() - began) * 1000


@contextmanager
def half_open(port: int) -> Iterator[None]:
    """So many connections, each with a part of a request, made anew as they are ended."""
    open_more_files()
    with ExitStack() as stack:
        for n in range(HALF_OPEN):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
            one.sendall((b"", b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: x\r\nX: ")[n % 3])
        yield


def flooding(folder: Path, config: Path) -> Figures:
    """Both, each with and without, in turns; the best of some rounds, because noise only ever makes it longer."""
    calm, flooded, sent, sent_flooded = [], [], [], []
    words = letters(SENT)
    with served(config) as pages, sink() as port:
        for n in range(ROUNDS):
            calm.append(median(_health(pages) for _ in range(ASKED)))
            sent.append(SENT / sum(ours(folder, port, words, f"calm{n}")))
            with half_open(pages):
                flooded.append(median(_health(pages) for _ in range(ASKED)))
                sent_flooded.append(SENT / sum(ours(folder, port, words, f"flooded{n}")))
    return {
        "health_ms_flooded_vs_calm": _ratio(min(flooded), min(calm)),
        "sending_flooded_vs_calm": _ratio(max(sent_flooded), max(sent)),
    }


def _ratio(a: float, b: float) -> dict[str, float]:
    return {"ratio": round(a / b, 3), "a": round(a, 2), "b": round(b, 2)}
