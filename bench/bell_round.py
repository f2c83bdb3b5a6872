"""What bench.bell measures, in a process of its own: it sends an event and listens."""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
import uuid
from urllib.parse import urlencode, urlsplit

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partnernotify.settings")
django.setup()

from django.conf import settings  # noqa: E402

from accounts.models import Membership  # noqa: E402
from bench.evaluate import LEADS, PARTNERS  # noqa: E402
from notifications.stream.permits import Permit, make_token  # noqa: E402

WARM = 10
# Longer than what an event causes after the bell, an e-mail above all.
CALM_SECONDS = 0.3


class Bell:
    """The open stream of one partner's recipient."""

    def __init__(self, email: str) -> None:
        member = Membership.objects.get(user__email=email)
        token = make_token(Permit(member.pk, settings.SITE_URL, time.time() + 600))
        self._connection = http.client.HTTPConnection(urlsplit(settings.STREAM_URL).netloc)
        self._connection.request("GET", f"/?{urlencode({'token': token})}")
        self._answer = self._connection.getresponse()
        self.wait()  # Whoever is new rings once.

    def wait(self) -> None:
        while self._answer.readline() != b"event: bell\n":
            pass


def measure(trips: int, pause: float) -> float:
    """Return the 95th percentile in ms. One event at a time, `pause` seconds after the bell.

    To each partner in turn: what rings twice at once is told once.
    """
    bells = [Bell(f"ala@p{n}.example") for n in range(PARTNERS)]
    site = http.client.HTTPConnection(urlsplit(settings.SITE_URL).netloc)
    seconds = []
    for n in range(WARM + trips):
        lead = n % PARTNERS * (LEADS // PARTNERS)
        body = {
            "event": "Demo Requested",
            "messageId": uuid.uuid4().hex,
            "properties": {"email": f"anna@lead{lead}.example"},
            "writeKey": os.environ["BENCH_KEY"],
        }
        time.sleep(pause)
        begun = time.perf_counter()
        site.request("POST", "/v1/track", json.dumps(body))
        site.getresponse().read()
        bells[n % PARTNERS].wait()
        seconds.append(time.perf_counter() - begun)
    found = sorted(seconds[WARM:])
    return round(found[len(found) * 95 // 100] * 1000, 2)


if __name__ == "__main__":
    trips = int(sys.argv[1])
    found = {"p95": measure(trips, CALM_SECONDS), "p95_in_a_row": measure(trips, 0)}
    sys.stdout.write(json.dumps(found) + "\n")
