"""`manage.py localdb`: the local engine, in the foreground."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.localdb import EngineUnavailable, Launcher, engine_binary

LOOPBACK = ("127.0.0.1", "localhost")


class Command(BaseCommand):
    """Runs the engine until it is told to stop; one launcher per file."""

    help = "Runs the local DynamoDB engine in the foreground on var/crm.db, until Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=default_port(), help="where it listens (%(default)s)")
        parser.add_argument(
            "--host", default="127.0.0.1", help="it asks nobody who they are: another address only in a private network"
        )
        parser.add_argument("--file", type=Path, default=Path(settings.BASE_DIR) / "var" / "crm.db", help="where the data stay")

    def handle(self, *args: Any, port: int, host: str, file: Path, **options: Any) -> None:
        try:
            launcher = Launcher(engine_binary(), file, port=port, host=host)
            self.stdout.write(f"The local engine listens on http://{host}:{port} and keeps its data in {file}.")
            launcher.run()
        except EngineUnavailable as error:
            raise CommandError(str(error)) from error


def default_port() -> int:
    """Return the port of DYNAMODB_ENDPOINT_URL where that names this machine, else the one after PORT."""
    endpoint = urlsplit(settings.DYNAMODB_ENDPOINT_URL)
    return endpoint.port if endpoint.hostname in LOOPBACK and endpoint.port else settings.PORT + 1
