"""Django's own mail, such as password resets, over the server that EMAIL_URL names."""

import ssl

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend
from django.utils.functional import cached_property

from crm.mail.connection import tls_context


class SmtpBackend(EmailBackend):
    """Django's SMTP, with the trust in certificates that the mail of campaigns has."""

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        """The system's authorities, or the one of the option `ca`."""
        return tls_context(settings.EMAIL_CA_FILE)
