from django.http import HttpResponse
from django.urls import path


def todo(request, *a, **k):
    return HttpResponse("todo")


app_name = "notifications"
urlpatterns = [
    path("settings/partners/communication/", todo, name="communication"),
    path("settings/notifications/<slug:tab>/", todo, name="preferences"),
    path("activity/<path:message_id>/", todo, name="explain"),
    path("u/<str:token>/", todo, name="unsubscribe"),
]
