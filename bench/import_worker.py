"""One worker process of the import bench: `python -m bench.import_worker URL TABLE FOLDER`.

It says "ready", waits for a line, works until nothing is due, and prints what that cost as one line of JSON.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from bench.mail_worker import peak_bytes
from bench.meter import Meter
from bench.place import LINKS, open_client, open_store
from crm.jobs.work import SendSettings, Work
from crm.jobs.worker import Worker
from crm.mail.null import NullMailer
from crm.services.files import FolderFiles

LEASE_SECONDS = 3.0


def main() -> None:
    """Work until nothing is due."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("url", "table", "folder"):
        parser.add_argument(name)
    options = parser.parse_args()
    client = open_client(options.url)
    work = Work(
        store=open_store(client, options.table),
        mailer=NullMailer(),
        settings=SendSettings(lease_seconds=LEASE_SECONDS, links=LINKS),
        files=FolderFiles(Path(options.folder)),
    )
    meter = Meter(client)
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.monotonic()
    with meter.reading() as reading:
        Worker(work).run_once()
    cost = reading.cost
    told = {"requests": cost.requests, "read_units": cost.read_units, "write_units": cost.write_units}
    print(json.dumps({**told, "seconds": time.monotonic() - began, "peak": peak_bytes()}), flush=True)


if __name__ == "__main__":
    main()
