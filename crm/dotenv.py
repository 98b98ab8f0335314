"""`python -m crm.dotenv`: the `.env` of a machine of one's own, written on the first `make run` and kept in step with PORT.

Settings need it before Django can start, so this is no management command.
"""

import os
import re
import secrets
import sys
from pathlib import Path

DEFAULT_PORT = "8000"
FIRST = """\
# Written by `make run`. `.env.example` explains every name; variables that are set in the shell win.
DEBUG=1
SECRET_KEY={secret}
LINK_KEY={link}
PORT={port}
PUBLIC_URL={public}
DYNAMODB_ENDPOINT_URL={endpoint}
# The local engine takes any key pair; boto3 wants one.
AWS_ACCESS_KEY_ID=local
AWS_SECRET_ACCESS_KEY=local
# The sign-in that `make run` prepares. It exists with DEBUG=1 only.
DEMO_PASSWORD={password}
"""


def main() -> None:
    """Write `.env`, or tell why that can't be."""
    file = Path(os.environ.get("CRM_ENV_FILE") or Path(__file__).resolve().parents[1] / ".env")
    port = os.environ.get("PORT", "")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65535):
        sys.exit(f"PORT is {port!r}; it must be a number from 1 to 65534 (the engine takes the next one).")
    if file.exists():
        before = file.read_text(encoding="utf-8")
        after = moved(before, port) if port else before
        if after != before:
            file.write_text(after, encoding="utf-8")
    else:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as fresh:
            fresh.write(first(port or DEFAULT_PORT))


def first(port: str) -> str:
    """Return a new file's text, with secrets that nobody else has."""
    return FIRST.format(
        secret=secrets.token_urlsafe(48),
        link=secrets.token_urlsafe(32),
        password=secrets.token_hex(5),
        port=port,
        **addresses(port),
    )


def addresses(port: str) -> dict[str, str]:
    """Return where the site and, on the next port, the engine are found."""
    return {"public": f"http://127.0.0.1:{port}", "endpoint": f"http://127.0.0.1:{int(port) + 1}"}


def moved(text: str, port: str) -> str:
    """Return the file's text for another port: addresses that followed the old one follow, others stay.

    >>> print(moved("PORT=8000\\nPUBLIC_URL=http://127.0.0.1:8000\\nDYNAMODB_ENDPOINT_URL=https://db.example", "9000"))
    PORT=9000
    PUBLIC_URL=http://127.0.0.1:9000
    DYNAMODB_ENDPOINT_URL=https://db.example
    """
    found = re.search(r"^PORT=(\d+)$", text, re.MULTILINE)
    if found is None:
        return f"{text.rstrip()}\nPORT={port}\n".lstrip()
    old, new = addresses(found[1]), addresses(port)
    text = f"{text[: found.start()]}PORT={port}{text[found.end() :]}"
    for name, key in (("PUBLIC_URL", "public"), ("DYNAMODB_ENDPOINT_URL", "endpoint")):
        text = re.sub(rf"^{name}={re.escape(old[key])}$", f"{name}={new[key]}", text, flags=re.MULTILINE)
    return text


if __name__ == "__main__":
    main()
