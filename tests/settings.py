"""The real settings, but for what a test must not share with a running product."""

import os
import tempfile

os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="partnernotify-tests-"))

from partnernotify.settings import *  # noqa: E402, F403
from partnernotify.translations import compile_catalogues  # noqa: E402

compile_catalogues(BASE_DIR / "locale")  # noqa: F405 - the compiled ones are not kept

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405 - WhiteNoise wants it to exist
# A file, as in the product: threads of one test share it with real locks.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}  # noqa: F405
