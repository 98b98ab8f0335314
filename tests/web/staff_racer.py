"""One of several processes that change accounts at once: a line it reads says what to do, a line it writes how it went.

Between looking and writing it dawdles, so that whoever is not kept out gets in between.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

DAWDLE = 0.4
PASSWORD = "sommerregen am see"


def main() -> None:
    """Do what is told until nothing more is."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "crmsite.settings"
    import django

    django.setup()
    from crm.domain.errors import CrmError
    from crm.staff import set_role

    for name in ("crm.accounts.set_role", "crm.invitations.set_role"):
        patch(name, _dawdling(set_role)).start()
    steps: dict[str, Callable[..., object]] = {"prepare": _prepare, "demote": _demote, "join": _join, "left": _left}
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        step, *given = json.loads(line)
        try:
            answer = steps[step](*given)
        except CrmError as error:
            answer = error.message
        print(json.dumps(answer), flush=True)


def _prepare() -> list[object]:
    """Two administrators and an invitation: the ids of the two, and the key."""
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from crm import invitations, staff
    from crm.wiring import get_store

    call_command("migrate", verbosity=0)
    both = [User.objects.create_user(name) for name in ("astrid", "birgit")]
    for user in both:
        staff.set_role(user, "Admin")
    invitation = invitations.invite(get_store(), "kim@community.example", "Editor", actor=both[0], now=datetime.now(UTC))
    return [both[0].pk, both[1].pk, invitation.key]


def _demote(actor: int, user: int) -> str:
    from django.contrib.auth.models import User

    from crm import accounts
    from crm.wiring import get_store

    accounts.change_role(get_store(), user, "Viewer", actor=User.objects.get(pk=actor), now=datetime.now(UTC))
    return "done"


def _join(key: str, username: str) -> str:
    from crm import invitations
    from crm.wiring import get_store

    typed = invitations.Newcomer(username=username, full_name="Kim Lund", password=PASSWORD)
    invitations.join(get_store(), key, typed, now=datetime.now(UTC))
    return "done"


def _left() -> list[int]:
    """How many administrators and accounts there are."""
    from django.contrib.auth.models import User

    from crm.staff import role_of

    return [sum(role_of(user) == "Admin" for user in User.objects.all()), User.objects.count()]


def _dawdling(do: Callable[..., Any]) -> Callable[..., Any]:
    def later(*given: Any) -> Any:
        time.sleep(DAWDLE)
        return do(*given)

    return later


if __name__ == "__main__":
    main()
