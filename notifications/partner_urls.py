"""The addresses named `partners:…`: those of the app below, and the pages of its leads and
deals, which also tell who is notified and so live here (facts flow one way)."""

from django.urls import path

from notifications.views.deals import deal, deals
from notifications.views.leads import lead, leads
from partners import urls

app_name = urls.app_name
urlpatterns = [
    path("leads/", leads, name="leads"),
    path("leads/<int:pk>/", lead, name="lead"),
    path("deals/", deals, name="deals"),
    path("deals/<int:pk>/", deal, name="deal"),
    *urls.urlpatterns,
]
