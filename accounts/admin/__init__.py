"""Support for an operator: accounts, people and what was changed."""

from allauth.account import admin as _addresses  # noqa: F401 - registers what is taken back
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa import admin as _factors  # noqa: F401 - registers what is taken back
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from accounts.admin import accounts, logs, people  # noqa: F401 - they register

admin.site.site_header = admin.site.site_title = "partnernotify"
admin.site.index_title = _("What would you like to see or mend?")
# The same log-in as everywhere, with its second factor and its limit of tries.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
# Groups are not used; addresses and second factors are mended on the user's own page.
for unused in (Group, EmailAddress, Authenticator):
    admin.site.unregister(unused)
