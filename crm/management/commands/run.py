"""`manage.py run`: everything on one machine, for `make run`."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from crm.localdb import EngineUnavailable, check_free, check_port, engine_binary, wait_until_answers
from crm.management.commands.prepare import sign_in_words
from crm.management.kept import Kept, spawn, wait

ENGINE_SECONDS = 15.0
# Honcho gives its processes 5 seconds to stop; a worker may need longer to finish the message in hand.
HONCHO = "import honcho.command, honcho.manager; honcho.manager.KILL_WAIT = 30; honcho.command.main()"


class Command(BaseCommand):
    """Engine first, web and worker under honcho after it; stopped in the opposite order, so that the worker can still write.

    What ends by itself is started again: the engine by its launcher, web and worker here.
    """

    help = "Starts the local engine, prepares everything, and runs web and worker until Ctrl-C."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, _leave)
        try:
            check_port(settings.PORT, "the site")
            with local_engine(settings.PORT + 1) as engine:
                call_command("prepare", demo_data=engine is not None, stdout=self.stdout)
                ready = f"Community CRM is ready: http://127.0.0.1:{settings.PORT}\n  {sign_in_words()}. Ctrl-C stops everything."
                with web_and_worker(settings.PORT) as (web, worker):
                    self._watch(ready, web, worker, engine)
        except EngineUnavailable as error:
            raise CommandError(str(error)) from error

    def _watch(self, ready: str, web: Kept, worker: Kept, engine: "subprocess.Popen[bytes] | None") -> None:
        """Tell once that the site is up, and start again what ends; raise when the engine does, or the site before it was up."""
        told = False
        while engine is None or engine.poll() is None:
            worker.tend()
            if not web.tend() and not told:
                raise CommandError("The site did not start; its own words stand above.")
            if not told and site_answers(settings.PORT):
                told = True
                self.stdout.write(f"\n  {ready}\n\n")
                self.stdout.flush()
            time.sleep(0.2)
        raise CommandError("The local engine ended, so everything else stops too; its own words stand above.")


@contextmanager
def local_engine(port: int) -> Iterator["subprocess.Popen[bytes] | None"]:
    """Keep the local engine running meanwhile; None where DYNAMODB_ENDPOINT_URL names another. Raises EngineUnavailable."""
    endpoint = urlsplit(settings.DYNAMODB_ENDPOINT_URL)
    if (endpoint.hostname, endpoint.port) not in {("127.0.0.1", port), ("localhost", port)}:
        yield None
        return
    engine_binary()
    check_free(Path(settings.BASE_DIR) / "var" / "crm.db", port)
    command = [sys.executable, "manage.py", "localdb", "--port", str(port)]
    engine = spawn(command, stdout=subprocess.DEVNULL)
    try:
        if not wait_until_answers(port, ENGINE_SECONDS, alive=lambda: engine.poll() is None):
            raise EngineUnavailable("The local engine did not start; its own words stand above.")
        yield engine
    finally:
        engine.terminate()
        wait(engine)


@contextmanager
def web_and_worker(port: int) -> Iterator[tuple[Kept, Kept]]:
    """Keep both running meanwhile: each under a honcho of its own, which ends all that it runs when one of them ends."""
    parts: list[Kept] = []
    try:
        for name in ("web", "worker"):
            command = [sys.executable, "-c", HONCHO, "start", "--env", os.devnull, "--port", str(port), name]
            parts.append(Kept(name, command))
        yield parts[0], parts[1]
    finally:
        for part in parts:
            part.terminate()
        for part in parts:
            part.wait()


def site_answers(port: int) -> bool:
    """Tell whether the web processes serve pages."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": f"127.0.0.1:{port}"})
        return connection.getresponse().status < http.client.BAD_REQUEST
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _leave(number: int, frame: FrameType | None) -> None:
    """Unwind, so that everything that was started is stopped; further signals change nothing about that."""
    for other in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(other, signal.SIG_IGN)
    sys.exit(0)
