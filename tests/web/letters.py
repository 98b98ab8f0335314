"""Letters for the tests of campaigns: what a browser sends, and where it is kept."""

import re

from django.test import Client

from tests.jobs.mailing import COMPANY

LETTER = {"subject": "Hello {{ firstName }}", "body": "Hi {{ firstName }}, **come**.", "company": COMPANY, "version": ""}


def new_letter(client: Client, query: str = f"company={COMPANY}") -> str:
    """The address under which a new letter is kept."""
    page = client.get(f"/campaigns/new/?{query}").content.decode()
    found = re.search(r'action="(/campaigns/[0-9a-f]{32}/)"', page)
    assert found
    return found.group(1)


def written(client: Client, **values: str) -> str:
    """A draft, kept."""
    address = new_letter(client)
    client.post(address, LETTER | values | {"do": "save"})
    return address


def id_of(address: str) -> str:
    return address.split("/")[2]
