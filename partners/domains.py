"""Host and e-mail → registrable domain. Offline, by the Public Suffix List."""

import re
from functools import cache, lru_cache
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

# Mail providers whose domain says nothing about a company (R17).
FREE_MAIL = frozenset(
    """
    126.com 163.com aol.com att.net bigpond.com bk.ru btinternet.com comcast.net cox.net
    duck.com earthlink.net email.cz fastmail.com fastmail.fm free.fr freenet.de
    gazeta.pl gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net go2.pl googlemail.com
    hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it
    icloud.com inbox.lv inbox.ru int.pl interia.com interia.eu interia.pl laposte.net
    libero.it list.ru live.co.uk live.com live.de live.fr live.nl mac.com mail.com
    mail.ru me.com msn.com naver.com o2.pl onet.eu onet.pl op.pl orange.fr outlook.com
    outlook.de outlook.es outlook.fr outlook.it pm.me poczta.fm posteo.de proton.me
    protonmail.ch protonmail.com qq.com rambler.ru rediffmail.com sbcglobal.net
    seznam.cz sfr.fr sky.com spoko.pl t-online.de terra.com.br tiscali.it tlen.pl
    tuta.io tutanota.com uol.com.br verizon.net vp.pl wanadoo.fr web.de wp.eu wp.pl
    ya.ru yahoo.ca yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.br yahoo.de
    yahoo.es yahoo.fr yahoo.it yandex.com yandex.ru ymail.com zoho.com
    """.split()  # noqa: SIM905 - 150 words read better than 150 quotes
)

# At least one dot, and a last label that is not a number (that would be an address).
_HOST_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+(?![0-9]+$)[a-z0-9-]+")


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@lru_cache(maxsize=50_000)
def registrable_domain(text: str) -> str:
    """Return the registrable domain of a host, URL or domain in lower-case A-labels.

    `https://www.Example.com/x` → `example.com`, `exämple.de` → `xn--exmple-cua.de`,
    `mail.lead1.example` → `lead1.example`. Empty when there is none: an address, a
    public suffix, a bare word, something that is no host name.
    """
    host = _host(text.strip())
    if not _HOST_NAME.fullmatch(host):
        return ""
    return _suffixes().privatesuffix(host) or ""


def _host(text: str) -> str:
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
        return host.rstrip(".").encode("idna").decode("ascii").lower()
    except (ValueError, UnicodeError):
        return ""


def email_domain(email: str) -> str:
    """Return the registrable domain of an e-mail, or empty for a free-mail provider."""
    domain = registrable_domain(email.rpartition("@")[2])
    return "" if domain in FREE_MAIL else domain
