"""Taking people off by the link of an e-mail, also when addresses have moved since."""

from crm.domain.people import EmailStatus
from crm.services.unsubscribe import unsubscribe
from crm.services.verify import differences
from crm.store import Store
from tests.factories import NOW, make_person
from tests.mailings import keep_emails, make_email


def test_two_spellings_of_one_accent_are_one_address(store: Store) -> None:
    composed, apart = "jos\u00e9@example.org", "jose\u0301@example.org"
    person = store.people.create(make_person(email=composed))
    email = make_email(user_id=person.id, email=apart)
    keep_emails(store, [email])

    after = unsubscribe(store, email.id, person.id, now=NOW)

    assert after.status is EmailStatus.UNSUBSCRIBED
    assert store.people.get(person.id).email_status is EmailStatus.UNSUBSCRIBED
    assert [difference for difference in differences(store) if difference.kind == "person"] == []
