import pytest

from tests.factories import make_user
from tests.world import World


@pytest.fixture
def operator(db):
    return make_user("operator@northwind.example", is_staff=True, is_superuser=True)


@pytest.fixture
def admin_client(client, operator):
    client.force_login(operator)
    return client


@pytest.fixture
def world(db):
    return World()
