"""What the rules ask about one batch, put together from this folder's parts."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from accounts.models import Account
from notifications.channels import EMAIL
from notifications.eligibility import (
    DEAL,
    Chosen,
    CompanyFacts,
    Person,
    Registration,
    Role,
    SharedDeal,
    Verdict,
    topic_of,
)
from notifications.facts.cases import Case, load_cases
from notifications.facts.deals import DealRows, SignUps, as_shared_deal, load_deals
from notifications.facts.links import link_new_contacts
from notifications.facts.people import EmailCounts, People
from notifications.facts.registrations import (
    Reports,
    as_chosen,
    as_registration,
    index_registrations,
    load_communication,
    load_registrations,
)
from notifications.triggers import Match
from partners.models import (
    Activity,
    Client,
    Lead,
)


class Facts:
    """What the rules ask about the cases of one batch, as it stands while they are decided.

    Locks the partner accounts concerned, so that two workers count cooldowns, limits and
    first sign-ups of one account after one another. What one case causes, the next one
    sees: `remember` tells it.
    """

    def __init__(self, matched: list[tuple[Activity, Match]], now: datetime) -> None:
        self._contacts = {a.contact_id: a.contact for a, _ in matched if a.contact is not None}
        self._links = link_new_contacts(self._contacts)
        self.cases = load_cases(matched)
        leads, clients = load_registrations(self._contacts, self._links)
        deals = load_deals(self._links)
        registered: list[Lead | Client] = [*leads, *clients]
        account_ids = {row.account_id for row in registered}
        accounts = lock_accounts(account_ids | {a for rows in deals for a in rows.positions})
        for row in registered:
            row.account = accounts[row.account_id]
        self._communication = load_communication(account_ids)
        self._chosen = {
            (type(row), row.pk): as_chosen(self._communication.get(row.account_id), row)
            for row in registered
        }
        self._people = People(_wanted(self._chosen.values(), deals), deals, now)
        self.reports = Reports(self.cases, leads, clients, now)
        self.sign_ups = SignUps(deals, self._links)
        self._by_email, self._by_domain = index_registrations(registered)
        self._by_company: dict[int, list[DealRows]] = defaultdict(list)
        for rows in deals:
            self._by_company[rows.deal.company_id].append(rows)

    @property
    def email_counts(self) -> EmailCounts:
        return self._people.counts

    def person(self, membership_id: int) -> Person:
        """Return somebody whom a verdict names."""
        person = self._people.get(membership_id)
        assert person is not None
        return person

    def registrations(self, case: Case) -> list[Registration]:
        """Return the leads and clients that the person may be, in order of match (R17):
        the exact e-mail, the domains of the person's companies, the e-mail's domain."""
        contact = self._contacts.get(case.activity.contact_id)
        if contact is None:
            return []
        tiers = [self._by_email[contact.email]]
        tiers += [self._by_domain[link.domain] for link in self._links.get(contact.pk, ())]
        tiers += [self._by_domain[contact.domain]]
        found = {(type(row), row.pk): row for tier in tiers for row in tier}
        return [self._registration(case, row) for row in found.values()]

    def _registration(self, case: Case, row: Lead | Client) -> Registration:
        wishes = self._communication.get(row.account_id)
        chosen = self._chosen[type(row), row.pk]
        others = {other.membership_id for other in chosen.others}
        return replace(
            as_registration(row, wishes),
            recipient=(recipient := self._people.get(chosen.recipient)),
            deputy=self._people.deputy_of(recipient),
            backup=self._people.get(chosen.backup),
            others=chosen.others,
            people={pk: person for pk in sorted(others) if (person := self._people.get(pk))},
            cooling=self.reports.is_cooling(case, row),
            signed_up_before=self.reports.signed_up_before(case, row.account_id),
        )

    def companies(self, case: Case) -> list[CompanyFacts]:
        """Return the companies of the person with their live deals."""
        return [
            CompanyFacts(
                owner_is_growth_specialist=link.owner_is_growth_specialist,
                deals=tuple(
                    self._shared_deal(case, rows) for rows in self._by_company[link.company_id]
                ),
            )
            for link in self._links.get(case.activity.contact_id or 0, ())
        ]

    def _shared_deal(self, case: Case, rows: DealRows) -> SharedDeal:
        shared = as_shared_deal(rows.deal.pk, rows.shares)
        return replace(
            shared,
            roles=tuple(
                Role(
                    person=person,
                    deputy=self._people.deputy_of(person),
                    since=member.added_at,
                    until=member.removed_at,
                )
                for member in rows.members
                if (person := self._people.get(member.membership_id))
            ),
            bystanders=self._people.who_ticked(shared.first_account_id),
            signed_up_before=self.sign_ups.before(rows.deal.pk, case.activity),
        )

    def remember(self, case: Case, verdicts: Iterable[Verdict]) -> None:
        """Let the following cases of the batch see what these verdicts caused."""
        mailed: set[int] = set()
        for verdict in verdicts:
            if verdict.kind != DEAL and verdict.channels:
                self.reports.add(case, verdict)
            member = verdict.membership_id
            # One mail for both kinds counts once, under its first topic (R61, R71).
            if member and EMAIL in verdict.channels and member not in mailed:
                mailed.add(member)
                self.email_counts.add(member, topic_of(verdict.kind, verdict.part))


def lock_accounts(account_ids: set[int]) -> dict[int, Account]:
    """Hold the accounts' rows until commit. Key order prevents deadlocks; SQLite: no-op."""
    rows = Account.objects.filter(pk__in=account_ids).order_by("pk")
    return {account.pk: account for account in rows.select_for_update(no_key=True)}


def _wanted(chosen: Iterable[Chosen], deals: Iterable[DealRows]) -> set[int]:
    wanted = {member for each in chosen for member in each.members}
    return wanted | {member.membership_id for rows in deals for member in rows.members}
