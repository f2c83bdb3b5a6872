from django.http import HttpResponse
from django.urls import path, re_path

from partners.views.intake import PATHS, intake


def todo(request, *a, **k):
    return HttpResponse("todo")


app_name = "partners"
urlpatterns = [
    path("leads/<int:pk>/", todo, name="lead"),
    path("deals/<int:pk>/", todo, name="deal"),
    re_path(rf"^v1/(?P<path>{'|'.join(PATHS)})/?$", intake, name="intake"),
]
