"""The facts of a batch of activities, in a constant number of queries.

Nothing here decides. `load_facts` reads what eligibility.py asks for, for hundreds of
activities at once: no query depends on the number of activities, leads, deals or people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from accounts.models import Account, Membership, User
from notifications.channels import CHANNEL_KEYS, EMAIL
from notifications.eligibility import (
    CLIENT,
    DEAL,
    LEAD,
    WITHHOLDING,
    CompanyFacts,
    Event,
    Person,
    Registration,
    Role,
    SharedDeal,
    Verdict,
)
from notifications.models import (
    CommunicationSettings,
    DealSignUp,
    Decision,
    EmailCount,
    Preference,
    Suppression,
    Trigger,
)
from notifications.reasons import Reason
from notifications.topics import CO_SELLING, LEAD_ACTIVITY, TOPICS
from notifications.triggers import CATALOGUE, Match, Matcher, Repeat, TriggerType
from partners.bots import is_robot
from partners.domains import email_domain
from partners.models import (
    Activity,
    Client,
    Company,
    CompanyContact,
    Contact,
    Deal,
    DealMember,
    DealShare,
    Lead,
)

# Reasons under which the bell item was made although no e-mail went.
BELL_ONLY = (Reason.EMAIL_OFF, Reason.TOPIC_OFF, *WITHHOLDING)


def reported() -> Q:
    """Match decisions that produced a message on some channel: what a cooldown counts."""
    told = Q(outcome=Decision.Outcome.SEND) | Q(reason__in=BELL_ONLY)
    return Q(notification__isnull=False) & told


@dataclass(frozen=True, kw_only=True)
class Case:
    """One activity with the trigger that it matched."""

    activity: Activity
    trigger: TriggerType
    event: Event


def load_triggers() -> list[tuple[TriggerType, bool]]:
    """Return every trigger and whether it is on: the built-in ones, then own ones. 1 query."""
    rows = {row.key: row for row in Trigger.objects.order_by("pk")}
    built_in = [(t, rows[t.key].enabled if t.key in rows else t.on_by_default) for t in CATALOGUE]
    keys = {trigger.key for trigger in CATALOGUE}
    own = [(_own_trigger(row), row.enabled) for key, row in rows.items() if key not in keys]
    return built_in + own


def load_matcher() -> Matcher:
    """Return the matcher of built-in and own triggers. 1 query."""
    return Matcher(load_triggers())


def _own_trigger(row: Trigger) -> TriggerType:
    return TriggerType(
        key=row.key,
        label=row.label,
        did=row.label,
        events=(row.event_name,) if row.event_name else (),
        paths=(row.page_path,) if row.page_path else (),
        repeat=Repeat.COOLDOWN if row.page_path else Repeat.ALWAYS,
        page_view=bool(row.page_path),
    )


def match_triggers(activities: Iterable[Activity]) -> list[tuple[Activity, Match]]:
    """Return the activities that some trigger matches. 1 query."""
    matcher = load_matcher()
    matched = []
    for activity in activities:
        match = matcher.match(type=activity.type, name=activity.name, payload=activity.payload)
        if match:
            matched.append((activity, match))
    return matched


class Facts:
    """What the rules ask about the cases of one batch, as it stands while they are decided.

    Locks the partner accounts concerned, so that two workers count cooldowns, limits and
    first sign-ups of one account after one another. What one case causes, the next one
    sees: `remember` tells it.
    """

    def __init__(self, matched: list[tuple[Activity, Match]], now: datetime) -> None:
        self._contacts = {a.contact_id: a.contact for a, _ in matched if a.contact is not None}
        self._links = _link_new_contacts(self._contacts)
        internal = _internal_emails(self._contacts)
        self.cases = [
            Case(activity=a, trigger=m.trigger, event=_event(a, m, internal)) for a, m in matched
        ]
        leads, clients = _registrations(self._contacts, self._links)
        deals = _deals(self._links)
        registered: list[Lead | Client] = [*leads, *clients]
        account_ids = {row.account_id for row in registered}
        accounts = _lock(account_ids | {a for rows in deals for a in rows.positions})
        for row in registered:
            row.account = accounts[row.account_id]
        self._communication = _communication(account_ids)
        self._people = _People(_wanted(self._communication, deals), deals, now)
        self.reports = Reports(self.cases, leads, clients, now)
        self.sign_ups = SignUps(deals, self._links)
        self._by_email, self._by_domain = _index(registered)
        self._by_company: dict[int, list[_DealRows]] = defaultdict(list)
        for rows in deals:
            self._by_company[rows.deal.company_id].append(rows)

    @property
    def email_counts(self) -> EmailCounts:
        return self._people.counts

    def registrations(self, case: Case) -> list[Registration]:
        """Return the leads and clients that the person may be, in order of match (R17):
        the exact e-mail, the domains of the person's companies, the e-mail's domain."""
        contact = self._contacts.get(case.activity.contact_id)
        if contact is None:
            return []
        tiers = [self._by_email[contact.email]]
        tiers += [self._by_domain[link.domain] for link in self._links.get(contact.pk, ())]
        tiers += [self._by_domain[email_domain(contact.email)]]
        found = {(type(row), row.pk): row for tier in tiers for row in tier}
        return [self._registration(case, row) for row in found.values()]

    def _registration(self, case: Case, row: Lead | Client) -> Registration:
        wishes = self._communication.get(row.account_id)
        return replace(
            as_registration(row, wishes),
            recipient=self._people.get(wishes.recipient_id) if wishes else None,
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

    def _shared_deal(self, case: Case, rows: _DealRows) -> SharedDeal:
        shared = as_shared_deal(rows.deal.pk, rows.shares)
        return replace(
            shared,
            roles=tuple(
                Role(person=person, since=member.added_at, until=member.removed_at)
                for member in rows.members
                if (person := self._people.get(member.membership_id))
            ),
            bystanders=self._people.who_ticked(shared.first_account_id),
            signed_up_before=self.sign_ups.before(rows.deal.pk, case.activity),
        )

    def remember(self, case: Case, verdict: Verdict) -> None:
        """Let the following cases of the batch see what this verdict caused."""
        if verdict.kind != DEAL and verdict.channels:
            self.reports.add(case, verdict)
        if EMAIL in verdict.channels and verdict.membership_id:
            self.email_counts.add(verdict.membership_id, topic_of(verdict.kind))


def topic_of(kind: str) -> str:
    return CO_SELLING if kind == DEAL else LEAD_ACTIVITY


# --- The event ------------------------------------------------------------------


def _event(activity: Activity, match: Match, internal: set[str]) -> Event:
    contact = activity.contact
    agent = activity.payload.get("context") or {}
    user_agent = agent.get("userAgent") if isinstance(agent, dict) else None
    return Event(
        contact_id=activity.contact_id,
        occurred_at=activity.occurred_at,
        trigger=match.trigger.key,
        trigger_enabled=match.enabled,
        page_view=match.trigger.page_view,
        deal_eligible=match.trigger.deal_eligible,
        consent_denied=activity.consent_denied or bool(contact and contact.consent_denied),
        internal=bool(contact and contact.email in internal),
        robot=isinstance(user_agent, str) and is_robot(user_agent),
        stale=activity.received_at - activity.occurred_at > settings.STALE_AFTER,
    )


def _internal_emails(contacts: Mapping[int | None, Contact]) -> set[str]:
    """R20: e-mails of active users of the vendor or of any partner."""
    emails = [contact.email for contact in contacts.values()]
    active = Membership.objects.active().filter(user=OuterRef("pk"))
    return set(
        User.objects.filter(email__in=emails).filter(Exists(active)).values_list("email", flat=True)
    )


# --- Companies of the people ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Link:
    company_id: int
    domain: str
    owner_is_growth_specialist: bool


def _link_new_contacts(
    contacts: Mapping[int | None, Contact],
) -> dict[int, list[_Link]]:
    """Return the companies of each contact; link whoever has none by e-mail domain (R41).

    An explicit unlink is kept: that contact is not linked to that company again.
    """
    rows = CompanyContact.objects.filter(contact__in=list(contacts)).select_related("company")
    linked: dict[int, list[int]] = defaultdict(list)
    unlinked: set[tuple[int, int]] = set()
    for row in rows:
        if row.unlinked:
            unlinked.add((row.contact_id, row.company_id))
        else:
            linked[row.contact_id].append(row.company_id)
    domains = {c.pk: email_domain(c.email) for c in contacts.values() if c.pk not in linked}
    specialist = Membership.objects.filter(
        user=OuterRef("owner"),
        role=Membership.Role.GROWTH_SPECIALIST,
        account__kind=Account.Kind.VENDOR,
    )
    companies = {
        company.pk: company
        for company in Company.objects.filter(
            Q(pk__in={pk for pks in linked.values() for pk in pks})
            | Q(domain__in={domain for domain in domains.values() if domain})
        ).annotate(owner_is_growth_specialist=Exists(specialist))
    }
    by_domain = {company.domain: company.pk for company in companies.values()}
    new = []
    for contact_id, domain in domains.items():
        company_id = by_domain.get(domain)
        if company_id is not None and (contact_id, company_id) not in unlinked:
            new.append(CompanyContact(contact_id=contact_id, company_id=company_id))
            linked[contact_id].append(company_id)
    if new:
        CompanyContact.objects.bulk_create(new, ignore_conflicts=True)
    return {
        contact_id: [
            _Link(pk, companies[pk].domain, companies[pk].owner_is_growth_specialist)
            for pk in sorted(pks)
        ]
        for contact_id, pks in linked.items()
    }


# --- Kind 1 ---------------------------------------------------------------------


def _registrations(
    contacts: Mapping[int | None, Contact], links: Mapping[int, list[_Link]]
) -> tuple[list[Lead], list[Client]]:
    emails = {contact.email for contact in contacts.values()}
    domains = {email_domain(email) for email in emails}
    domains |= {link.domain for found in links.values() for link in found}
    wanted = Q(email__in=emails) | Q(domain__in=domains - {""})
    return (
        list(Lead.objects.filter(wanted).order_by("registered_at", "pk")),
        list(Client.objects.filter(wanted).order_by("since", "pk")),
    )


def _communication(account_ids: Iterable[int]) -> dict[int, CommunicationSettings]:
    rows = CommunicationSettings.objects.filter(account__in=account_ids)
    return {row.account_id: row for row in rows}


def as_registration(row: Lead | Client, wishes: CommunicationSettings | None) -> Registration:
    """Return the row as a fact. `account` must be selected. Recipient and history: empty."""
    is_lead = isinstance(row, Lead)
    receives = wishes is not None and wishes.receive_lead_activity
    return Registration(
        kind=LEAD if is_lead else CLIENT,
        id=row.pk,
        account_id=row.account_id,
        is_partner=row.account.is_partner,
        registered=not isinstance(row, Lead) or row.status == Lead.Status.REGISTERED,
        since=row.begins_at,
        until=row.ends_at,
        receives=receives and (is_lead or bool(wishes and wishes.client_activity)),
    )


def _index(
    rows: Iterable[Lead | Client],
) -> tuple[dict[str, list[Lead | Client]], dict[str, list[Lead | Client]]]:
    by_email: dict[str, list[Lead | Client]] = defaultdict(list)
    by_domain: dict[str, list[Lead | Client]] = defaultdict(list)
    for row in rows:
        by_domain[row.domain].append(row)
        if row.email:
            by_email[row.email].append(row)
    return by_email, by_domain


class Reports:
    """When an action of a lead or client was last reported (R81), and who signed up."""

    def __init__(
        self, cases: list[Case], leads: list[Lead], clients: list[Client], now: datetime
    ) -> None:
        self._reported_at: dict[tuple[str, int, str], list[datetime]] = defaultdict(list)
        triggers = {c.trigger.key for c in cases if c.trigger.repeat is Repeat.COOLDOWN}
        horizon = now - settings.STALE_AFTER - 2 * settings.PAGE_VIEW_COOLDOWN
        own = [c.activity.pk for c in cases]  # A move to another recipient decides again.
        found = (
            Decision.objects.exclude(activity__in=own)
            .filter(
                Q(lead__in=leads) | Q(client__in=clients),
                reported(),
                trigger__in=triggers,
                occurred_at__gt=horizon,
            )
            .values_list("lead_id", "client_id", "trigger", "occurred_at")
        )
        for lead_id, client_id, trigger, occurred_at in found:
            subject = (LEAD, lead_id) if lead_id else (CLIENT, client_id)
            self._reported_at[*subject, trigger].append(occurred_at)
        once = [c for c in cases if c.trigger.repeat is Repeat.ONCE]
        self._once: set[tuple[int | None, int | None, str]] = set(
            Decision.objects.exclude(activity__in=own)
            .filter(
                reported(),
                kind__in=(LEAD, CLIENT),
                trigger__in={c.trigger.key for c in once},
                activity__contact__in={c.activity.contact_id for c in once},
            )
            .values_list("account_id", "activity__contact_id", "trigger")
        )

    def is_cooling(self, case: Case, row: Lead | Client) -> bool:
        if case.trigger.repeat is not Repeat.COOLDOWN:
            return False
        kind = LEAD if isinstance(row, Lead) else CLIENT
        when = case.activity.occurred_at
        reported_at = self._reported_at.get((kind, row.pk, case.trigger.key), ())
        return any(abs(when - at) < settings.PAGE_VIEW_COOLDOWN for at in reported_at)

    def signed_up_before(self, case: Case, account_id: int) -> bool:
        key = (account_id, case.activity.contact_id, case.trigger.key)
        return case.trigger.repeat is Repeat.ONCE and key in self._once

    def add(self, case: Case, verdict: Verdict) -> None:
        activity, trigger = case.activity, case.trigger.key
        if verdict.registration_id:
            key = (verdict.kind, verdict.registration_id, trigger)
            self._reported_at[key].append(activity.occurred_at)
        self._once.add((verdict.account_id, activity.contact_id, trigger))


# --- Kind 2 ---------------------------------------------------------------------


@dataclass(kw_only=True)
class _DealRows:
    deal: Deal
    shares: list[DealShare] = field(default_factory=list)
    members: list[DealMember] = field(default_factory=list)

    @property
    def positions(self) -> dict[int, int]:
        return {share.account_id: share.position for share in self.shares}


def _deals(links: Mapping[int, list[_Link]]) -> list[_DealRows]:
    """Return the live deals of the companies with shares and people. 3 queries."""
    company_ids = {
        link.company_id
        for found in links.values()
        for link in found
        if link.owner_is_growth_specialist
    }
    live = Deal.objects.filter(company__in=company_ids, archived_at=None).order_by("pk")
    rows = {deal.pk: _DealRows(deal=deal) for deal in live}
    for share in DealShare.objects.filter(deal__in=rows).select_related("account"):
        rows[share.deal_id].shares.append(share)
    for member in DealMember.objects.filter(deal__in=rows).order_by("pk"):
        rows[member.deal_id].members.append(member)
    return list(rows.values())


def as_shared_deal(deal_id: int, shares: Iterable[DealShare]) -> SharedDeal:
    """Return the deal's line of partners as a fact. `account` must be selected."""
    shares = list(shares)
    return SharedDeal(
        id=deal_id,
        positions={share.account_id: share.position for share in shares},
        partner_ids=frozenset(s.account_id for s in shares if s.account.is_partner),
    )


