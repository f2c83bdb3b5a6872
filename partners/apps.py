from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PartnersConfig(AppConfig):
    name = "partners"
    verbose_name = _("Leads and deals")

    def ready(self) -> None:
        from partners import lookups, receivers  # noqa: F401, PLC0415 - connect on import
