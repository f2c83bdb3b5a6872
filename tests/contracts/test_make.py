"""The commands of the Makefile start; what they do is tested elsewhere."""

import subprocess

from tests.run.started import ROOT


def test_make_bench_starts():
    """Without a part to run it prints an empty table."""
    done = subprocess.run(
        ["make", "--silent", "bench", "BENCH=none"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("work")


def test_make_chaos_starts():
    done = subprocess.run(
        ["make", "--silent", "chaos", "CHAOS=--only T0"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode
    assert "No such scenario: T0." in done.stderr
