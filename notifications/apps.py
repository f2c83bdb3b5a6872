from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        from notifications import lookout, receivers  # noqa: F401, PLC0415 - connect on import
