"""One line of log per happening: JSON for machines, plain for a terminal. What stands in `extra` is kept as fields."""

import json
import logging
import re
from datetime import UTC, datetime

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "request", "server_time"}
SECRET = re.compile(
    r"""(/accounts/invitation/|/accounts/password/reset/key/|/settings/mail/verify/"""
    r"""|(?:(?<![\w.-])|://[^/\s]+)/(?:calendar|u|c|o)/)[^/\s"']+""",
    re.IGNORECASE,
)
"""Addresses by which whoever has them gets in, or is taken for somebody, up to the secret and with it."""


def _without_secrets(line: str) -> str:
    """The line as others may read it: logs are kept and collected elsewhere."""
    return SECRET.sub(r"\1…", line)


def _extra(record: logging.LogRecord) -> dict[str, object]:
    """The fields a caller gave in `extra`."""
    return {name: value for name, value in vars(record).items() if name not in _OWN}


class JsonFormatter(logging.Formatter):
    """A record as one JSON object: time in UTC, level, logger, message, the extra fields, and the traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a value that JSON does not know is written as its text."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _without_secrets(json.dumps(line, default=str, ensure_ascii=False))


class PlainFormatter(logging.Formatter):
    """A record as `level logger: message key=value …`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the traceback below it if there is one."""
        fields = "".join(f" {name}={value}" for name, value in _extra(record).items())
        line = f"{record.levelname.lower()} {record.name}: {record.getMessage()}{fields}"
        return _without_secrets(f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line)
