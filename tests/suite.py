"""The whole suite, as `make test` runs it: `python -m tests.suite [pytest arguments]`.

First everything that needs no process of its own on SQLite, then everything on
PostgreSQL and Redis, real processes included, and at last the browser, which has the machine
to itself.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.servers import find_chromium, postgresql, redis

PARALLEL = ["-n", str(max(2, os.cpu_count() or 2)), "--dist", "loadfile", "--no-loadscope-reorder"]


def main(arguments: list[str]) -> int:
    browser = find_chromium()
    with postgresql() as database_url, redis() as redis_url:
        servers = {
            **os.environ,
            "TEST_DATABASE_URL": database_url,
            "TEST_REDIS_URL": redis_url,
            "TEST_CHROMIUM": browser,
        }
        quick = ["-m", "not processes and not browser"]
        print("== SQLite", flush=True)
        on_sqlite = _pytest([*PARALLEL, *quick, *arguments], servers)
        servers["DATABASE_URL"] = database_url
        print("== PostgreSQL, Redis, real processes", flush=True)
        on_postgresql = _pytest([*PARALLEL, "-m", "not browser", *arguments], servers)
        print("== Browser", flush=True)
        in_browser = _pytest(["-m", "browser", *arguments], servers)
    return on_sqlite or on_postgresql or in_browser


def _pytest(arguments: list[str], environment: dict[str, str]) -> int:
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], env=environment, check=False
    ).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
