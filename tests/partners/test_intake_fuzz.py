"""Whatever JSON comes: no error of ours, and good neighbours are always kept."""

from __future__ import annotations

import json

from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from notifications.drain import drain
from partners.models import Activity
from tests.factories import make_source

# --- JSON as text, for what json.dumps would not write ---------------------------------------

NUMBERS = ["1e400", "-1e999", "1" * 400 + ".0", "9" * 5_000, "-0", "1e-400", "1E+22", "2" * 4_300,
           "NaN", "-Infinity", "1e308", "1700000000000", "0.1e1", "-1", "true", "null"]  # fmt: skip
TEXTS = ["", " ", "\0", "\ud800", "\udfff\ud800", "a\0b", "denied", "track", "identify", "alias",
         "2026-01-01T00:00:00Z", "9999-12-31T23:59:59.999999-23:59", "0001-01-01", "2026-W01-1",
         "anna@acme.example", "ANNA@ACME.EXAMPLE.", "a@xn--a.example", "a@[1.2.3.4]", "@", "a@b..c",
         "ß@straße.example", "İ@İ.example", "http://[::1", "/pricing", "\u2028", "x" * 300,
         "Googlebot", "x" * 33_000]  # fmt: skip
FIELDS = ["type", "event", "name", "messageId", "userId", "anonymousId", "previousId", "timestamp",
          "originalTimestamp", "sentAt", "properties", "traits", "context", "writeKey", "email",
          "consent", "status", "categoryPreferences", "userAgent", "page", "url", "path", "product",
          "firstName", "integrations"]  # fmt: skip
MESSAGE_IDS = ["m1", "m2", "m3", " m1 "]

texts = st.sampled_from(TEXTS) | st.text(max_size=12)
numbers = st.sampled_from(NUMBERS) | st.integers().map(str) | st.floats().map(json.dumps)
leaves = numbers | texts.map(json.dumps)
keys = st.sampled_from(FIELDS) | texts


def written_list(items: list[str]) -> str:
    return f"[{', '.join(items)}]"


def written_object(pairs: list[tuple[str, str]]) -> str:
    """Keys may stand twice."""
    return "{" + ", ".join(f"{json.dumps(key)}: {value}" for key, value in pairs) + "}"


def objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(st.tuples(keys, values), max_size=6).map(written_object)


values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4).map(written_list) | objects(inner)
)
deep = st.tuples(st.integers(1, 400), leaves).map(lambda d: "[" * d[0] + d[1] + "]" * d[0])
anything = values | deep
likely = {
    "type": st.sampled_from(["track", "identify", "page", "alias", "group"]).map(json.dumps),
    "event": st.sampled_from(["Demo Requested", "Signed Up"]).map(json.dumps) | anything,
    "messageId": st.sampled_from(MESSAGE_IDS).map(json.dumps) | anything,
    "userId": anything,
    "anonymousId": st.sampled_from(["a1", "a2"]).map(json.dumps),
    "timestamp": anything,
    "properties": anything,
    "traits": objects(anything),
    "context": objects(anything),
}
events = anything | st.fixed_dictionaries({}, optional=likely).map(
    lambda fields: written_object(list(fields.items()))
)
GOOD = (
    '{"type": "track", "event": "Demo Requested", "messageId": "good-%s", "userId": "%s@x.example"}'
)


class AnyEvent(TestCase):
    @hypothesis_settings(
        max_examples=60,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(odd=st.lists(events, min_size=1, max_size=5))
    def test_good_neighbours_are_kept(self, odd):
        _, key = make_source()
        written = [GOOD % ("first", "a"), *odd, GOOD % ("last", "b")]
        body = written_object([("batch", written_list(written))])
        answer = self.client.post(
            "/v1/batch", body, "text/plain", headers={"Authorization": f"Bearer {key}"}
        )
        assert answer.status_code == 200, answer.content
        said = answer.json()
        assert said["accepted"] + len(said["rejected"]) == len(written)
        good = Activity.objects.filter(message_id__in=["good-first", "good-last"])
        assert set(good.values_list("contact__email", flat=True)) == {"a@x.example", "b@x.example"}
        drain(patience_seconds=0)
        assert not Activity.objects.exclude(state=Activity.State.EVALUATED).exists()
        assert not Activity.objects.exclude(failures=0).exists()

    @hypothesis_settings(max_examples=60, deadline=None, derandomize=True)
    @given(body=st.binary(max_size=200) | anything | objects(anything) | st.text())
    def test_any_body_is_answered(self, body):
        _, key = make_source()
        data = body if isinstance(body, bytes) else body.encode(errors="surrogatepass")
        for path in ("/v1/batch", "/v1/track", "/v1/identify"):
            answer = self.client.generic(
                "POST", path, data, headers={"Authorization": f"Bearer {key}"}
            )
            assert answer.status_code in (200, 400, 401, 413), answer.content
            assert len(data) <= settings.INTAKE_MAX_BODY_BYTES or answer.status_code == 413
