"""Settings, read from the environment and from `.env`; variables that are set win. `.env.example` explains each name.

Insecure defaults hold only with DEBUG=1. Without it, a missing secret stops the start with a sentence that says what to set.
"""

import json
import logging
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from crm.domain.local_times import ZONES
from crm.mail.address import AnymailAddress, SesAddress, read_address
from crm.mail.connection import SmtpServer, Tls

Number = TypeVar("Number", int, float)

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(env.str("CRM_ENV_FILE", default="") or BASE_DIR / ".env")

DEBUG: bool = env.bool("DEBUG", default=False)


def _required(name: str, *, for_debug: str, what: str) -> list[str]:
    """The variable's values, one at least; `for_debug` stands in for them with DEBUG=1 only."""
    values = _list(env.str(name, default="")) or _list(for_debug if DEBUG else "")
    if not values:
        raise ImproperlyConfigured(f"{name} is not set: set it to {what}, or set DEBUG=1 on a machine of your own.")
    return values


def _number(name: str, kind: Callable[[str], Number], *, default: Number) -> Number:
    """The variable's value as a number; empty is not set."""
    text: str = env.str(name, default="").strip()
    try:
        value = kind(text) if text else default
        if math.isfinite(value):
            return value
    except ValueError:
        pass
    raise ImproperlyConfigured(f"{name} is {text!r}, which can't be used: set it to a number like {default}.")


def _list(text: str) -> list[str]:
    """The parts of a comma separated value, without empty ones."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _value(name: str, text: str) -> Any:
    """The variable's value, which is JSON where it begins like it."""
    try:
        return json.loads(text) if text.startswith("{") else text
    except ValueError:
        raise ImproperlyConfigured(f"{name} begins with a brace, but can't be read as JSON: check its quotes.") from None


# --- secrets and addresses ---------------------------------------------------------------------------------------------

# Of each, the first key signs and all are accepted.
SECRET_KEY, *SECRET_KEY_FALLBACKS = _required("SECRET_KEY", for_debug="insecure-and-for-debug-only", what="a long random text")
LINK_KEYS = _required("LINK_KEY", for_debug="insecure-link-key-for-debug-only", what="a long random text, kept for years")
ALLOWED_HOSTS = _required("ALLOWED_HOSTS", for_debug="127.0.0.1,localhost,[::1]", what="the names you serve, by commas")
PORT: int = _number("PORT", int, default=8000)  # where gunicorn listens; the local engine takes the next one
PUBLIC_URL: str = env.str("PUBLIC_URL", default=f"http://127.0.0.1:{PORT}" if DEBUG else "").rstrip("/")

HTTPS: bool = env.bool("HTTPS", default=not DEBUG)  # 0 only where nobody but this machine can connect
TRUSTED_PROXIES: int = _number("TRUSTED_PROXIES", int, default=0)

SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
if PUBLIC_URL:
    CSRF_TRUSTED_ORIGINS = ["{0.scheme}://{0.netloc}".format(urlsplit(PUBLIC_URL))]
X_FRAME_OPTIONS = "DENY"

# How much one request may carry. Files of staff go to the disk as they come; the import takes more of them (crm.web.bounds).
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
DATA_UPLOAD_MAX_NUMBER_FILES = 5
FILE_UPLOAD_MAX_SIZE = 5_000_000

# How often one token, and one address without sign-in, may ask one process in a second; 0 is as often as it likes.
CRM_API_RATE: float = _number("CRM_API_RATE", float, default=300.0)
CRM_PUBLIC_RATE: float = _number("CRM_PUBLIC_RATE", float, default=100.0)

CSRF_FAILURE_VIEW = "crm.web.http.csrf_failure"

# --- ours: the table, mail, and the work in the background ----------------------------------------------------------------

CRM_ORGANISATION: str = env.str("CRM_ORGANISATION", default="Community CRM")
CRM_TABLE: str = env.str("CRM_TABLE", default="CommunityApp")
CRM_TIME_ZONE: str = env.str("CRM_TIME_ZONE", default="UTC")
if CRM_TIME_ZONE not in ZONES:
    raise ImproperlyConfigured(f"CRM_TIME_ZONE is {CRM_TIME_ZONE!r}, which is no time zone: set one like Europe/Stockholm.")
