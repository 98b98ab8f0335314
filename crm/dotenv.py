"""`python -m crm.dotenv`: the `.env` of a machine of one's own, written on the first `make run`, its PORT kept up to date.

Settings need it before Django can start, so this is no management command.
"""

import os
import re
import secrets
import sys
from pathlib import Path

SECRETS = """\
# Made on this machine, for this machine. `.env.example` explains every name; variables that are set win.
SECRET_KEY={secret}
LINK_KEY={link}
"""
DEVELOPMENT = """\
DEBUG=1
# Where the site listens; the local engine takes the next port.
PORT={port}
# The local engine takes any key pair; boto3 wants one.
AWS_ACCESS_KEY_ID=local
AWS_SECRET_ACCESS_KEY=local
# The sign-in that `make run` prepares. It exists with DEBUG=1 only.
DEMO_PASSWORD={password}
"""


def main(*, only_secrets: bool = False) -> None:
    """Write the file, or take over another PORT into it; `only_secrets` is for a site that gets the rest otherwise."""
    file = Path(os.environ.get("CRM_ENV_FILE") or Path(__file__).resolve().parents[1] / ".env")
    port = os.environ.get("PORT", "")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65535):
        sys.exit(f"PORT is {port!r}; it must be a number from 1 to 65534 (the local engine takes the next one).")
    if not file.exists():
        template = SECRETS if only_secrets else SECRETS + DEVELOPMENT
        _write_private(file, fill(template, port or "8000"))
    elif port and not only_secrets:
        before = file.read_text(encoding="utf-8")
        after = with_port(before, port)
        if after != before:
            file.write_text(after, encoding="utf-8")


def fill(template: str, port: str) -> str:
    """Return the file's text, with secrets that nobody else has."""
    return template.format(
        secret=secrets.token_urlsafe(48), link=secrets.token_urlsafe(32), password=secrets.token_hex(5), port=port
    )


def with_port(text: str, port: str) -> str:
    """Return the file's text with another port; nothing else in it changes.

    >>> print(with_port("DEBUG=1\\nPORT=8000\\nCRM_TABLE=Mine", "9000"))
    DEBUG=1
    PORT=9000
    CRM_TABLE=Mine
    """
    text, found = re.subn(r"^PORT=.*$", f"PORT={port}", text, flags=re.MULTILINE)
    return text if found else f"{text.rstrip()}\nPORT={port}\n"


def _write_private(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as fresh:
        fresh.write(text)


if __name__ == "__main__":
    main(only_secrets="--only-secrets" in sys.argv)
