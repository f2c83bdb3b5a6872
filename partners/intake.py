"""Accept the events of one request: identify, deduplicate, store. All or nothing.

A fixed number of statements whatever the number of events: who the people are (at most
two look-ups, and writes only for what is new), then one bulk INSERT. Repeats are rare, so
all events are taken for new; if the unique key (source, message_id) objects, everything is
undone, also what was learnt, and done again without the repeats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction

from partners.bulk import insert_rows
from partners.conflicts import repeated_after_conflict
from partners.erased import by_erased_address
from partners.events import Event, Rejected, clean_email, read_event
from partners.models import Activity, Contact, Identity, RejectedEvent, Source
from partners.signals import activities_recorded

EXCERPT_LENGTH = 2_000
MESSAGE_LENGTH = 500


@dataclass(slots=True)
class Rejection:
    index: int
    code: str
    message: str
    message_id: str
    excerpt: str


@dataclass(slots=True)
class Receipt:
    """What became of a request: how many events were accepted, and which were not."""

    accepted: int
    rejected: list[Rejection]
    message_ids: list[str] = field(default_factory=list)


def accept(
    source: Source,
    raw_events: Sequence[object],
    *,
    forced_type: str | None,
    batch: dict[str, Any],
    received_at: datetime,
    max_event_bytes: int,
    suspicious: bool,
) -> Receipt:
    """Store the good events of one request and return the receipt.

    Commits before it returns; announces `activities_recorded`. A repeated messageId is
    accepted and changes nothing.
    """
    events: dict[int, Event] = {}  # by their place in the request
    rejections: list[Rejection] = []
    for index, raw in enumerate(map(_without_write_key, raw_events)):
        try:
            events[index] = read_event(
                raw,
                forced_type=forced_type,
                batch=batch,
                received_at=received_at,
                max_bytes=max_event_bytes,
                suspicious=suspicious,
            )
        except Rejected as error:
            rejections.append(_rejection(index, raw, error))
    known: dict[str, str] = {}
    while not _store(source, events, rejections, received_at, known):
        known = _known(source, events)
    return Receipt(len(events), rejections, [event.message_id for event in events.values()])


def _without_write_key(raw: object) -> object:
    """Only a hash of it is kept: neither the event nor its excerpt shows it."""
    if isinstance(raw, dict) and "writeKey" in raw:
        return {key: value for key, value in raw.items() if key != "writeKey"}
    return raw


def _rejection(index: int, raw: object, error: Rejected) -> Rejection:
    message_id = raw.get("messageId") if isinstance(raw, dict) else None
    return Rejection(
        index=index,
        code=error.code,
        message=_printable(error.message)[:MESSAGE_LENGTH],
        message_id=_printable(message_id)[:255] if isinstance(message_id, str) else "",
        excerpt=_excerpt(raw),
    )


def _excerpt(raw: object) -> str:
    try:
        return _printable(repr(raw))[:EXCERPT_LENGTH]
    except RecursionError:
        return "…"  # Nested too deeply.


def _printable(text: str) -> str:
    """Return `text` without what no database stores: NUL and halves of characters."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


@repeated_after_conflict
def _store(
    source: Source,
    events: Mapping[int, Event],
    rejections: Iterable[Rejection],
    received_at: datetime,
    known: Mapping[str, str],
) -> bool:
    """Store all of it; or nothing, if an id is stored already that is not in `known`."""
    new, repeats = _without_repeats(events, known)
    with transaction.atomic():
        people = _People(new)
        rows = [_row(source, event, people.contact_id_of(event), received_at) for event in new]
        people.save()
        if _insert(rows) < len(rows):
            transaction.set_rollback(True)
            return False
        if problems := [_as_model(source, r, received_at) for r in (*rejections, *repeats)]:
            RejectedEvent.objects.bulk_create(problems)
        if new:
            activities_recorded.send(sender=Activity)
    return True


def _known(source: Source, events: Mapping[int, Event]) -> dict[str, str]:
    """Return which ids are stored already, with the hash of their first body."""
    ids = [event.message_id for event in events.values()]
    stored = Activity.objects.filter(source=source, message_id__in=ids)
    return dict(stored.values_list("message_id", "body_hash"))


def _without_repeats(
    events: Mapping[int, Event], known: Mapping[str, str]
) -> tuple[list[Event], list[Rejection]]:
    """Return the events whose id is new, and a note for each repeat with another body."""
    first_body = dict(known)
    new, repeats = [], []
    for index, event in events.items():
        if event.message_id not in first_body:
            first_body[event.message_id] = event.body_hash
            new.append(event)
        elif first_body[event.message_id] != event.body_hash:
            repeats.append(_repeat(index, event))
    return new, repeats


def _repeat(index: int, event: Event) -> Rejection:
    return Rejection(
        index=index,
        code="repeated_message_id",
        message="This messageId was used before with another body; the first one counts.",
        message_id=event.message_id,
        excerpt=event.payload[:EXCERPT_LENGTH],
    )


def _as_model(source: Source, rejection: Rejection, received_at: datetime) -> RejectedEvent:
    return RejectedEvent(
        source=source,
        received_at=received_at,
        index=rejection.index,
        message_id=rejection.message_id,
        code=rejection.code,
        message=rejection.message,
        excerpt=rejection.excerpt,
    )


