"""Child processes of the supervisor: no shell, own session, own log, nothing left behind."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PAUSES_SECONDS = (1, 2, 4, 8, 16, 30)
# A process that ran this long had a good start: its next crash counts as the first.
GOOD_RUN_SECONDS = 60.0
MAX_LOG_BYTES = 10 * 1024 * 1024
LINES_PER_WINDOW, WINDOW_SECONDS = 5, 10.0

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_NOTEWORTHY = re.compile(r"^(?:\d{4}-\S+ \S+ |\[)(?:WARNING|ERROR|CRITICAL)\b")
# Our own question during the start.
_ORDINARY = re.compile(r"Service Unavailable: /readyz")


def adopt_orphans() -> None:
    """Become the parent of what a dead child leaves, so that it can be seen and ended."""
    if _libc:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with(parent_pid: int) -> None:
    """Ask the kernel for SIGTERM when the parent dies, even of SIGKILL."""
    if _libc:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent_pid:  # It died before we asked.
            os.kill(os.getpid(), signal.SIGTERM)


def is_interrupted(make_pid: int) -> bool:
    """Say whether make got a Ctrl-C that we did not.

    A signal sent to make alone, as scripts do, is not passed on: make waits for its
    children inside the signal's handler, where the kernel shows it as blocked.
    """
    try:
        status = Path(f"/proc/{make_pid}/status").read_text()
    except OSError:  # Not Linux, or gone: die_with sees to that.
        return False
    blocked = next(line for line in status.splitlines() if line.startswith("SigBlk:"))
    return bool(int(blocked.split()[1], 16) & 1 << signal.SIGINT - 1)


class Log:
    """A log file that the child writes by itself, and whose new lines are read here.

    No pipe lies between: whatever becomes of the supervisor, the child never blocks.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        self._position = path.stat().st_size if path.exists() else 0
        self._told: list[float] = []
        self.last_line = ""

    def new_lines(self) -> list[str]:
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self._position)
            whole, newline, _rest = file.read().rpartition(b"\n")
        self._position += len(whole) + len(newline)
        if self._position > MAX_LOG_BYTES:  # The child appends, so it writes on at 0.
            os.truncate(self.path, 0)
            self._position = 0
        lines = [line for line in whole.decode(errors="replace").splitlines() if line.strip()]
        telling = [line.strip() for line in lines if not _ORDINARY.search(line)]
        self.last_line = telling[-1] if telling else self.last_line
        return lines

    def noteworthy(self) -> list[str]:
        """Return new warnings and errors, a few at a time: a flood stays in the file."""
        found = [line for line in self.new_lines() if _is_noteworthy(line)]
        now = time.monotonic()
        self._told = [at for at in self._told if now - at < WINDOW_SECONDS]
        shown = found[: LINES_PER_WINDOW - len(self._told)]
        self._told += [now] * len(shown)
        return shown


def _is_noteworthy(line: str) -> bool:
    return bool(_NOTEWORTHY.match(line)) and not _ORDINARY.search(line)


@dataclass
class Child:
    """One process of the product, and when it is to be started (again)."""

    name: str
    command: Sequence[str]
    log: Log
    environment: Mapping[str, str]
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    crashes: int = 0
    start_at: float = 0.0
    _started_at: float = field(default=0.0, repr=False)

    def start(self) -> None:
        parent = os.getpid()
        with self.log.path.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env=dict(self.environment),
                # A terminal's Ctrl-C reaches only the supervisor.
                start_new_session=True,
                # The supervisor has one thread, so this is safe between fork and exec.
                preexec_fn=lambda: die_with(parent),  # noqa: PLW1509
            )
        self._started_at = time.monotonic()

    @property
    def is_running(self) -> bool:
        return self.process is not None

    def ended(self) -> str | None:
        """Return how the process ended, once, after ending what it left; None: it runs."""
        if self.process is None or not _has_exited(self.process.pid):
            return None
        # Still a zombie: its id, the id of its session, cannot belong to anybody else.
        _kill_session(self.process.pid)
        code = self.process.wait()
        self.process = None
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def plan_restart(self) -> int:
        """Set the time of the next start and return the pause in seconds."""
        now = time.monotonic()
        if now - self._started_at > GOOD_RUN_SECONDS:
            self.crashes = 0
        pause = PAUSES_SECONDS[min(self.crashes, len(PAUSES_SECONDS) - 1)]
        self.crashes += 1
        self.start_at = now + pause
        return pause

    def ask_to_stop(self) -> None:
        if self.process:
            os.kill(self.process.pid, signal.SIGTERM)

    def kill(self) -> None:
        if self.process:
            os.kill(self.process.pid, signal.SIGKILL)
            _kill_session(self.process.pid)
            self.process.wait()
            self.process = None


def _has_exited(pid: int) -> bool:
    """Tell whether the child has ended, without taking its status."""
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return found is not None


def _kill_session(leader: int) -> None:
    """End what is left of the session of `leader`, and take the status of each."""
    for _ in range(50):
        pids = [pid for pid in _session_members(leader) if pid != leader]
        if not pids:
            return
        for pid in pids:
            _kill_and_reap(pid)
        time.sleep(0.02)


def _kill_and_reap(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, os.WNOHANG)
    except (ProcessLookupError, ChildProcessError):
        pass  # It ended by itself, or its own parent takes the status.


def _session_members(session: int) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            # After the name in brackets: state, parent, group, session.
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It ended while we looked.
        if int(fields[3]) == session:
            yield int(entry.parent.name)
