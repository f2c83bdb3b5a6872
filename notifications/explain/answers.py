"""The reader's question: why did I, or did I not?"""

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from accounts.models import Membership
from notifications.eligibility import DEAL, Part
from notifications.explain.people import subject_of, told_as, who
from notifications.models import Decision
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
    return _for_candidate(own, decisions) if own else _for_others(decisions, told)


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
    return " ".join(dict.fromkeys(d.sentence for d in decisions))


def _for_candidate(own: Sequence[Decision], decisions: Sequence[Decision]) -> str:
    told = [d for d in own if d.outcome == Decision.Outcome.SEND]
    if not told:
        return _sentences(own)
    subjects = ", ".join(dict.fromkeys(filter(None, (subject_of(d) for d in told))))
    words_of = {d.pk: told_as(d, decisions) for d in told}
    if all(d.kind == DEAL and not words_of[d.pk] for d in told):
        return _("You are told because you are the owner or on the team of: %(names)s.") % {
            "names": subjects
        }
    # Of two reasons (R61), the lead's or client's says as what.
    first = next((d for d in told if d.kind != DEAL), told[0])
    part, its_words = first.part, words_of[first.pk]
    if part == Part.ADDITIONAL:
        words = _("You are told because you are among those who hear of: %(names)s.")
        return words % {"names": subjects}
    if part == Part.OWNER:
        return _("You are told because you look after: %(names)s.") % {"names": subjects}
    if its_words:
        return _("You are told about %(names)s. %(instead)s") % {
            "names": subjects,
            "instead": its_words,
        }
    return _("You are told because you are the chosen recipient for: %(names)s.") % {
        "names": subjects
    }
