"""Which processes said lately that they live."""

from django.db.models.functions import Now

from accounts.models import Heartbeat


def beat(process: str) -> None:
    """Write that `process` lives, by the database's clock. 1-2 queries."""
    if not Heartbeat.objects.filter(pk=process).update(at=Now()):
        Heartbeat.objects.bulk_create([Heartbeat(process=process, at=Now())], ignore_conflicts=True)


def silent(processes: tuple[str, ...]) -> list[str]:
    """Return those of `processes` without a heartbeat within settings.HEARTBEAT_STALE."""
    alive = Heartbeat.objects.filter(pk__in=processes, at__gt=Heartbeat.stale_before()).values_list(
        "pk", flat=True
    )
    return [name for name in processes if name not in set(alive)]