class _People:
    """Who the people of one request are, applying its events in order (R17, contract 3)."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events
        self._email_of = self._known_identities()
        self._learnt: dict[tuple[str, str], str] = {}
        self._names: dict[str, str] = {}
        self._denied: set[str] = set()
        # index of the event → e-mail of its person, as known at that point.
        self._emails = [self._identify(event) for event in events]
        self._contact_ids = self._contacts()
        self._by_event = {
            id(event): self._contact_ids.get(email)
            for event, email in zip(events, self._emails, strict=True)
        }

    def contact_id_of(self, event: Event) -> int | None:
        return self._by_event[id(event)]

    def _known_identities(self) -> dict[tuple[str, str], str]:
        users = {v for e in self._events for v in (e.user_id, e.previous_id) if v}
        anonymous = {v for e in self._events for v in (e.anonymous_id, e.previous_id) if v}
        if not users and not anonymous:
            return {}
        found = Identity.objects.filter(value__in=users | anonymous).values_list(
            "kind", "value", "contact__email"
        )
        return {(kind, value): email for kind, value, email in found}

    def _identify(self, event: Event) -> str:
        user = (Identity.Kind.USER.value, event.user_id)
        anonymous = (Identity.Kind.ANONYMOUS.value, event.anonymous_id)
        email = (
            event.email
            or self._email_of.get(user)
            or self._email_of.get(anonymous)
            or clean_email(event.user_id)
        )
        if event.type == "alias" and not email:
            email = self._email_of.get((user[0], event.previous_id)) or self._email_of.get(
                (anonymous[0], event.previous_id), ""
            )
        if email and event.type in ("identify", "alias"):
            self._learn(email, user, anonymous, (anonymous[0], event.previous_id))
        if email and event.type == "identify":
            if event.contact_name:
                self._names[email] = event.contact_name
            if event.consent_denied:
                self._denied.add(email)
        return email

    def _learn(self, email: str, *identities: tuple[str, str]) -> None:
        for identity in identities:
            if identity[1] and self._email_of.get(identity) != email:
                self._email_of[identity] = self._learnt[identity] = email

    def _contacts(self) -> dict[str, int]:
        wanted = {email for email in self._emails if email}
        if not wanted:
            return {}
        contacts = self._find(wanted)
        if missing := wanted - contacts.keys():
            erased = self._erased(missing)
            Contact.objects.bulk_create(
                [
                    Contact(email=e, name=self._names.get(e, ""), consent_denied=e in erased)
                    for e in sorted(missing)
                ],
                ignore_conflicts=True,
            )
            contacts |= self._find(missing)
        self._update_contacts(contacts)
        return {email: pk for email, (pk, _, _) in contacts.items()}

    @staticmethod
    def _erased(emails: Iterable[str]) -> set[str]:
        """Return who was erased and came back: no consent until an operator says so (R23)."""
        by_address = by_erased_address(emails)
        found = Contact.objects.filter(email__in=by_address).values_list("email", flat=True)
        return {by_address[address] for address in found}

    @staticmethod
    def _find(emails: Iterable[str]) -> dict[str, tuple[int, str, bool]]:
        rows = Contact.objects.filter(email__in=emails).values_list(
            "email", "pk", "name", "consent_denied"
        )
        return {email: (pk, name, denied) for email, pk, name, denied in rows}

    def _update_contacts(self, contacts: dict[str, tuple[int, str, bool]]) -> None:
        renamed = [
            Contact(pk=contacts[email][0], name=name)
            for email, name in self._names.items()
            if contacts[email][1] != name
        ]
        if renamed:
            Contact.objects.bulk_update(renamed, ["name"])
        denied = [contacts[email][0] for email in self._denied if not contacts[email][2]]
        if denied:
            Contact.objects.filter(pk__in=denied).update(consent_denied=True)

    def save(self) -> None:
        """Store the identities that the request taught us."""
        if self._learnt:
            Identity.objects.bulk_create(
                [
                    Identity(kind=kind, value=value, contact_id=self._contact_ids[email])
                    for (kind, value), email in sorted(self._learnt.items())
                ],
                update_conflicts=True,
                unique_fields=["kind", "value"],
                update_fields=["contact"],
            )


def _row(
    source: Source, event: Event, contact_id: int | None, received_at: datetime
) -> dict[str, Any]:
    return {
        "source_id": source.pk,
        "message_id": event.message_id,
        "type": event.type,
        "name": event.name,
        "contact_id": contact_id,
        "anonymous_id": event.anonymous_id,
        "user_id": event.user_id,
        "occurred_at": event.occurred_at,
        "received_at": received_at,
        "consent_denied": event.consent_denied,
        "payload": msgspec.Raw(event.payload),
        "body_hash": event.body_hash,
        "state": Activity.State.PENDING.value,
        "failures": 0,
        "problem": "",
    }


def _insert(rows: list[dict[str, Any]]) -> int:
    """Insert the activities and return how many of their ids were new."""
    return len(insert_rows(Activity, rows, skip_conflicts=True, returning=("id",)))