CRM_SEND_RATE: float = _number("CRM_SEND_RATE", float, default=10.0)
CRM_LEASE_SECONDS: float = _number("CRM_LEASE_SECONDS", float, default=60.0)
CRM_WINDOW: int = _number("CRM_WINDOW", int, default=50)
CRM_RETRY_SECONDS: float = _number("CRM_RETRY_SECONDS", float, default=60.0)
CRM_UNDO_SECONDS: float = _number("CRM_UNDO_SECONDS", float, default=60.0)
CRM_FILES: Path = BASE_DIR / env.str("CRM_FILES", default="var/files")  # an absolute path stays as it is
DYNAMODB_ENDPOINT_URL: str = env.str("DYNAMODB_ENDPOINT_URL", default=f"http://127.0.0.1:{PORT + 1}" if DEBUG else "")
AWS_REGION: str = env.str("AWS_REGION", default="eu-central-1")
EMAIL_URL: str = env.str("EMAIL_URL", default=(BASE_DIR / "var" / "outbox").as_uri())
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", default="Community CRM <crm@localhost>")

# Of the providers' webhooks: Amazon's topics, and what Anymail reads by its own names (keys, secrets). What is empty is off.
SNS_TOPIC_ARNS = _list(env.str("SNS_TOPIC_ARNS", default=""))
ANYMAIL_WEBHOOK_SECRET: str = env.str("ANYMAIL_WEBHOOK_SECRET", default="")
ANYMAIL: dict[str, Any] = {
    name.removeprefix("ANYMAIL_"): _value(name, text) for name, text in os.environ.items() if name.startswith("ANYMAIL_") and text
}

# Django's own mail goes the same way. MAIL_LEAVES is False where it is dropped (EMAIL_URL null:): no links for passwords then, no
# invitations by mail, no notices; staff ask their administrator.
try:
    _mail = read_address(EMAIL_URL)
except ValueError as error:
    raise ImproperlyConfigured(str(error)) from None
MAIL_LEAVES = _mail is not None
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
EMAIL_TIMEOUT = 20
if isinstance(_mail, Path):
    EMAIL_BACKEND, EMAIL_FILE_PATH = "django.core.mail.backends.filebased.EmailBackend", _mail
elif isinstance(_mail, AnymailAddress):
    EMAIL_BACKEND = f"anymail.backends.{_mail.provider}.EmailBackend"
elif isinstance(_mail, SesAddress):
    EMAIL_BACKEND = "anymail.backends.amazon_ses.EmailBackend"
    ANYMAIL["AMAZON_SES_CLIENT_PARAMS"] = {"region_name": _mail.region or AWS_REGION}
    ANYMAIL["AMAZON_SES_CONFIGURATION_SET_NAME"] = _mail.configuration_set or None
elif isinstance(_mail, SmtpServer):
    EMAIL_BACKEND, EMAIL_CA_FILE = "crm.mail.backend.SmtpBackend", _mail.ca_file
    EMAIL_HOST, EMAIL_PORT = _mail.host, _mail.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.user, _mail.password
    EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.tls is Tls.STARTTLS, _mail.tls is Tls.IMPLICIT

# --- Django ----------------------------------------------------------------------------------------------------------------

ROOT_URLCONF = "crmsite.urls"
WSGI_APPLICATION = "crmsite.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "template_partials",
    "crm",
]

MIDDLEWARE = [
    "crm.web.middleware.HeadMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "crm.web.middleware.ContentPolicyMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "crm.web.bounds.PublicLimitMiddleware",
    "crm.web.middleware.FormMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "crm.web.middleware.OriginMiddleware",
    "crm.web.middleware.SignInMiddleware",
    "crm.web.presence.PresenceMiddleware",
    "crm.web.middleware.StoreMiddleware",
    "crm.web.middleware.AnswerMiddleware",
]

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
                "crm.web.middleware.shell",
            ],
            "builtins": [
                "django.templatetags.static",
                "template_partials.templatetags.partials",
                "crm.templatetags.crm",
            ],
        },
    }
]
FORM_RENDERER = "crm.web.forms.Renderer"