class SignUps:
    """The first sign-up of each contact that concerned a deal (R59)."""

    def __init__(self, deals: Iterable[_DealRows], links: Mapping[int, list[_Link]]) -> None:
        self._shared = {rows.deal.pk for rows in deals if rows.shares}
        known = DealSignUp.objects.filter(deal__in=self._shared, contact__in=list(links))
        self._first = {
            (deal_id, contact_id): activity_id
            for deal_id, contact_id, activity_id in known.values_list(
                "deal_id", "contact_id", "activity_id"
            )
        }
        self.new: list[DealSignUp] = []

    def before(self, deal_id: int, activity: Activity) -> bool:
        first = self._first.get((deal_id, activity.contact_id or 0))
        return first is not None and first != activity.pk

    def add(self, companies: Iterable[CompanyFacts], activity: Activity) -> None:
        """Remember a sign-up that concerned these companies' shared deals."""
        contact_id = activity.contact_id
        for company in companies:
            for deal in company.deals if company.owner_is_growth_specialist else ():
                key = (deal.id, contact_id or 0)
                if contact_id and deal.id in self._shared and key not in self._first:
                    self._first[key] = activity.pk
                    self.new.append(
                        DealSignUp(deal_id=deal.id, contact_id=contact_id, activity=activity)
                    )


