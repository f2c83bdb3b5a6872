"""What an operator types, as it is stored."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from partners.domains import registrable_domain
from partners.events import clean_email as as_email
from partners.origins import clean_origin as as_origin


def clean_domain(text: str) -> str:
    domain = registrable_domain(text)
    if not domain:
        raise ValidationError(_("This is not a domain that can be registered."))
    return domain


def clean_email(text: str) -> str:
    email = as_email(text)
    if text and not email:
        raise ValidationError(_("Enter a valid e-mail address."))
    return email


def clean_origin(line: str) -> str:
    try:
        return as_origin(line)
    except ValueError:
        raise ValidationError(
            _("%(line)s is not an origin such as https://www.vendor.example."),
            params={"line": line},
        ) from None
