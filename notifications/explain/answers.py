"""The reader's question: why did I, or did I not?"""

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from accounts.models import Membership
from notifications.explain.people import subject_of, who
from notifications.models import Decision
from notifications.reasons import SENTENCES, Reason
from notifications.triggers import Match
from partners.models import (
    Activity,
)


def answer_for(
    activity: Activity,
    match: Match | None,
    decisions: Sequence[Decision],
    reader: Membership | None,
) -> str:
    """Return why the reader is told, or is not; in words. `decisions`: those they may see."""
    if activity.state == Activity.State.PENDING:
        return _("This activity has not been looked at yet.")
    if match is None:
        return _("Nobody is told: this is not one of the actions that notify.")
    told = [d for d in decisions if d.outcome == Decision.Outcome.SEND]
    if reader is None or reader.is_vendor_side:
        return _for_vendor(decisions, told)
    own = [d for d in decisions if d.membership_id == reader.pk]
    return _for_candidate(own) if own else _for_others(decisions, told)


def _for_vendor(decisions: Sequence[Decision], told: Sequence[Decision]) -> str:
    if told:
        return _("Told: %(names)s.") % {"names": _names(told)}
    return _sentences(decisions)


def _for_others(decisions: Sequence[Decision], told: Sequence[Decision]) -> str:
    if told:
        return _("You are not told about this; told in your account: %(names)s.") % {
            "names": _names(told)
        }
    account_wide = [d for d in decisions if d.membership_id is None] or decisions
    if account_wide:
        return _sentences(account_wide[:1])
    return _("Nobody in your account is told about this.")


def _names(decisions: Iterable[Decision]) -> str:
    return ", ".join(dict.fromkeys(who(d) for d in decisions))


def _sentences(decisions: Iterable[Decision]) -> str:
    return " ".join(dict.fromkeys(str(SENTENCES[Reason(d.reason)]) for d in decisions))


def _for_candidate(own: Sequence[Decision]) -> str:
    told = [d for d in own if d.outcome == Decision.Outcome.SEND]
    if not told:
        return _sentences(own)
    subjects = ", ".join(dict.fromkeys(filter(None, (subject_of(d) for d in told))))
    if all(d.kind == "deal" for d in told):
        return _("You are told because you are the owner or on the team of: %(names)s.") % {
            "names": subjects
        }
    return _("You are told because you are the chosen recipient for: %(names)s.") % {
        "names": subjects
    }
