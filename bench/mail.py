"""E-mails handed over, rendered, against bare smtplib with a finished one.

Both over one open connection to the same sink, which takes everything and keeps nothing, in a
process of its own. The product's part is the channel's session: both templates, the inlined
styles, the MIME parts, the headers, a deadline for each message.
"""

from __future__ import annotations

import atexit
import socket
import subprocess
import sys
import time

from bench.process import run
from tests.instance import Instance
from tests.servers import free_port

WORK = "e-mails rendered and handed over"
FLOOR = "bare smtplib, one open connection"
REACH = 0.5
PAIRS, NUMBER, START_SECONDS = 15, 400, 20


def prepare(product: Instance) -> None:
    port = free_port()
    sink = subprocess.Popen(
        [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}"]
        + ["-c", "aiosmtpd.handlers.Sink"]
    )
    atexit.register(sink.terminate)
    _wait_for(port)
    product.environment["EMAIL_URL"] = f"smtp://127.0.0.1:{port}"


def _wait_for(port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("The sink does not listen")


def floor(product: Instance) -> float:
    return run(product, "bench.mail_round", "bare", str(NUMBER))["per_second"]


def result(product: Instance) -> float:
    return run(product, "bench.mail_round", "session", str(NUMBER))["per_second"]