# --- staff accounts ----------------------------------------------------------------------------------------------------------

try:
    _database = env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'var' / 'staff.sqlite3'}")
except ValueError:
    _database = {}
if not _database.get("ENGINE"):
    raise ImproperlyConfigured(
        "DATABASE_URL can't be used: write sqlite:///var/staff.sqlite3 or postgres://user:password@host/name."
    )
DATABASES = {"default": _database}
if _database["ENGINE"].endswith("sqlite3"):
    if _database["NAME"] != ":memory:":
        _database["NAME"] = BASE_DIR / str(_database["NAME"])  # an absolute path stays as it is
        Path(_database["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    # Several web processes write here: readers never wait (WAL), writers queue from the start of a transaction.
    _database["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    _database.update(CONN_MAX_AGE=60, CONN_HEALTH_CHECKS=True)

# In the database, so that limits on sign-in hold over all web processes and outlive a restart. Beyond so many entries some are
# thrown away, the lowest keys first. So previews of letters, of which each pause in typing makes one, have a cache of their own.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "shared_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    "previews": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "preview_cache",
        "OPTIONS": {"MAX_ENTRIES": 3_000},
    },
}

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "crm.web.sign_in.Adapter"
ACCOUNT_FORMS = {"login": "crm.web.sign_in.SignInForm"}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGOUT_ON_GET = False
# A whole office signs in from one address within a minute. Wrong passwords are what is scarce: by address, by address and
# account (so that nobody elsewhere keeps somebody out), and by account from everywhere, more than one address alone may try.
ACCOUNT_RATE_LIMITS = {
    "login": "300/m/ip",
    "login_failed": "60/m/ip,5/5m/key",
    "login_failed_anywhere": "100/h/key",
}
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
DEMO_PASSWORD: str = env.str("DEMO_PASSWORD", default="") if DEBUG else ""  # shown at the sign-in
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES

# A second factor: an app that shows codes, with codes on paper for the day it is lost; or a passkey, which also stands alone.
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 1  # clocks of phones may be half a minute off
MFA_ADAPTER = "crm.web.sign_in.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "crm.web.accounts.forms.CodeForm",
    "reauthenticate": "crm.web.accounts.forms.CodeAgainForm",
    "activate_totp": "crm.web.accounts.forms.AppForm",
    "add_webauthn": "crm.web.accounts.forms.NewPasskeyForm",
    "edit_webauthn": "crm.web.accounts.forms.PasskeyNameForm",
    "authenticate_webauthn": "crm.web.accounts.forms.PasskeySecondForm",
    "reauthenticate_webauthn": "crm.web.accounts.forms.PasskeyAgainForm",
    "login_webauthn": "crm.web.accounts.forms.PasskeyAloneForm",
}
MFA_RATE_LIMITS = {"webauthn_login": "120/m/ip"}  # two for each sign-in by passkey, which has no secret to guess
MFA_ALLOW_UNVERIFIED_EMAIL = True  # nobody makes an account for themselves, so none is taken in somebody else's name

# --- language and time -------------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = CRM_TIME_ZONE

# --- static files -------------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
WHITENOISE_ALLOW_ALL_ORIGINS = False
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
if DEBUG:
    STATIC_ROOT.mkdir(exist_ok=True)  # WhiteNoise looks there too, although nothing needs to be collected
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": CRM_FILES}},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

LOG_LEVEL: str = env.str("LOG_LEVEL", default="").upper() or "INFO"
if LOG_LEVEL not in logging.getLevelNamesMapping():
    raise ImproperlyConfigured(f"LOG_LEVEL is {LOG_LEVEL!r}, which is none: set it to DEBUG, INFO or WARNING.")

# --- logs: one JSON object a line, plain lines with DEBUG -----------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "crm.logs.PlainFormatter" if DEBUG else "crm.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "botocore": {"level": "WARNING"},  # it tells with every start where it found its credentials
    },
}

# The strict policy of every page; crm.web.http.content_policy gives one view its own.
CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# What no page asks the browser for; passkeys are asked for by our own pages alone.
PERMISSIONS_POLICY = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), "
    "payment=(), usb=(), publickey-credentials-create=(self), publickey-credentials-get=(self)"
)
