"""What members of staff are called."""

from django.contrib.auth.models import User


def staff_names(usernames: set[str]) -> dict[str, str]:
    """Return what these staff are called: full name, else the username, which is also left where there is no account."""
    found = User.objects.filter(username__in=usernames) if usernames else ()
    return {user.username: user.get_full_name() or user.username for user in found}
