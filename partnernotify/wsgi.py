"""The web process: pages, admin and event intake."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partnernotify.settings")
application = get_wsgi_application()
