"""Import a program file: all or nothing, and again without effect.

Sends no mail and rings no bell: rows are written, nothing is announced.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from notifications.program.absences import import_absences
from notifications.program.book import import_companies, import_registrations, import_triggers
from notifications.program.deals import import_deals
from notifications.program.entries import Program
from notifications.program.errors import Problems
from notifications.program.people import (
    PeopleImport,
    import_accounts,
    import_communication,
    import_members,
    import_vendor,
)
from notifications.program.references import check_references
from notifications.program.schema import read_program
from notifications.program.summary import Summary


def import_program(document: object, *, now: datetime, dry_run: bool = False) -> Summary:
    """Store what the document says and return what changed.

    `dry_run` does the same and takes it back. Raises ProgramError with every problem of
    the file; then nothing is changed.
    """
    problems = Problems()
    program = read_program(document, problems)
    with transaction.atomic():
        check_references(program, now, problems)
        problems.raise_if_any()
        summary = _store(program, now)
        if dry_run:
            transaction.set_rollback(True)
    return summary


def _store(program: Program, now: datetime) -> Summary:
    summary = Summary()
    import_vendor(program.vendor, summary)
    accounts = import_accounts(program, summary)
    users = PeopleImport(program, summary).run()
    import_members(program, accounts, users, summary)
    import_communication(program, accounts, summary)
    import_absences(program, accounts, summary)
    import_registrations(program, accounts, now, summary)
    import_companies(program, summary)
    import_deals(program, now, summary)
    import_triggers(program, summary)
    return summary
