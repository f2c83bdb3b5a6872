"""`.env.example` lists every setting that can be given, in the order of settings.py."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Read by `make run` only, or a free choice below a prefix.
ELSEWHERE = {
    *("PORT", "STREAM_PORT", "WEB_WORKERS"),
    *("ANYMAIL_POSTMARK_SERVER_TOKEN", "ANYMAIL_WEBHOOK_SECRET"),
}


def test_every_setting_is_listed_in_order() -> None:
    settings = (ROOT / "partnernotify" / "settings.py").read_text()
    read = list(dict.fromkeys(re.findall(r'env\.\w+\(\s*"(\w+)"', settings)))
    example = (ROOT / ".env.example").read_text()
    listed = [name for name in re.findall(r"^#(\w+)=", example, re.M) if name not in ELSEWHERE]
    assert listed == read


def test_every_line_is_explained() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    for before, line in zip(lines, lines[1:], strict=False):
        if re.match(r"#\w+=", line):
            assert before.startswith(("# ", "#ANYMAIL_BACKEND")), line
