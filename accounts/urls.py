from django.urls import path
from django.views.generic import RedirectView

from accounts.views.invitation import accept
from accounts.views.settings import profile, security

app_name = "accounts"
urlpatterns = [
    path("settings/", RedirectView.as_view(pattern_name="accounts:profile"), name="settings"),
    path("settings/profile/", profile, name="profile"),
    path("settings/security/", security, name="security"),
    path("invitations/<str:token>/", accept, name="invitation"),
]
