"""Delivering mail: one port, several implementations, chosen by EMAIL_URL."""

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from crm.mail.files import FilesMailer
from crm.mail.null import NullMailer
from crm.mail.port import Mailer
from crm.mail.smtp import SmtpMailer, SmtpServer, Tls

SMTP_SCHEMES = {"smtp": Tls.NONE, "smtp+tls": Tls.STARTTLS, "smtps": Tls.IMPLICIT}
DEFAULT_PORTS = {Tls.NONE: 25, Tls.STARTTLS: 587, Tls.IMPLICIT: 465}


def open_mailer(url: str) -> Mailer:
    """Return the mailer that `url` names; nothing is connected or written yet. ValueError says what is wrong, not the password.

    `smtp://user:password@host:587/?tls=1` (or `smtp+tls://…`) asks for STARTTLS, `smtps://…` speaks TLS from the start;
    `?ca=/path.pem` trusts another authority. `file:///folder` (or `file:folder`) writes one file per message, `null:` none.
    """
    try:
        scheme, parts = url.split(":", 1)[0].lower(), urlsplit(url)
        if scheme == "file" and (folder := unquote(parts.netloc + parts.path)):
            return FilesMailer(Path(folder))
        if scheme == "null":
            return NullMailer()
        if scheme in SMTP_SCHEMES and parts.hostname:
            return SmtpMailer(_smtp_server(url, SMTP_SCHEMES[scheme]))
    except ValueError as error:
        raise ValueError(f"EMAIL_URL can't be used: {error}") from None
    raise ValueError("EMAIL_URL can't be used: write smtp://user:password@host:587/?tls=1, smtps://host, file:///folder or null:")


def _smtp_server(url: str, tls: Tls) -> SmtpServer:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if options.keys() - {"tls", "ca"}:
        raise ValueError("the only options of an SMTP address are tls and ca.")
    if tls is Tls.NONE and options.get("tls", "0").lower() in {"1", "true", "yes"}:
        tls = Tls.STARTTLS
    if (ca_file := options.get("ca")) and not Path(ca_file).is_file():
        raise ValueError(f"there is no file {ca_file} (option ca).")
    try:
        port = parts.port or (587 if parts.username and tls is Tls.NONE else DEFAULT_PORTS[tls])
    except ValueError:
        raise ValueError("the port must be a number up to 65535.") from None
    return SmtpServer(
        host=parts.hostname or "",
        port=port,
        tls=tls,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        ca_file=ca_file or None,
    )
