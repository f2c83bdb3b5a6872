"""How sign-in differs from allauth's defaults."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as current
from anymail.exceptions import AnymailError
from django.conf import settings
from django.contrib import messages
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.utils.functional import lazy
from django.utils.translation import get_language, ngettext, override
from django.utils.translation import gettext as _

from partnernotify.mail_servers import EveryMailServer

logger = logging.getLogger(__name__)


def _too_many_tries() -> str:
    minutes = int(settings.LOGIN_PAUSE.total_seconds()) // 60
    words = ngettext(
        "Too many tries with a wrong password. Wait %(n)d minute; until then the right one is "
        "refused, too. Setting a new password by e-mail works at once.",
        "Too many tries with a wrong password. Wait %(n)d minutes; until then the right one is "
        "refused, too. Setting a new password by e-mail works at once.",
        minutes,
    )
    return words % {"n": minutes}


class AccountAdapter(DefaultAccountAdapter):
    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": lazy(_too_many_tries, str)(),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People come by invitation or from a program file."""
        return False

    def render_mail(
        self,
        template_prefix: str,
        email: str | list[str],
        context: dict[str, Any],
        headers: dict[str, str] | None = None,
    ) -> EmailMessage:
        """In the language of who reads it, by whichever mail server answers."""
        user = context.get("user")
        headers = {**(headers or {}), "Auto-Submitted": "auto-generated"}
        with override(user.language if user else get_language()):
            mail = super().render_mail(template_prefix, email, context, headers)
        mail.connection = EveryMailServer()
        return mail

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A mail server that refuses is told to the person, and is no broken page."""
        try:
            super().send_mail(template_prefix, email, context)
        except (OSError, AnymailError):
            logger.exception("%s was not sent", template_prefix)
            words = _("The e-mail could not be sent. Nothing has changed; try again later.")
            messages.error(current.request, words)
