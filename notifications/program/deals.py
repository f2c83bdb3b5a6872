"""Deals with their line of partners and their people: entries of a program file → rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from accounts.models import Account, Membership
from notifications.program.entries import DealEntry, Program
from notifications.program.people import ACTOR_NAME
from notifications.program.rows import fetch, write
from notifications.program.summary import Change, Summary
from partners.models import Company, Deal, DealMember, DealShare
from partners.services.deals import replace_line


def import_deals(program: Program, now: datetime, summary: Summary) -> None:
    if not program.deals:
        return
    book = _Book(program)
    for entry in program.deals:
        summary.add("deals", _DealImport(book, entry, now).run())


class _Book:
    """What the deals of the file refer to, and the deals that are stored."""

    def __init__(self, program: Program) -> None:
        domains = {entry.company for entry in program.deals}
        self.companies = {c.domain: c for c in fetch(Company.objects.all(), "domain", domains)}
        slugs = {slug for entry in program.deals for slug in entry.shares or () if slug}
        self.accounts = {a.slug: a for a in fetch(Account.objects.all(), "slug", slugs)}
        self.memberships: dict[str, list[Membership]] = defaultdict(list)
        members = Membership.objects.select_related("user", "account").order_by("pk")
        for member in fetch(members, "user__email", _emails(program)):
            self.memberships[member.user.email].append(member)
        company_ids = [company.pk for company in self.companies.values()]
        deals = Deal.objects.prefetch_related("shares__account", "members__membership__user")
        self.deals = {
            (deal.company_id, deal.name): deal for deal in fetch(deals, "company_id", company_ids)
        }


def _emails(program: Program) -> Iterator[str]:
    for entry in program.deals:
        yield from entry.team or ()
        if entry.owner:
            yield entry.owner


class _DealImport:
    def __init__(self, book: _Book, entry: DealEntry, now: datetime) -> None:
        self._book = book
        self._entry = entry
        self._now = now
        company = book.companies[entry.company]
        self._stored = book.deals.get((company.pk, entry.name))
        self._new = Deal(company=company, name=entry.name, created_at=now)

    def run(self) -> Change:
        entry = self._entry
        values = dict(entry.values)
        if entry.archived is not None:
            stored_at = self._stored.archived_at if self._stored else None
            values["archived_at"] = (stored_at or self._now) if entry.archived else None
        self._deal, change = write(self._stored, self._new, values)
        self._shares = list(self._stored.shares.all()) if self._stored else []
        reordered = entry.shares is not None and self._import_shares(entry.shares)
        staffed = self._import_members(reordered)
        return change.joined(changed=reordered or staffed)

    # --- The line of partners ---

    def _import_shares(self, slugs: tuple[str | None, ...]) -> bool:
        """Replace the line; positions become 1 to n. Tell whether anything changed."""
        if tuple(line_of(self._shares)) == slugs:
            return False
        accounts = [self._book.accounts[slug] if slug else None for slug in slugs]
        replace_line(
            self._deal,
            accounts,
            actor=None,
            actor_name=ACTOR_NAME,
            now=self._now,
        )
        self._shares = list(self._deal.shares.select_related("account"))
        return True

    # --- Owner and team ---

    def _import_members(self, reordered: bool) -> bool:
        entry = self._entry
        changed = False
        if entry.names_owner:
            owners = [entry.owner] if entry.owner else []
            changed |= self._replace(DealMember.Role.OWNER, owners, reordered)
        if entry.team is not None:
            changed |= self._replace(DealMember.Role.TEAM, entry.team, reordered)
        return changed

    def _replace(self, role: str, emails: Iterable[str], reordered: bool) -> bool:
        """Make `emails` the people of this role. Rows of who leaves stay, with their end."""
        current = self._current(role)
        kept: set[int] = set()
        added: list[Membership] = []
        for email in emails:
            own = [row for row in current if row.membership.user.email == email]
            member = self._membership(email)
            if own and reordered:
                own = [row for row in own if row.membership_id == member.pk]
            kept |= {row.pk for row in own}
            added += [] if own else [member]
        dropped = [row.pk for row in current if row.pk not in kept]
        DealMember.objects.filter(pk__in=dropped).update(removed_at=self._now)
        # R57: on a new deal "as long as the deal", on an old one from now on.
        since = self._now if self._stored else None
        DealMember.objects.bulk_create(
            [DealMember(deal=self._deal, membership=m, role=role, added_at=since) for m in added]
        )
        return bool(dropped or added)

    def _current(self, role: str) -> list[DealMember]:
        rows = self._stored.members.all() if self._stored else ()
        return [row for row in rows if row.role == role and row.removed_at is None]

    def _membership(self, email: str) -> Membership:
        """Of a user with several accounts: the one first in line, then a partner's, then any."""
        place = {share.account_id: share.position for share in self._shares}
        return min(
            self._book.memberships[email],
            key=lambda m: (
                place.get(m.account_id, len(place) + 10_000),
                m.account.kind != Account.Kind.PARTNER,
                m.pk,
            ),
        )


def line_of(shares: Iterable[DealShare]) -> list[str | None]:
    """Return the slugs in order. A leading None: the first partner's place is free (R50).

    `account` must be selected.
    """
    ordered = sorted(shares, key=lambda share: share.position)
    slugs: list[str | None] = [share.account.slug for share in ordered]
    vacant = bool(ordered) and ordered[0].position > 1
    return [None, *slugs] if vacant else slugs


def addresses_by_role(members: Iterable[DealMember]) -> Mapping[str, list[str]]:
    """Return the addresses of the current people by role, without repeats.

    `membership__user` must be selected.
    """
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for row in members:
        if row.removed_at is None:
            found[row.role][row.membership.user.email] = None
    return {role: list(emails) for role, emails in found.items()}
