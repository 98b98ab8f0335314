"""Delivering mail: one port, several implementations, chosen by EMAIL_URL."""

from pathlib import Path

from crm.mail.address import read_address
from crm.mail.files import FilesMailer
from crm.mail.null import NullMailer
from crm.mail.port import Mailer
from crm.mail.smtp import SmtpMailer


def open_mailer(url: str) -> Mailer:
    """Return the mailer that `url` names; nothing is connected or written yet. ValueError as `read_address` raises it."""
    address = read_address(url)
    if address is None:
        return NullMailer()
    return FilesMailer(address) if isinstance(address, Path) else SmtpMailer(address)
