"""Settings → Your preferences → Profile and Security."""

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_GET, require_http_methods

from accounts.forms import ProfileForm
from accounts.models import User
from accounts.requests import AccountRequest
from accounts.services.profile import save_profile


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: AccountRequest) -> HttpResponse:
    # A copy: a refused form must not change the name in the top bar.
    form = ProfileForm(request.POST or None, instance=User.objects.get(pk=request.user.pk))
    if request.method != "POST":
        return render(request, "settings/profile.html", {"form": form})
    if not form.is_valid():
        return render(request, "settings/profile.html", {"form": form}, status=422)
    save_profile(request.user, **form.cleaned_data)
    with override(request.user.language):
        messages.success(request, _("Your profile is saved."))
    return redirect("accounts:profile")


@login_required
@require_GET
def security(request: AccountRequest) -> HttpResponse:
    kinds = set(
        Authenticator.objects.filter(user=request.user).values_list("type", flat=True).distinct()
    )
    context = {
        "has_app": Authenticator.Type.TOTP in kinds,
        "has_codes": Authenticator.Type.RECOVERY_CODES in kinds,
    }
    return render(request, "settings/security.html", context)
