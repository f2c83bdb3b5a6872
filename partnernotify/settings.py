"""Every setting of the product, one screen per topic.

A value comes from the environment, from `.env`, or from the file that NAME_FILE
points to. `.env.example` lists them in the order of this page.
"""

import os
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from partnernotify.environment import (
    anymail_settings,
    broker_options,
    connection_options,
    make_encryption_key,
    make_secret_key,
    persistent_secret,
    with_deadline,
)

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()
env.read_env(BASE_DIR / ".env", overwrite=False)
if "PN_FAILPOINT" in os.environ:
    raise ImproperlyConfigured("PN_FAILPOINT makes processes die for tests; unset it.")

# --- The instance -----------------------------------------------------------
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000").rstrip("/")
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)
DEMO_PASSWORD = env.str("DEMO_PASSWORD", default="")
VENDOR_NAME = env.str("VENDOR_NAME", default="Northwind")
SECRET_KEY = env.str("SECRET_KEY", default="") or persistent_secret(
    DATA_DIR / "secret_key", make_secret_key
)
# The first one encrypts what endpoints keep secret; the others still decrypt.
FIELD_ENCRYPTION_KEYS = env.list("FIELD_ENCRYPTION_KEYS", default=[]) or [
    persistent_secret(DATA_DIR / "field_key", make_encryption_key)
]

# --- Who may connect --------------------------------------------------------
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
HTTPS = SITE_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
METRICS_TOKEN = env.str("METRICS_TOKEN", default="").strip()  # A file ends with a line break.
# The proxy in front redirects to HTTPS; probes speak plain HTTP.
SILENCED_SYSTEM_CHECKS = ["security.W008"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
# A profile's page names each of an account's members twice.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "worker-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- Applications -----------------------------------------------------------
INSTALLED_APPS = [
    "accounts",
    "partners",
    "notifications",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "anymail",
    "csp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.AccountContextMiddleware",
]
ROOT_URLCONF = "partnernotify.urls"
WSGI_APPLICATION = "partnernotify.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context_processors.frame",
                "notifications.context_processors.frame",
            ],
        },
    }
]

# --- Database: also the queue (docs/architecture.md) ------------------------
DATABASE_URL = env.str("DATABASE_URL", default="") or f"sqlite:///{DATA_DIR / 'db.sqlite3'}"
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
DATABASE = DATABASES["default"]
if DATABASE["ENGINE"].endswith("sqlite3"):
    DATABASE.setdefault("OPTIONS", {}).update(
        transaction_mode="IMMEDIATE",
        timeout=20,
        init_command="PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    )
else:
    DATABASE["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=600)
    DATABASE["CONN_HEALTH_CHECKS"] = True
    options = DATABASE.setdefault("OPTIONS", {})
    # A host that does not answer is given up: events are refused in time, not kept waiting.
    options.setdefault("connect_timeout", 5)
    # A process that is frozen in the middle of a transaction holds its locks no longer.
    options.setdefault("options", "-c idle_in_transaction_session_timeout=30s")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Workers: a message is a doorbell without payload -----------------------
REDIS_URL = env.str("REDIS_URL", default="")
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default=REDIS_URL or "filesystem://")
if CELERY_BROKER_URL.startswith("filesystem"):
    CELERY_BROKER_TRANSPORT = "partnernotify.folder_broker:Transport"
CELERY_BROKER_TRANSPORT_OPTIONS = broker_options(CELERY_BROKER_URL, DATA_DIR / "broker")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # Workers go on by looking for themselves.
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_BEAT_SCHEDULE = {
    # Takes back what a dead worker held and rings for what is due. If it stops,
    # workers still look for themselves; only expired leases wait.
    "sweep": {
        "task": "notifications.tasks.sweep",
        "schedule": 5.0,
        "options": {"queue": "maintenance", "expires": 60, "retry": False},
    },
}
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
if REDIS_URL:
    CACHES["default"] = {
        "BACKEND": "partnernotify.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        # Intake asks it as well: who sends events hardly notices that it hangs.
        "OPTIONS": {"socket_connect_timeout": 0.2, "socket_timeout": 0.2},
    }

# --- The stream: pages hear at once that there is something new --------------
# Unset: they ask every few seconds.
STREAM_URL = env.str("STREAM_URL", default="").rstrip("/")
# Who has logged out or is deactivated hears no longer than this.
STREAM_PERMIT = timedelta(seconds=env.int("STREAM_PERMIT_SECONDS", default=300))
if STREAM_URL:
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["connect-src"] = ["'self'", f"{STREAM_URL}/"]

# --- E-mail -----------------------------------------------------------------
DEFAULT_FROM_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL", default="Partner notifications <notify@partnernotify.example>"
)
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_TIMEOUT = 10
MAILBOX_DIR = DATA_DIR / "mail"
EMAIL_URL = env.str("EMAIL_URL", default="")
if EMAIL_URL:
    vars().update(with_deadline(env.email("EMAIL_URL")))
elif env.str("ANYMAIL_BACKEND", default=""):
    EMAIL_BACKEND = env.str("ANYMAIL_BACKEND")
else:
    EMAIL_BACKEND = "partnernotify.mailbox.FolderBackend"