# --- People ---------------------------------------------------------------------


def _lock(account_ids: set[int]) -> dict[int, Account]:
    """Hold the accounts' rows until commit. Key order prevents deadlocks; SQLite: no-op."""
    rows = Account.objects.filter(pk__in=account_ids).order_by("pk")
    return {account.pk: account for account in rows.select_for_update(no_key=True)}


def _wanted(
    communication: Mapping[int, CommunicationSettings], deals: Iterable[_DealRows]
) -> set[int]:
    recipients = {row.recipient_id for row in communication.values() if row.recipient_id}
    return recipients | {member.membership_id for rows in deals for member in rows.members}


class _People:
    """Every member who may be told, with choices, limits and suppressed address. 4 queries."""

    def __init__(self, wanted: set[int], deals: Iterable[_DealRows], now: datetime) -> None:
        firsts = {a for rows in deals for a, place in rows.positions.items() if place == 1}
        ticked = Preference.objects.filter(membership=OuterRef("pk"), key=CO_SELLING, is_on=True)
        memberships = list(
            Membership.objects.filter(
                Q(pk__in=wanted)
                | Q(
                    Exists(ticked),
                    account__in=firsts,
                    is_active=True,
                    user__is_active=True,
                )
            ).select_related("user", "account")
        )
        self._people = load_people(memberships)
        self.counts = EmailCounts(memberships, now)
        self._ticked: dict[int, list[Person]] = defaultdict(list)
        for person in self._people.values():
            if person.active and any(person.ticked(c, CO_SELLING) for c in CHANNEL_KEYS):
                self._ticked[person.account_id].append(person)

    def get(self, membership_id: int | None) -> Person | None:
        person = self._people.get(membership_id or 0)
        if person is None:
            return None
        capped = self.counts.capped_topics(person.membership_id)
        return replace(person, capped_topics=capped) if capped else person

    def who_ticked(self, account_id: int | None) -> tuple[Person, ...]:
        return tuple(self._ticked.get(account_id or 0, ()))


