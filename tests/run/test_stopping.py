"""Who stops the processes waits longer than the longest send."""

from django.conf import settings

from partnernotify.supervisor import STOP_SECONDS


def test_no_send_is_cut():
    longest = max(settings.EMAIL_DEADLINE, settings.HTTP_DEADLINE, settings.SEND_DEADLINE)
    assert longest.total_seconds() < STOP_SECONDS
