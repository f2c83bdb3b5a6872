"""The real settings for a process that may have a fail point."""

import os

_point = os.environ.pop("PN_FAILPOINT", None)  # The real settings refuse it.

from partnernotify.settings import *  # noqa: E402, F403

if _point is not None:
    os.environ["PN_FAILPOINT"] = _point  # Granian starts processes that read it again.
INSTALLED_APPS.append("tests.chaos.failpoints.FailpointsConfig")  # noqa: F405
