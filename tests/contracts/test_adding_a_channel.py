"""Adding a channel takes the four edits that CONTRIBUTING.md lists, and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = (
    *("accounts", "locale", "notifications", "partnernotify", "partners"),
    *("static", "templates", "tests"),
)
FIFTH = Path("tests/contracts/fifth_channel")
MODULE = "notifications/channels/sms.py"
# What is added to a file: below which line, and what.
LINES = {
    "notifications/channels/__init__.py": (
        ('    MOBILE: _("Mobile app"),\n', '    "sms": _("Text message"),\n'),
    ),
    "notifications/channels/registry.py": (
        (
            "from notifications.channels.slack import SlackChannel\n",
            "from notifications.channels.sms import SmsChannel\n",
        ),
        ("        WebhookChannel(),\n", "        SmsChannel(),\n"),
    ),
    "notifications/topics.py": (
        (
            "    (MOBILE, VISIT_SUMMARY): _SUMMARY,\n",
            '    ("sms", "enabled"): Switch(\n'
            '        label=_("Receive text messages"), description=_("For each number.")\n'
            "    ),\n",
        ),
    ),
}


def test_four_files_are_named() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    section = guide.partition("\n## Add a channel\n")[2].partition("\n## ")[0]
    steps = re.findall(r"^\d\. .*$", section, re.MULTILINE)
    named = [re.findall(r"`([\w/]+(?:\.py|/))`", step) for step in steps]
    assert named == [["notifications/channels/"], *([path] for path in LINES)]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this product, with the four edits."""
    folder = tmp_path_factory.mktemp("product")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name)
    for name in ("manage.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    shutil.copy(ROOT / FIFTH / "sms.py", folder / MODULE)
    for path, pairs in LINES.items():
        _add_lines(folder / path, pairs)
    return folder


@pytest.mark.processes
def test_no_migration_is_needed(product: Path) -> None:
    _run(product, "manage.py", "makemigrations", "--check", "--dry-run")


@pytest.mark.processes
def test_nothing_else_is_needed(product: Path) -> None:
    # All migrations would take three times as long as the rest.
    options = ("-p", "no:cacheprovider", "--no-migrations")
    _run(product, "-m", "pytest", *options, str(FIFTH / "checks.py"))


def _add_lines(path: Path, pairs: tuple[tuple[str, str], ...]) -> None:
    text = path.read_text()
    for after, added in pairs:
        assert text.count(after) == 1, f"{path.name} has no place any more for {added}"
        text = text.replace(after, after + added)
    path.write_text(text)


def _run(product: Path, *arguments: str) -> None:
    """Run Python there, with a database of its own."""
    taken = ("PYTEST_", "DJANGO_", "DATABASE_URL", "DATA_DIR", "REDIS_URL", "CELERY_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(taken)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=product,
        env={**kept, "DATA_DIR": str(product / "data")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