EMAIL_URL_2 = env.str("EMAIL_URL_2", default="")
EMAIL_URL_3 = env.str("EMAIL_URL_3", default="")
EMAIL_STAND_INS = [
    connection_options(env.email_url_config(url)) for url in (EMAIL_URL_2, EMAIL_URL_3) if url
]
if EMAIL_STAND_INS and EMAIL_BACKEND == "partnernotify.mailbox.FolderBackend":
    raise ImproperlyConfigured(
        "EMAIL_URL_2 and EMAIL_URL_3 stand in for EMAIL_URL or ANYMAIL_BACKEND; set one of them."
    )
ANYMAIL: dict[str, Any] = {**anymail_settings(os.environ)}

# --- Other apps and devices -------------------------------------------------
ALLOW_PRIVATE_WEBHOOKS = env.bool("ALLOW_PRIVATE_WEBHOOKS", default=False)
VAPID_PRIVATE_KEY = env.str("VAPID_PRIVATE_KEY", default="") or persistent_secret(
    DATA_DIR / "vapid_key", make_encryption_key
)
VAPID_SUBJECT = env.str("VAPID_SUBJECT", default="") or (
    SITE_URL if HTTPS else f"mailto:{parseaddr(DEFAULT_FROM_EMAIL)[1]}"
)
# Webhooks name themselves so, and intake refuses what does: no instance feeds itself or another.
WEBHOOK_AGENT = "partnernotify-webhooks"
# Sends to one endpoint at once, over all workers.
ENDPOINT_CONCURRENCY = 2

# --- People and sign-in -----------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_EMAIL_CONFIRMATION_AUTHENTICATED_REDIRECT_URL = "/settings/notifications/email/"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
# So many wrong passwords of one address close it for so long; the sentence says how long.
LOGIN_TRIES = 5
LOGIN_PAUSE = timedelta(minutes=5)
ACCOUNT_RATE_LIMITS = {
    "login_failed": f"10/m/ip,{LOGIN_TRIES}/{int(LOGIN_PAUSE.total_seconds())}s/key"
}
INVITATION_VALID = timedelta(days=7)
INVITATIONS_PER_DAY = 50

# --- Languages and time -----------------------------------------------------
LANGUAGE_CODE = env.str("LANGUAGE_CODE", default="en")
LANGUAGES = [("en", "English"), ("pl", "Polski")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = USE_TZ = True

# --- Static files -----------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- Event intake (contract, section 3) -------------------------------------
INTAKE_MAX_EVENT_BYTES = 32 * 1024
INTAKE_MAX_BODY_BYTES = 500 * 1024
INTAKE_MAX_EVENTS = 2_500
# So much of a body that is too large is still read, so that the client hears why.
INTAKE_MAX_DISCARD_BYTES = 8 * 1024 * 1024
INTAKE_REQUESTS_PER_SECOND = env.int("INTAKE_REQUESTS_PER_SECOND", default=1_000)
INTAKE_EVENTS_PER_MINUTE = env.int("INTAKE_EVENTS_PER_MINUTE", default=120_000)
STALE_AFTER = timedelta(hours=env.int("STALE_AFTER_HOURS", default=72))

# --- Rules and delivery -----------------------------------------------------
EMAIL_DAILY_CAP = env.int("EMAIL_DAILY_CAP", default=1_000)
TEST_EMAILS_PER_HOUR = 5
# To one's own webhooks and devices: whoever writes the receiver tries often.
TEST_MESSAGES_PER_HOUR = 20
PAGE_VIEW_COOLDOWN = timedelta(hours=env.int("PAGE_VIEW_COOLDOWN_HOURS", default=24))
# Whoever does nothing for so long has gone; what follows is another visit.
VISIT_PAUSE = timedelta(seconds=env.int("VISIT_PAUSE_SECONDS", default=1_800))
PROMOTE_ON_REMOVAL = env.bool("PROMOTE_ON_REMOVAL", default=False)
DELIVERY_LEASE = timedelta(seconds=env.int("DELIVERY_LEASE_SECONDS", default=60))
# What could not be sent for so long is not news any more; its member's own hours do not count.
DELIVERY_EXPIRES = timedelta(hours=env.int("DELIVERY_EXPIRES_HOURS", default=96))
# A send starts only while this much of the lease is left: longer than it may take.
SEND_DEADLINE = DELIVERY_LEASE * 0.6
# One try may go through all mail servers; each has its share.
EMAIL_DEADLINE = min(timedelta(seconds=30), SEND_DEADLINE * 0.8) / (1 + len(EMAIL_STAND_INS))
ANYMAIL.setdefault("REQUESTS_TIMEOUT", EMAIL_DEADLINE.total_seconds())
HTTP_DEADLINE = min(timedelta(seconds=15), SEND_DEADLINE * 0.8)
HEARTBEAT_SECONDS = 3
HEARTBEAT_STALE = timedelta(seconds=10)
INBOX_KEEP = timedelta(days=env.int("RETENTION_DAYS_INBOX", default=90))
BELL_POLL_SECONDS = env.int("BELL_POLL_SECONDS", default=2)

# --- Logs -------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
}
