#!/usr/bin/env python
"""Django's command line; the settings read `.env`. What can be told in a sentence is; `--traceback` shows where it came from."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError, ProgrammingError

from crm.domain.audit import Origin, coming_from
from crm.domain.errors import CrmError


def main() -> None:
    """Run the command that `sys.argv` names."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crmsite.settings")
    try:
        with coming_from(Origin(via="command")):
            execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, CrmError, OperationalError, ProgrammingError) as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(sentence(error))


def sentence(error: Exception) -> str:
    """Return what to say about an error that is nobody's bug."""
    if isinstance(error, OperationalError | ProgrammingError):
        return f"The staff database can't be used: {error}. Is DATABASE_URL right? `manage.py prepare` creates what is missing."
    return str(error)


if __name__ == "__main__":
    main()
