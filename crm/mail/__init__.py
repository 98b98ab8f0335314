"""Delivering mail: one port, several implementations, chosen by EMAIL_URL."""

from pathlib import Path

from crm.mail.address import AnymailAddress, SesAddress, read_address
from crm.mail.files import FilesMailer
from crm.mail.null import NullMailer
from crm.mail.port import Mailer
from crm.mail.smtp import SmtpMailer


def open_mailer(url: str, *, region: str = "") -> Mailer:
    """Return the mailer that `url` names; nothing is connected or written yet.

    `region` is Amazon SES's where `url` names none. ValueError as `read_address` raises it, and where a provider's keys are
    missing.
    """
    address = read_address(url)
    if address is None:
        return NullMailer()
    if isinstance(address, SesAddress | AnymailAddress):
        from crm.mail.anymail import AnymailMailer  # 0.3 seconds, for those alone who need it

        return AnymailMailer(address, region=region)
    return FilesMailer(address) if isinstance(address, Path) else SmtpMailer(address)
