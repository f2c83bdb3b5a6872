"""Whatever a program says, its export says the same."""

from datetime import UTC, datetime
from itertools import product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import Account, Membership
from notifications.channels import CHANNEL_KEYS
from notifications.eligibility import OWN_ONLY
from notifications.models import Preference
from notifications.text import plain
from notifications.topics import CHANNEL_SWITCHES, TOPICS
from partners.models import Lead
from tests.program.files import assert_round_trip, load

SLUGS = ("alpha", "beta-2", "gamma_3")
EMAILS = tuple(f"{name}@people.example" for name in ("ala", "bartek", "celina"))
DOMAINS = ("acme.example", "xn--bcher-kva.example", "shop.co.uk")
CELLS = sorted(CHANNEL_SWITCHES) + sorted(product(CHANNEL_KEYS, TOPICS))
OF_PROFILES = [cell for cell in CELLS if cell not in OWN_ONLY]
words = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=12
).filter(lambda text: not text.isspace())
moments = st.datetimes(
    min_value=datetime(1990, 1, 1), max_value=datetime(2999, 1, 1), timezones=st.just(UTC)
)


def subset(values):
    return st.lists(st.sampled_from(values), unique=True, max_size=len(values))


def named(key, values, **fields):
    """Lists of mappings, each with another value of `key`."""
    rows = st.fixed_dictionaries({}, optional=fields)
    return (
        subset(values)
        .flatmap(
            lambda chosen: st.tuples(*(rows.map(lambda row, v=v: {key: v, **row}) for v in chosen))
        )
        .map(list)
    )


def preferences(cells):
    document = {}
    for (channel, key), is_on in cells.items():
        place = document.setdefault(channel, {})
        place = place.setdefault("topics", {}) if key in TOPICS else place
        place[key] = is_on
    return document


contacts = st.fixed_dictionaries(
    {}, optional={"first_name": words, "last_name": words, "email": st.sampled_from(EMAILS)}
)
clocks = st.times().map(lambda clock: clock.replace(microsecond=0).isoformat())
DAYS = ("monday", "tuesday", "sunday")
pace = st.fixed_dictionaries(
    {},
    optional={
        "every": st.sampled_from(["time", "hour", "day", "week"]),
        "at": clocks,
        "weekday": st.sampled_from(DAYS),
        "in_quiet_hours": st.booleans(),
    },
)
quiet = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "begins": clocks,
        "ends": clocks,
        "days": subset(DAYS).filter(bool),
        "country": st.sampled_from(["PL", None]),
    },
)
users = named(
    "email",
    EMAILS,
    name=words,
    role=st.sampled_from(Membership.Role.values),
    language=st.sampled_from(["en", "pl"]),
    timezone=st.sampled_from(["UTC", "Europe/Warsaw"]),
    active=st.booleans(),
    permissions=st.sampled_from([[], ["edit_partner_settings"]]),
    preferences=st.dictionaries(st.sampled_from(CELLS), st.booleans()).map(preferences),
    unsubscribed=subset(list(TOPICS)),
    profile=st.sampled_from(["Sales", None]),
    when=st.fixed_dictionaries({}, optional={"email": pace, "mobile": pace, "quiet_hours": quiet}),
)
profile_cells = st.dictionaries(st.sampled_from(OF_PROFILES), st.booleans()).map(preferences)
profiles = st.tuples(
    st.fixed_dictionaries(
        {"name": st.just("Sales")}, optional={"preferences": profile_cells, "locked": profile_cells}
    ),
    st.fixed_dictionaries(
        {"name": st.just("All"), "default": st.booleans()}, optional={"preferences": profile_cells}
    ),
).map(list)
# At most one account may hold an active registration of a domain.
inactive = st.sampled_from([s for s in Lead.Status.values if s != Lead.Status.REGISTERED])
leads = named(
    "domain", DOMAINS, company=words, contact=contacts, registered_at=moments, expires_at=moments
).flatmap(lambda rows: st.tuples(*(inactive.map(lambda s, r=r: {**r, "status": s}) for r in rows)))
clients = named("domain", DOMAINS, company=words, contact=contacts, since=moments, until=moments)
accounts = named(
    "slug",
    SLUGS,
    name=words,
    kind=st.sampled_from(Account.Kind.values),
    tier=words,
    active=st.booleans(),
    users=users,
    profiles=profiles,
    leads=leads.map(list),
    clients=clients,
)
companies = named(
    "domain",
    DOMAINS,
    name=words,
    contacts=named("email", EMAILS, name=words, unlinked=st.booleans()),
)
labels = words.map(plain).filter(lambda text: not text.isspace())
triggers = named("key", ("docs_view", "own_event"), label=labels, enabled=st.booleans()).map(
    lambda rows: [{**row, "page_path": "/docs/*"} for row in rows]
)


@st.composite
def programs(draw):
    document = {
        "vendor": {"name": draw(words)},
        "accounts": draw(accounts),
        "companies": draw(companies),
        "triggers": draw(triggers),
    }
    slugs = [account["slug"] for account in document["accounts"]]
    people = sorted({u["email"] for a in document["accounts"] for u in a.get("users", ())})
    document["deals"] = [
        {
            "name": draw(words),
            "company": company["domain"],
            "shares": draw(subset(slugs)) if slugs else [],
            "owner": draw(st.sampled_from([*people, None])),
            "team": draw(subset(people)) if people else [],
            "archived": draw(st.booleans()),
        }
        for company in document["companies"]
    ]
    for account in document["accounts"]:
        if not account.get("profiles"):
            for user in account.get("users", ()):
                user.pop("profile", None)
        if account.get("kind") == "vendor":
            account.pop("leads", None)
            account.pop("clients", None)
            continue
        own = [user["email"] for user in account.get("users", ())]
        if draw(st.booleans()):
            account["communication"] = {
                "receive_lead_activity": draw(st.booleans()),
                "recipient": draw(st.sampled_from([*own, None])),
            }
    return document


class AnyProgramTest(TestCase):
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(programs())
    def test_any_program_survives_the_round_trip(self, document):
        load(document)
        assert load(document).changed == 0
        assert_round_trip()
        assert not Preference.objects.filter(channel="email", key="enabled", is_on=True).exists()
