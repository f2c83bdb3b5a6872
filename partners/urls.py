"""The intake. The pages of leads and deals tell who is notified: notifications/partner_urls.py."""

from django.urls import re_path

from partners.views.intake import PATHS, intake

app_name = "partners"
urlpatterns = [
    re_path(rf"^v1/(?P<path>{'|'.join(PATHS)})/?$", intake, name="intake"),
]
