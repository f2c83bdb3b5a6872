"""What stands between a lead's action and those who are to hear of it, said in advance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Membership, Vendor
from notifications.channels import EMAIL
from notifications.communication.selectors import communication_of
from notifications.eligibility import Person, deputy_for, is_reached, profile_behind, stand_in
from notifications.escalations.reach import Reach, reach_of
from notifications.facts.people import deputies_of, load_people
from notifications.models import CommunicationSettings
from notifications.reasons import Reason
from notifications.topics import LEAD_ACTIVITY, TOPICS


@dataclass(frozen=True, kw_only=True)
class Warning:
    """Why nothing reaches anybody although it is switched on. `tone`: warn, bad or
    empty. `url` and `action`: the way out; as a rule, to choose somebody else."""

    tone: str
    title: str
    text: str
    action: str
    url: str = "#id_recipient"


def warning_about(
    communication: CommunicationSettings, reader: Membership, *, tells_others: bool
) -> Warning | None:
    """Return what stands between a lead's action and an e-mail (R29, R33, R40). 0-8 queries.

    `tells_others`: an additional recipient is told, of some action at least (R38).
    """
    if not communication.receive_lead_activity:
        return None
    warning = _warning_about_recipient(communication, reader)
    backup = communication.backup
    if warning is None:
        return None
    if backup is None or not _stands_in(communication):
        return _beside_others(warning, communication) if tells_others else warning
    told = {"backup": backup.user.display_name}
    title = warning.title if communication.recipient else _("No recipient chosen.")
    text = _("%(backup)s, the backup, is told instead.") % told
    return replace(warning, tone="warn", title=title, text=text)


def warning_to_recipient(member: Membership) -> Warning | None:
    """Return what to say to the recipient who has the e-mails about leads off. 1-10 queries."""
    communication = communication_of(member.account)
    if communication.recipient_id != member.pk or not communication.receive_lead_activity:
        return None
    if _wants_email(load_people([member])[member.pk]):
        return None
    warning = warning_about(communication, member, tells_others=False)
    title = _("%(account)s has chosen you for its e-mails about leads, and they are off.")
    return warning and replace(warning, title=title % {"account": member.account.name})


def _beside_others(warning: Warning, communication: CommunicationSettings) -> Warning:
    """Return the warning about a recipient as whom nobody is told, while others are."""
    if communication.recipient and communication.recipient.is_current:
        return warning
    title = warning.title if communication.recipient else _("No recipient chosen.")
    text = _("Only the additional recipients are told, of the actions chosen for them.")
    return replace(warning, tone="warn", title=title, text=text)


def _stands_in(communication: CommunicationSettings) -> bool:
    """Whether the backup is told of the next action."""
    if communication.recipient and _told_deputy(communication.recipient):
        return False
    members = [m for m in (communication.recipient, communication.backup) if m]
    people = load_people(members)
    recipient, backup = people.get(communication.recipient_id or 0), communication.backup_id
    person = stand_in(recipient, people.get(backup or 0))
    return person is not None and person.active and is_reached(person, LEAD_ACTIVITY)


def _told_deputy(recipient: Membership) -> Membership | None:
    """Return who is told of the next action while the recipient is away."""
    named = _named_deputy(recipient)
    return named.member if named and named.is_told else None


@dataclass(frozen=True, kw_only=True)
class _Deputy:
    """`is_told`: of the next action, in the stead of who is away."""

    member: Membership
    is_away: bool
    is_told: bool


def _named_deputy(recipient: Membership) -> _Deputy | None:
    """Return whom the recipient, who is away, has named."""
    deputy = next(iter(deputies_of([recipient], timezone.now())), None)
    if deputy is None:
        return None
    people = load_people([recipient, deputy])
    person = deputy_for(people[recipient.pk], people[deputy.pk], LEAD_ACTIVITY)
    return _Deputy(
        member=deputy,
        is_away=people[deputy.pk].away is not None,
        is_told=person is not None and is_reached(person, LEAD_ACTIVITY),
    )


def _words_about_deputy(recipient: Membership) -> str:
    """Return who is told while the recipient is away, or that the deputy is not."""
    deputy = _named_deputy(recipient)
    bell = _("Only the bell of %(name)s has it until then.") % {"name": recipient.user.display_name}
    if deputy is None:
        return bell
    words = {"deputy": deputy.member.user.display_name}
    if deputy.is_told:
        return _("%(deputy)s, the deputy, is told instead.") % words
    why = (
        _("%(deputy)s, the deputy, is away as well.")
        if deputy.is_away
        else _("%(deputy)s, the deputy, gets nothing about it by e-mail, in an app or on a device.")
    )
    return f"{why % words} {bell}"


def _warning_about_recipient(
    communication: CommunicationSettings, reader: Membership
) -> Warning | None:
    recipient = communication.recipient
    if recipient is None:
        return Warning(
            tone="warn",
            title=_("No recipient chosen – nothing is sent."),
            text=_("Lead activity is recorded, but nobody is told until you choose somebody."),
            action=_("Choose a recipient"),
        )
    name = {"name": recipient.user.display_name}
    if not recipient.is_current:
        return Warning(
            tone="bad",
            title=_("Recipient is deactivated."),
            text=_("%(name)s can no longer sign in, so nothing is sent.") % name,
            action=_("Choose another recipient"),
        )
    return _warning_about_person(recipient, reader)


def _warning_about_person(recipient: Membership, reader: Membership) -> Warning | None:
    person = load_people([recipient])[recipient.pk]
    words = {"name": recipient.user.display_name, "email": recipient.user.email}
    has_it_off = not _wants_email(person)
    why = Reason.TOPIC_OFF if person.switched_on(EMAIL, "enabled") else Reason.EMAIL_OFF
    if has_it_off and (profile := profile_behind(person, why, LEAD_ACTIVITY)):
        return Warning(
            tone="warn",
            title=_("The recipient's profile has these e-mails off."),
            text=_("%(name)s has the profile “%(profile)s”.") % {**words, "profile": profile},
            action=_("Change the profile"),
            url=reverse("notifications:profiles"),
        )
    if recipient.pk == reader.pk and has_it_off:
        return Warning(
            tone="warn",
            title=_("You are the recipient and have turned these e-mails off."),
            text=_("None reaches you until you turn them on again."),
            action=_("Turn them on again"),
            url=reverse("notifications:preferences", args=["email"]) + "#group-email-partners",
        )
    if not person.switched_on(EMAIL, "enabled"):
        return Warning(
            tone="warn",
            title=_("Recipient has turned e-mail off."),
            text=_("Nothing reaches %(name)s by e-mail until they turn it on again.") % words,
            action=_("Choose another recipient"),
        )
    if not person.ticked(EMAIL, LEAD_ACTIVITY):
        words["topic"] = str(TOPICS[LEAD_ACTIVITY].label)
        return Warning(
            tone="warn",
            title=_("Recipient does not want e-mail about lead activity."),
            text=_("%(name)s has unticked “%(topic)s” for e-mail.") % words,
            action=_("Choose another recipient"),
        )
    if not person.verified:
        return Warning(
            tone="bad",
            title=_("Recipient's address is not verified."),
            text=_("Nothing is sent to %(email)s before its owner has confirmed it.") % words,
            action=_("Choose another recipient"),
        )
    if person.away:
        until = {"until": date_format(person.away.until)}
        return Warning(
            tone="warn",
            title=_("Recipient is away until %(until)s.") % until,
            text=_words_about_deputy(recipient),
            action=_("Choose another recipient"),
        )
    if person.suppressed:
        return Warning(
            tone="bad",
            title=_("Recipient's address does not accept e-mail."),
            text=_("Mail to %(email)s came back, so nothing more is sent there.") % words,
            action=_("Choose another recipient"),
        )
    return None


def _wants_email(person: Person) -> bool:
    return person.switched_on(EMAIL, "enabled") and person.ticked(EMAIL, LEAD_ACTIVITY)


# --- Escalation ------------------------------------------------------------------------------


def warning_about_escalation(
    communication: CommunicationSettings, beside: Iterable[int]
) -> Warning | None:
    """Return what to say if no step reaches anybody new. `beside`: additional recipients of
    every action. None while it is off, else 1-10 queries."""
    reach = reach_of(communication, beside) if communication.escalate_after else Reach.SOMEBODY
    if reach == Reach.SOMEBODY:
        return None
    if reach == Reach.NOBODY_NOW:
        title = _("For leads and clients this reaches nobody at the moment.")
        text = _("Whoever would be told next has turned it off, is away, or takes no messages.")
    else:
        title = _("For leads and clients this reaches nobody else.")
        text = _(
            "There is nobody left to tell: no backup recipient, no other admin, and no partner "
            "manager at %(vendor)s."
        ) % {"vendor": Vendor.current().name}
    return Warning(
        tone="warn",
        title=title,
        text=text,
        action=_("Choose a backup recipient"),
        url="#id_backup",
    )
