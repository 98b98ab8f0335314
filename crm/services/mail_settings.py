"""Who letters are from: what staff have set, and what the environment says where they have not."""

from crm.domain.mail_settings import Letterhead
from crm.store import Store


def letterhead(store: Store, default: Letterhead) -> Letterhead:
    """Return what letters say of the organisation at this moment; one request."""
    settings = store.mail_settings.get()
    return Letterhead(
        sender=default.sender,
        organisation=settings.organisation or default.organisation,
        postal_address=settings.postal_address or default.postal_address,
    )
