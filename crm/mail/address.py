"""What EMAIL_URL means, read in one place: for the mail of campaigns and for Django's own."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from crm.mail.connection import SmtpServer, Tls

FORMS = (
    "smtp+tls://user:password@host:587, smtps://user:password@host, smtp://host, ses://?region=eu-central-1, "
    "anymail:postmark, file:///folder or null:"
)
PROVIDERS = ("brevo", "mailgun", "mailjet", "mandrill", "postmark", "resend", "sendgrid", "sparkpost")
"""Those of Anymail's that take our headers, both parts and our ids, and tell of bounces and complaints."""
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d{1,2}")
CONFIGURATION_SET = re.compile(r"[A-Za-z0-9_-]{1,64}")
SCHEMES = {"smtp": Tls.NONE, "smtp+tls": Tls.STARTTLS, "smtps": Tls.IMPLICIT}
DEFAULT_PORTS = {Tls.NONE: 25, Tls.STARTTLS: 587, Tls.IMPLICIT: 465}
YES, NO = {"1", "true", "yes"}, {"0", "false", "no"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SesAddress:
    """Amazon SES. An empty `region` is the site's; credentials are boto3's; without `configuration_set` the identity's holds."""

    region: str = ""
    configuration_set: str = ""


@dataclass(frozen=True, slots=True)
class AnymailAddress:
    """A provider with an API over HTTP, by the name that Anymail gives it; its keys are in the environment."""

    provider: str


MailAddress = SmtpServer | SesAddress | AnymailAddress | Path | None


def read_address(url: str) -> MailAddress:
    """Return the server or the provider, or the folder that stands in for one, or None where mail is dropped.

    `smtp+tls://user:password@host:587` (or `smtp://…/?tls=1`) asks for STARTTLS, `smtps://…` speaks TLS from the start;
    `?ca=/path.pem` trusts another authority. `ses://` is Amazon SES (options `region`, `configuration_set`), `anymail:name` is
    one of PROVIDERS. `file:///folder` (or `file:folder`) writes one file per message, `null:` none.
    ValueError says what is wrong, not the password.
    """
    try:
        scheme, parts = url.split(":", 1)[0].lower(), urlsplit(url)
        if scheme == "file" and (folder := unquote(parts.netloc + parts.path)):
            return Path(folder)
        if scheme == "null" and ":" in url:
            return None
        if scheme == "ses" and not (parts.netloc or parts.path.strip("/")):
            return _ses(parts)
        if scheme == "anymail" and not parts.netloc:
            return _provider(parts)
        if scheme in SCHEMES and parts.hostname:
            return _server(parts, SCHEMES[scheme])
    except ValueError as error:
        raise ValueError(f"EMAIL_URL can't be used: {error}") from None
    raise ValueError(f"EMAIL_URL can't be used: write {FORMS}")


def _ses(parts: SplitResult) -> SesAddress:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if options.keys() - {"region", "configuration_set"}:
        raise ValueError("the only options of ses:// are region and configuration_set; keys are in boto3's own variables.")
    if (region := options.get("region", "")) and not REGION.fullmatch(region):
        raise ValueError("the option region is one like eu-central-1.")
    if (named := options.get("configuration_set", "")) and not CONFIGURATION_SET.fullmatch(named):
        raise ValueError("the option configuration_set is a name of letters, digits, - and _.")
    return SesAddress(region=region, configuration_set=named)


def _provider(parts: SplitResult) -> AnymailAddress:
    name = parts.path.lower()
    if name == "amazon_ses":
        raise ValueError("write ses:// for Amazon SES.")
    if name not in PROVIDERS or parts.query:
        raise ValueError(f"write anymail: and one of {', '.join(PROVIDERS)}; its keys are in the environment (ANYMAIL_…).")
    return AnymailAddress(name)


def _server(parts: SplitResult, tls: Tls) -> SmtpServer:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if options.keys() - {"tls", "ca"}:
        raise ValueError("the only options of an SMTP address are tls and ca.")
    asked = options.get("tls", "").lower()
    if "tls" in options and asked not in YES | NO:
        raise ValueError("the option tls is 1 or 0.")
    if asked in NO and tls is not Tls.NONE:
        raise ValueError("its scheme asks for TLS and its option tls=0 for none.")
    if asked in YES and tls is Tls.NONE:
        tls = Tls.STARTTLS
    ca_file = options.get("ca")
    if ca_file and tls is Tls.NONE:
        raise ValueError("the option ca is of use with TLS alone: write smtp+tls:// or smtps://.")
    if ca_file and not Path(ca_file).is_file():
        raise ValueError(f"there is no file {ca_file} (option ca).")
    return SmtpServer(
        host=parts.hostname or "",
        port=_port(parts, tls),
        tls=tls,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        ca_file=ca_file or None,
    )


def _port(parts: SplitResult, tls: Tls) -> int:
    """The port that is written; else the usual one, where who signs in goes to the port for that."""
    try:
        return parts.port or (587 if parts.username and tls is Tls.NONE else DEFAULT_PORTS[tls])
    except ValueError:
        raise ValueError("the port must be a number up to 65535.") from None
