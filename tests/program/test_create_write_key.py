import pytest
from django.core.management import CommandError, call_command

from partners.keys import hash_key
from partners.models import Source

pytestmark = pytest.mark.django_db


def test_the_key_stands_alone_on_the_last_line(capsys):
    call_command("create_write_key", "Website", "--origin", "https://www.vendor.example/")
    key = capsys.readouterr().out.rstrip("\n").splitlines()[-1]
    source = Source.objects.get()
    assert source.key_hash == hash_key(key)
    assert (source.name, source.origins) == ("Website", ["https://www.vendor.example"])


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("HTTPS://WWW.Vendor.Example", "https://www.vendor.example"),
        ("https://vendor.example:443", "https://vendor.example"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_stored_as_a_browser_writes_it(written, stored):
    call_command("create_write_key", "Website", "--origin", written)
    assert Source.objects.get().origins == [stored]


@pytest.mark.parametrize(
    "origin",
    [
        *("", "*", "null", "vendor.example", "ftp://vendor.example", "https://"),
        *("https://vendor.example/shop", "https://vendor.example?a", "https://me@vendor.example"),
        *("https://vendor.example:port", "https://[::1", "https://a..b"),
    ],
)
def test_a_bad_origin_gives_a_sentence_and_no_key(origin):
    with pytest.raises(CommandError, match="is not an origin"):
        call_command("create_write_key", "Website", "--origin", origin)
    assert not Source.objects.exists()


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb"])
def test_a_key_needs_a_name(name):
    with pytest.raises(CommandError, match="A name has"):
        call_command("create_write_key", name)
