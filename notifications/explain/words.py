"""How the explanation of an activity words people, companies and registrations."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Membership, Vendor
from partners.events import clean_email
from partners.models import Activity, Client, CompanyContact, Identity, Lead


def how_known(activity: Activity, email: str) -> str:
    payload = activity.payload
    context = payload.get("context")
    places = (
        context.get("traits") if isinstance(context, dict) else None,
        payload.get("traits"),
        payload.get("properties"),
    )
    if any(isinstance(p, dict) and clean_email(p.get("email")) == email for p in places):
        return _("The event carries the e-mail address.")
    kinds = set(
        Identity.objects.filter(
            contact__email=email, value__in={activity.user_id, activity.anonymous_id} - {""}
        ).values_list("kind", flat=True)
    )
    if Identity.Kind.USER in kinds:
        return _("The user id was identified as this person.")
    if Identity.Kind.ANONYMOUS in kinds:
        return _("The visitor was identified as this person before.")
    if clean_email(activity.user_id) == email:
        return _("The user id is this person's e-mail address.")
    return _("Known when the event arrived.")


def owner_words(link: CompanyContact) -> str:
    owner = link.company.owner
    if owner is None:
        return _("%(domain)s, no owner") % {"domain": link.company.domain}
    specialist = Membership.objects.growth_specialists().filter(user=owner).exists()
    values = {"domain": link.company.domain, "owner": owner, "vendor": Vendor.current()}
    if specialist:
        return _("%(domain)s, owned by %(owner)s, growth specialist of %(vendor)s") % values
    return _("%(domain)s, owned by %(owner)s, who is no growth specialist") % values


def lead_words(lead: Lead) -> str:
    name = lead.company or lead.domain
    values = {
        "name": name,
        "domain": lead.domain,
        "status": Lead.Status(lead.status_at(timezone.now())).label,
        "since": _day(lead.registered_at),
        "until": _day(lead.expires_at),
    }
    if lead.expires_at:
        return (
            _("%(name)s (%(domain)s), registered %(since)s, until %(until)s, now: %(status)s")
            % values
        )
    return _("%(name)s (%(domain)s), registered %(since)s, now: %(status)s") % values


def client_words(client: Client) -> str:
    values = {
        "name": client.company or client.domain,
        "domain": client.domain,
        "since": _day(client.since),
        "until": _day(client.until),
    }
    if client.until:
        return _("%(name)s (%(domain)s), client from %(since)s to %(until)s") % values
    return _("%(name)s (%(domain)s), client since %(since)s") % values


def _day(when: datetime | None) -> str:
    return date_format(timezone.localtime(when), "DATE_FORMAT") if when else ""
