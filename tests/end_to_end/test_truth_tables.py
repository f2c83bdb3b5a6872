"""Every row of both truth tables: program file → POST → running worker → SMTP sink."""

from __future__ import annotations

import pytest

from tests.end_to_end import truth_tables
from tests.end_to_end.recipients_table import additional
from tests.end_to_end.truth_tables import Row, whole_program
from tests.sinks import wait_until

pytestmark = pytest.mark.processes
FINAL = {"delivered", "suppressed", "cancelled", "dead"}


def rows() -> list[Row]:
    return [*truth_tables.rows(), *additional()]


@pytest.fixture(scope="module")
def ran(product):
    """The rows, with all decisions once everything is evaluated and sent."""
    all_rows = rows()
    product.import_program(whole_program(all_rows))
    for row in all_rows:
        answer = product.post("/v1/batch", {"batch": row.events}, key=product.key)
        assert answer.json == {"success": True, "accepted": len(row.events), "rejected": []}
    expected = {d["message_id"] for row in all_rows for d in row.decisions}

    def settled():
        found = product.decisions()
        seen = {d["message_id"] for d in found}
        open_ones = [x for d in found for x in d["deliveries"] if x["state"] not in FINAL]
        return found if expected <= seen and not open_ones else None

    return all_rows, wait_until(settled, seconds=60, what="all rows decided and sent")


@pytest.mark.parametrize("name", [row.name for row in rows()])
def test_row(product, ran, name):
    all_rows, decisions = ran
    row: Row = next(row for row in all_rows if row.name == name)
    found = [d for d in decisions if d["message_id"] in row.message_ids]
    for decision in found:
        decision["deliveries"].sort(key=lambda d: d["channel"])
    assert sorted(found, key=str) == sorted(row.decisions, key=str)
    mails = [to for _, tos in product.sink.envelopes for to in tos if name in to]
    assert sorted(mails) == sorted(row.told)
