"""What members of staff are called."""

from django.contrib.auth.models import User


def name_of(user: User) -> str:
    """Return what somebody is called: full name, else the username."""
    return user.get_full_name() or user.get_username()


def staff_names(usernames: set[str]) -> dict[str, str]:
    """Return what these staff are called; the username is left where there is no account."""
    found = User.objects.filter(username__in=usernames) if usernames else ()
    return {user.username: name_of(user) for user in found}
