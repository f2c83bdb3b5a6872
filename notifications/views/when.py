"""Settings → When: how often, quiet hours, pauses; and what waits for them (R85, R86)."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import member_required
from accounts.requests import MemberRequest
from accounts.templatetags.moments import due
from notifications.access import load_partner_member, load_told_member
from notifications.delivery.waiting import send_now
from notifications.views.answers import answer
from notifications.when import services, waiting
from notifications.when.colleagues import what_the_deputy_misses
from notifications.when.forms import AbsenceForm, PaceForm, QuietHoursForm
from notifications.words import unsaved_words
from partners.access import load_lead


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def when(request: MemberRequest) -> HttpResponse:
    member = load_told_member(request)
    data = request.POST if request.method == "POST" else None
    paces = [PaceForm(data, instance=pace) for pace in services.paces_of(member)]
    quiet = QuietHoursForm(data, instance=services.quiet_hours_of(member))
    absence = AbsenceForm(
        data,
        instance=services.absence_of(member),
        colleagues=services.colleagues_of(member),
        today=services.today_of(member),
    )
    forms = (*paces, quiet, absence)
    if request.method == "POST" and not [f for f in forms if not f.is_valid()]:
        services.save_when(
            member,
            [form.instance for form in paces],
            quiet.instance if quiet.cleaned_data["is_on"] else None,
        )
        if absence.was_on_the_page:
            services.save_absence(member, absence.instance if absence.is_away else None)
        messages.success(request, _("Saved"))
        if absence.has_changed():
            _warn_of_deputy(request)
        return redirect("notifications:when")
    return _page(request, paces, quiet, absence)


def _warn_of_deputy(request: MemberRequest) -> None:
    if missed := what_the_deputy_misses(services.absence_of(request.membership)):
        messages.warning(request, missed)


def _page(
    request: MemberRequest, paces: Sequence[PaceForm], quiet: QuietHoursForm, absence: AbsenceForm
) -> HttpResponse:
    member = request.membership
    # As it is stored: the form holds what was entered.
    stored = services.absence_of(member)
    forms = (*paces, quiet, absence)
    refused = any(form.errors for form in forms)
    context = {
        "paces": paces,
        "quiet": quiet,
        "absence": absence,
        "away": stored if stored.pk else None,
        "missed": what_the_deputy_misses(stored),
        "is_away": stored.pk is not None and services.has_begun(member, stored),
        "waiting": waiting.waiting_messages(member),
        "pause": waiting.snooze_of(member),
        "spans": waiting.span_choices(waiting.OF_EVERYTHING),
        "refused": refused,
        "unsaved_words": unsaved_words(sum(form.controls for form in forms)),
    }
    return render(request, "notifications/when.html", context, status=422 if refused else 200)


@member_required
@require_POST
def send_waiting(request: MemberRequest) -> HttpResponse:
    count = send_now(load_told_member(request))
    if count:
        words = ngettext(
            "%(count)d message is sent now.", "%(count)d messages are sent now.", count
        )
        messages.success(request, words % {"count": count})
    else:
        messages.info(request, _("Nothing waits any more."))
    return redirect("notifications:when")


@member_required
@require_POST
def end_absence(request: MemberRequest) -> HttpResponse:
    """Say that one is back, or does not go away after all."""
    member = load_partner_member(request)
    ended = services.end_absence(member)
    if ended is None:
        messages.info(request, _("You are not away."))
    elif not services.has_begun(member, ended):
        messages.success(request, _("The absence is removed."))
    elif waiting.snooze_of(member):
        messages.success(request, _("You are no longer away, but everything is still paused."))
    else:
        messages.success(request, _("You are told again from now on."))
    return redirect("notifications:when")


@member_required
@require_POST
def pause(request: MemberRequest) -> HttpResponse:
    """Keep everything but the bell from oneself, or end that."""
    member, span = load_told_member(request), request.POST.get("span", "")
    page = reverse("notifications:when")
    if not span:
        services.wake(member)
        return answer(request, _("You are told again."), otherwise=page)
    until = waiting.span_end(span, waiting.OF_EVERYTHING, member)
    if until is None:
        return HttpResponseBadRequest()
    before = waiting.snooze_of(member)
    until = services.snooze(member, until)
    words = _("Paused until %(until)s. The bell still lists everything.") % {"until": due(until)}
    # What lasts already would end with it.
    undo = "" if before else reverse("notifications:pause")
    return answer(request, words, undo=undo, otherwise=page)


@member_required
@require_POST
def snooze_lead(request: MemberRequest, pk: int) -> HttpResponse:
    """Keep one lead from oneself, or end that. Nobody else notices."""
    member = load_partner_member(request)
    _viewer, lead = load_lead(request, pk)
    span, page = request.POST.get("span", ""), reverse("partners:lead", args=[pk])
    name = lead.company or lead.domain
    if not span:
        services.wake(member, lead)
        words = _("You are told about %(lead)s again.") % {"lead": name}
        return answer(request, words, otherwise=page)
    until = waiting.span_end(span, waiting.OF_A_LEAD, member)
    if until is None:
        return HttpResponseBadRequest()
    before = waiting.snooze_of(member, lead)
    until = services.snooze(member, until, lead)
    words = _("%(lead)s is muted until %(until)s, only for you. The bell still lists it.")
    undo = "" if before else reverse("notifications:snooze_lead", args=[pk])
    words %= {"lead": name, "until": due(until)}
    return answer(request, words, undo=undo, otherwise=page)
