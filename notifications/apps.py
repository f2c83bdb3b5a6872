from django.apps import AppConfig
from django.db.models.signals import post_migrate


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        from notifications import guard, lookout, receivers  # noqa: F401, PLC0415 - connect

        post_migrate.connect(guard.on_migrated, sender=self)
