"""A measurement in a process of its own, so that the product's settings are the instance's."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.instance import ROOT, Instance


def run(product: Instance, module: str, *arguments: str) -> dict[str, float]:
    """Run `python -m module arguments` and return the JSON of its last line."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=product.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])
