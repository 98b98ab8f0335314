"""A mailer that accepts everything and sends nothing, for benches."""

from crm.mail.port import Accepted, OutgoingMessage


class NullMailer:
    """Takes each message and forgets it."""

    def send(self, message: OutgoingMessage, *, deadline: float) -> Accepted:
        """Accept at once."""
        return Accepted(message.email_id)

    def close(self) -> None:
        """Nothing is open."""