def load_people(memberships: Iterable[Membership]) -> dict[int, Person]:
    """Return a Person per membership. `user`, `account` must be selected. 2 queries."""
    memberships = list(memberships)
    choices: dict[int, dict[tuple[str, str], bool]] = defaultdict(dict)
    for row in Preference.objects.filter(membership__in=memberships):
        choices[row.membership_id][row.channel, row.key] = row.is_on
    emails = {m.user.email for m in memberships}
    suppressed = set(
        Suppression.objects.filter(address__in=emails).values_list("address", flat=True)
    )
    return {
        m.pk: Person(
            membership_id=m.pk,
            account_id=m.account_id,
            active=m.is_current,
            vendor_side=m.is_vendor_side,
            choices=choices[m.pk],
            suppressed=m.user.email in suppressed,
        )
        for m in memberships
    }


class EmailCounts:
    """R71: e-mails per member and topic on the member's present day. 1 query.

    Exact while the members' accounts are locked; `save` writes what was added.
    """

    def __init__(self, memberships: Iterable[Membership], now: datetime) -> None:
        self._days: dict[int, date] = {
            m.pk: now.astimezone(ZoneInfo(m.user.timezone)).date() for m in memberships
        }
        self._counts: dict[tuple[int, str], int] = {
            (row.membership_id, row.topic): row.count
            for row in EmailCount.objects.filter(
                membership__in=self._days, day__in=set(self._days.values())
            )
            if row.day == self._days[row.membership_id]
        }
        self._changed: set[tuple[int, str]] = set()

    def capped_topics(self, membership_id: int) -> frozenset[str]:
        cap = settings.EMAIL_DAILY_CAP
        return frozenset(
            topic for topic in TOPICS if self._counts.get((membership_id, topic), 0) >= cap
        )

    def add(self, membership_id: int, topic: str) -> None:
        key = (membership_id, topic)
        self._counts[key] = self._counts.get(key, 0) + 1
        self._changed.add(key)

    def save(self) -> None:
        EmailCount.objects.bulk_create(
            [
                EmailCount(
                    membership_id=membership_id,
                    topic=topic,
                    day=self._days[membership_id],
                    count=self._counts[membership_id, topic],
                )
                for membership_id, topic in sorted(self._changed)
            ],
            update_conflicts=True,
            unique_fields=["membership", "topic", "day"],
            update_fields=["count"],
        )
