from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Notifications")

    def ready(self) -> None:
        from notifications import guard, lookout, receivers  # noqa: F401, PLC0415 - connect

        post_migrate.connect(guard.on_migrated, sender=self)
