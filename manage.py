#!/usr/bin/env python
"""Django's command line. What stands in `.env` holds for every command; variables that are set win."""

import os
import sys
from pathlib import Path

import environ
from django.core.management import execute_from_command_line


def main() -> None:
    """Run the command that `sys.argv` names."""
    environ.Env.read_env(Path(__file__).resolve().parent / ".env")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crmsite.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
