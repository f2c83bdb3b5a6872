"""Which user agents are robots or link scanners (R21).

Headless browsers are not in the list: vendors test their own site with them.
"""

import re
from functools import lru_cache

_ROBOTS = re.compile(
    r"bot\b|bot[/;_-]|crawl|spider|slurp|archiver|facebookexternalhit|"
    r"preview|scanner|proofpoint|mimecast|barracuda|safelinks|urldefense|"
    r"google(?:imageproxy|-read-aloud|-inspectiontool|other)|"
    r"mediapartners-google|apis-google|feedfetcher|"
    r"pingdom|uptime|statuscake|site24x7|lighthouse|pagespeed|gtmetrix|"
    r"ahrefs|semrush|screaming frog|sistrix|w3c_validator|"
    r"wget|curl/|python-requests|python-urllib|httpx/|aiohttp|go-http-client|"
    r"java/|okhttp|libwww|headline|whatsapp/|telegram|skypeuri|slack-imgproxy",
    re.IGNORECASE,
)


# Longer than any real one; thousands of longer texts would fill the memory.
_MAX_LENGTH = 512


def is_robot(user_agent: str) -> bool:
    return _is_robot(user_agent[:_MAX_LENGTH])


@lru_cache(maxsize=10_000)
def _is_robot(user_agent: str) -> bool:
    return bool(_ROBOTS.search(user_agent))
